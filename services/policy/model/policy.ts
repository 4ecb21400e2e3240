import { parseConfig } from '@allium/common/config/parse.ts';
import { z } from 'zod';

/** More grants than this are a mistake, and each is a chain in the kernel. */
const MAX_GRANTS = 100;
/** More ports or ranges than this in one grant. */
const MAX_PORTS = 100;

/** Prose that goes into the kernel as the rule's comment: its limit is 127 bytes. */
const why = z
  .string()
  .min(8, 'a line that says why, at least 8 characters')
  .refine((text) => Buffer.byteLength(text) <= 120, 'at most 120 bytes')
  .refine((text) => !/["\\]|\p{Cc}/u.test(text), 'no quotes, backslashes or control characters');
const name = z.string().regex(/^[a-z][a-z0-9-]{0,30}$/, 'lower-case letters, digits and hyphens');
const port = z
  .int('a port from 1 to 65535')
  .min(1, 'a port from 1 to 65535')
  .max(65_535, 'a port from 1 to 65535');
const portRange = z.string().transform((text, context) => {
  const match = /^(\d{1,5})-(\d{1,5})$/.exec(text);
  const [from, to] = [Number(match?.[1]), Number(match?.[2])];
  if (from >= 1 && from < to && to <= 65_535) return { from, to };
  context.addIssue({ code: 'custom', message: `'${text}' is not a range of ports such as 9100-9111` });
  return z.NEVER;
});
const onePort = port.transform((from) => ({ from, to: from }));
const ports = z
  .array(z.union([onePort, portRange], 'a port from 1 to 65535 or a range such as 9100-9111'))
  .min(1, 'at least one port')
  .max(MAX_PORTS)
  .superRefine((list, context) => {
    const sorted = list.toSorted((a, b) => a.from - b.from);
    const clash = sorted.find((item, i) => i > 0 && item.from <= (sorted[i - 1]?.to ?? 0));
    if (clash !== undefined) context.addIssue({ code: 'custom', message: `port ${clash.from} twice` });
  });
const protocol = z.enum(['tcp', 'udp'], "'tcp' or 'udp'");

const door = z.strictObject({ name, why, protocol, ports });
const capture = z.strictObject({ name, why, protocol, ports: z.union([z.literal('all'), ports]), to: port });
const refusal = z.strictObject({ name, why, protocol, ports });
const grant = z.strictObject({ why });

/** `policies/*.yaml`. There is no place for a host name or an address: those belong to the machine, not the policy. */
const policySchema = z
  .strictObject({
    version: z.literal(1, 'version 1 is the only one'),
    name,
    about: why,
    loopback: grant.optional(),
    tor: grant.optional(),
    doors: z.array(door).max(MAX_GRANTS).default([]),
    captures: z.array(capture).max(MAX_GRANTS).default([]),
    refusals: z.array(refusal).max(MAX_GRANTS).default([]),
  })
  .superRefine((policy, context) => {
    const lists = { doors: policy.doors, captures: policy.captures, refusals: policy.refusals };
    const names = new Set<string>();
    for (const [list, items] of Object.entries(lists)) {
      for (const [index, item] of items.entries()) {
        if (names.has(item.name)) {
          context.addIssue({ code: 'custom', path: [list, index, 'name'], message: `'${item.name}' twice` });
        }
        names.add(item.name);
      }
    }
    for (const [index, first] of policy.doors.entries()) {
      const clash = policy.doors.slice(0, index).find((other) => shareAPort(first, other));
      if (clash === undefined) continue;
      const message = `a port is in door '${clash.name}' already`;
      context.addIssue({ code: 'custom', path: ['doors', index, 'ports'], message });
    }
    if (policy.captures.length > 0 && policy.tor === undefined) {
      context.addIssue({
        code: 'custom',
        path: ['captures'],
        message: 'captures lead to Tor, and tor is not allowed',
      });
    }
  });

export type Policy = z.output<typeof policySchema>;
export type Door = Policy['doors'][number];
export type Capture = Policy['captures'][number];
export type Ports = Door['ports'];

/** Throws `ConfigError` with line and column for everything that is not in the schema. */
export function parsePolicy(file: string, text: string): Policy {
  return parseConfig(file, text, policySchema);
}

function shareAPort(a: Door, b: Door): boolean {
  if (a.protocol !== b.protocol) return false;
  return a.ports.some((x) => b.ports.some((y) => x.from <= y.to && y.from <= x.to));
}
