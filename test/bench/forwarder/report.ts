import { rangeText, tableOf } from '../table.ts';
import { type Cell, PAGES } from './cells.ts';
import type { MemoryResult } from './memory.ts';
import type { CellResult, Contender, ForwarderResult, Turn } from './run.ts';

const MIB = 1024 * 1024;
const COLUMNS = ['way', 'rules', 'page', 'connection', 'clients'];

/** Of the rounds; differences and ratios are made within a round first, for what disturbs a round disturbs all in it. */
export function forwarderTable({ cells, memory }: ForwarderResult): string {
  const speeds = cells.map((result) => [
    ...labelOf(result.cell),
    ...(['none', 'ours', 'privoxy'] as const).map((name) => each(result, (turns) => turns[name].perSecond)),
    each(result, ({ ours, privoxy }) => ours.perSecond / privoxy.perSecond),
  ]);
  const latencies = cells.map((result) => [
    ...labelOf(result.cell),
    ...(['p50', 'p99'] as const).flatMap((at) => [added(result, 'ours', at), added(result, 'privoxy', at)]),
    ...(['ours', 'privoxy'] as const).map((name) => each(result, (turns) => turns[name].cpu)),
  ]);
  const failures = cells.flatMap(({ cell, rounds }) =>
    rounds.flatMap((turns) =>
      Object.entries(turns).flatMap(([name, { failures: reasons }]) =>
        reasons.map((reason) => `failed: ${labelOf(cell).join(', ')}: ${name}: ${reason}`),
      ),
    ),
  );
  const n = cells[0]?.rounds.length ?? 0;
  return [
    `forwarder, requests/s: median (min–max) of ${n} rounds`,
    tableOf([...COLUMNS, 'no proxy', 'ours', 'Privoxy', 'ours / Privoxy'], speeds),
    '',
    `forwarder, ms added to no proxy, and µs of CPU for a request: median (min–max) of ${n} rounds`,
    tableOf(
      [...COLUMNS, 'ours, p50', 'Privoxy, p50', 'ours, p99', 'Privoxy, p99', 'ours, CPU', 'Privoxy, CPU'],
      latencies,
    ),
    '',
    'forwarder, MiB resident, with 512 clients who download 1 MB at once',
    tableOf(['', 'before', 'peak', 'open, at rest', 'answered whole'], memory.map(memoryRow)),
    ...failures,
  ].join('\n');
}

function memoryRow({ contender, before, peak, after, answered, asked }: MemoryResult): string[] {
  return [
    contender,
    ...[before, peak, after].map((bytes) => (bytes / MIB).toFixed(0)),
    `${answered} of ${asked}`,
  ];
}

function labelOf({ way, rules, page, keepAlive, clients }: Cell): string[] {
  return [way, rules, PAGES[page].text, keepAlive ? 'kept' : 'new', String(clients)];
}

function each({ rounds }: CellResult, read: (round: Readonly<Record<Contender, Turn>>) => number): string {
  return rangeText(rounds.map(read));
}

function added(result: CellResult, name: Contender, at: 'p50' | 'p99'): string {
  return each(result, (turns) => turns[name][at] - turns.none[at]);
}
