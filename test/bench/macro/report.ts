import { figure, type Spread, spreadOf, spreadText, tableOf } from '../table.ts';
import type { ContenderName } from './contender.ts';
import { METRICS, type Metric, type RunResult } from './measure.ts';
import type { Condition } from './run.ts';

/** MiB that our router may take, whatever i2pd does. */
const MEMORY_BAR = 128;

/** What the project promises; the other figures are for those who look for the time's way. */
const BARS: Partial<
  Record<Metric, { readonly text: string; readonly holds: (row: Row) => boolean | undefined }>
> = {
  firstPage: { text: 'not later', holds: (row) => compare(row, (ours, i2pd) => ours <= i2pd) },
  speed1: { text: 'at least equal', holds: (row) => compare(row, (ours, i2pd) => ours >= i2pd) },
  speed10: { text: 'at least equal', holds: (row) => compare(row, (ours, i2pd) => ours >= i2pd) },
  speed50: { text: 'at least equal', holds: (row) => compare(row, (ours, i2pd) => ours >= i2pd) },
  memory: { text: `under ${MEMORY_BAR}`, holds: ({ ours }) => ours && ours.max < MEMORY_BAR },
};

export interface Row {
  readonly metric: Metric;
  readonly ours: Spread | undefined;
  readonly i2pd: Spread | undefined;
  /** of the medians, ours by i2pd's */
  readonly ratio: number | undefined;
  readonly bar: { readonly text: string; readonly met: boolean | undefined } | undefined;
}

export function rowsOf({ runs }: Condition): Row[] {
  return (Object.keys(METRICS) as Metric[]).map((metric) => {
    const ours = spread(runs.ours, metric);
    const i2pd = spread(runs.i2pd, metric);
    const ratio = ours && i2pd && i2pd.median !== 0 ? ours.median / i2pd.median : undefined;
    const row: Row = { metric, ours, i2pd, ratio, bar: undefined };
    const bar = BARS[metric];
    return bar ? { ...row, bar: { text: bar.text, met: bar.holds(row) } } : row;
  });
}

export function macroTable(condition: Condition): string {
  const { delay, runs, problems } = condition;
  const rows = rowsOf(condition).map(({ metric, ours, i2pd, ratio, bar }) => [
    METRICS[metric],
    textOf(ours),
    textOf(i2pd),
    ratio === undefined ? '-' : figure(ratio),
    bar === undefined
      ? ''
      : `${bar.text}: ${bar.met === undefined ? 'not measured' : bar.met ? 'met' : 'MISSED'}`,
  ]);
  const title = delay === 0 ? 'Tor is near' : `Tor is ${delay} ms away, each way`;
  const head = [title, 'ours', 'i2pd', 'ours / i2pd', 'bar'];
  const failures = (['ours', 'i2pd'] as const).flatMap((name) => failuresOf(name, runs[name]));
  return [tableOf(head, rows), ...failures, ...problems.map((problem) => `failed: ${problem}`)].join('\n');
}

function compare({ ours, i2pd }: Row, holds: (ours: number, i2pd: number) => boolean): boolean | undefined {
  return ours && i2pd ? holds(ours.median, i2pd.median) : undefined;
}

function spread(runs: readonly RunResult[], metric: Metric): Spread | undefined {
  const values = runs.flatMap((run) => {
    const found = run[metric];
    return found && 'value' in found ? [found.value] : [];
  });
  return values.length > 0 ? spreadOf(values) : undefined;
}

function textOf(spread: Spread | undefined): string {
  return spread ? spreadText(spread) : '-';
}

function failuresOf(name: ContenderName, runs: readonly RunResult[]): string[] {
  return runs.flatMap((run, at) =>
    (Object.keys(METRICS) as Metric[]).flatMap((metric) => {
      const found = run[metric];
      return found && 'failed' in found
        ? [`failed: ${name}, run ${at + 1}, ${METRICS[metric]}: ${found.failed}`]
        : [];
    }),
  );
}
