import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import type { Doors } from './allowed.ts';

/** Read by a reader of its own, so that a mistake of the policy service's reader cannot hide itself. */
const ports = z.union([z.literal('all'), z.array(z.union([z.number(), z.string()]))]);
const entry = z.looseObject({ protocol: z.enum(['tcp', 'udp']), ports });
const policy = z.looseObject({
  doors: z.array(entry).default([]),
  captures: z.array(entry).default([]),
  refusals: z.array(entry).default([]),
});

/** What a policy that we ship opens to workstations. */
export function doorsOf(name: string): Doors {
  const file = join(import.meta.dirname, '../../../policies', `${name}.yaml`);
  const { doors, captures, refusals } = policy.parse(parse(readFileSync(file, 'utf8')));
  return {
    tcp: portsOf(doors, 'tcp'),
    udp: portsOf(doors, 'udp'),
    captures: captures.length > 0,
    neverCaptured: portsOf(refusals, 'tcp'),
  };
}

function portsOf(entries: readonly z.output<typeof entry>[], protocol: 'tcp' | 'udp'): Set<number> {
  const all = new Set<number>();
  for (const each of entries.filter((it) => it.protocol === protocol)) {
    if (each.ports === 'all') continue;
    for (const port of each.ports) {
      const [from = 0, to = from] = String(port).split('-').map(Number);
      for (let one = from; one <= to; one++) all.add(one);
    }
  }
  return all;
}
