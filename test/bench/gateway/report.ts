import { figure, spreadOf, tableOf } from '../table.ts';
import { type GatewayResult, MILESTONES, type Milestone } from './run.ts';

/** MiB that all containers together may take when idle: what a small machine can spare. */
const MEMORY_BAR = 512;
const HEAD = ['n', 'median', 'min', 'max'];

export function gatewayTable({ starts, problems }: GatewayResult): string {
  const failures = problems.map((problem) => `failed: ${problem}`);
  if (starts.length === 0) return failures.join('\n');
  const times = (Object.keys(MILESTONES) as Milestone[]).map((name) => [
    MILESTONES[name],
    ...cellsOf(starts.map(({ seconds }) => seconds[name])),
  ]);
  const roles = [...new Set(starts.flatMap(({ memory }) => Object.keys(memory)))].sort();
  const sizes = roles.map((role) => [role, ...cellsOf(starts.flatMap(({ memory }) => memory[role] ?? []))]);
  const sums = starts.map(({ memory }) => Object.values(memory).reduce((sum, one) => sum + one, 0));
  const met = Math.max(...sums) < MEMORY_BAR;
  return [
    tableOf(['cold start to …, s', ...HEAD], times),
    '',
    tableOf(['memory when idle, MiB', ...HEAD], [...sizes, ['together', ...cellsOf(sums)]]),
    `bar: together under ${MEMORY_BAR} in every run: ${met ? 'met' : 'MISSED'}`,
    ...failures,
  ].join('\n');
}

function cellsOf(values: readonly number[]): string[] {
  const { median, min, max } = spreadOf(values);
  return [values.length, median, min, max].map(figure);
}
