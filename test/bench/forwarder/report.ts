import { figure, rangeText, spreadOf, tableOf } from '../table.ts';
import { type Cell, PAGES } from './cells.ts';
import type { CellResult, Contender, Turn } from './run.ts';

/** Of the rounds; differences and ratios are made within a round first, for what disturbs a round disturbs all in it. */
export function forwarderTable(results: readonly CellResult[]): string {
  const speeds = results.map((result) => [
    ...labelOf(result.cell),
    rangeText(each(result, ({ none }) => none?.perSecond)),
    rangeText(each(result, ({ ours }) => ours?.perSecond)),
    rangeText(each(result, ({ privoxy }) => privoxy?.perSecond)),
    rangeText(each(result, ({ ours, privoxy }) => ours && privoxy && ours.perSecond / privoxy.perSecond)),
  ]);
  const latencies = results.map((result) => [
    ...labelOf(result.cell),
    ...(['p50', 'p99'] as const).flatMap((at) => [
      rangeText(added(result, 'ours', at)),
      rangeText(added(result, 'privoxy', at)),
    ]),
    (['none', 'ours', 'privoxy'] as const).map((name) => countText(result, name)).join(' / '),
  ]);
  const columns = ['way', 'page', 'connection', 'clients'];
  const failures = results.flatMap(({ cell, failures }) =>
    failures.map((reason) => `failed: ${labelOf(cell).join(', ')}: ${reason}`),
  );
  const n = results[0]?.rounds.length ?? 0;
  return [
    `forwarder, requests/s: median (min–max) of ${n} rounds`,
    tableOf([...columns, 'no proxy', 'ours', 'Privoxy', 'ours / Privoxy'], speeds),
    '',
    `forwarder, ms added to no proxy: median (min–max) of ${n} rounds; requests: median of a round`,
    tableOf(
      [
        ...columns,
        'ours, p50',
        'Privoxy, p50',
        'ours, p99',
        'Privoxy, p99',
        'requests: none / ours / Privoxy',
      ],
      latencies,
    ),
    ...failures,
  ].join('\n');
}

function labelOf({ way, page, keepAlive, clients }: Cell): string[] {
  return [way, PAGES[page].text, keepAlive ? 'kept' : 'new', String(clients)];
}

function each(
  { rounds }: CellResult,
  read: (round: CellResult['rounds'][number]) => number | undefined,
): number[] {
  return rounds.flatMap((round) => read(round) ?? []);
}

function added(result: CellResult, name: Contender, at: 'p50' | 'p99'): number[] {
  return each(result, (round) => {
    const { none } = round;
    const turn: Turn | undefined = round[name];
    return turn && none && turn[at] - none[at];
  });
}

function countText(result: CellResult, name: Contender): string {
  const counts = each(result, (round) => round[name]?.requests);
  return counts.length === 0 ? '-' : figure(spreadOf(counts).median);
}
