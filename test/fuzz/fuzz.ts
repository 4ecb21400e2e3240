import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { styleText } from 'node:util';
import { seconds } from '../network/stages.ts';
import { fileNameOf } from './engine/corpus.ts';
import type { Finding, Report } from './engine/hunt.ts';
import { runJobs } from './engine/pool.ts';
import type { Job } from './engine/worker.ts';
import { allTargets } from './targets/groups.ts';

/** Where inputs go that a reader failed at. */
const FOUND = join(tmpdir(), 'allium-fuzz');
/** A whole node does more than a reader: it gets so many times the time. */
const NODE_SHARE = 8;
/** An input of a slow target is many messages, one after the other: there are so many times fewer. */
const SLOW_PART = 100;
/** A long life of a node is as many short ones. */
const LONG = ' (long)';
const LONG_PART = 1_000;
/** ms that a target gets however little is left. */
const LEAST_MS = 150;
/** ms that the last inputs may take longer than they should. */
const END_MS = 1_500;

export interface FuzzOptions {
  /** of all, on all processors; shared by the targets */
  readonly minutes?: number;
  /** for each target, and as many sessions as `sessions` says, however long it takes */
  readonly inputs?: number;
  readonly sessions?: number;
  /** targets whose name has this in it */
  readonly only?: string;
  readonly seed: string;
}

/** What is hunted in sessions of a whole node. */
export const isNode = (target: string): boolean => target.startsWith('router/node/');

export interface Totals {
  passed: number;
  failed: number;
  inputs: number;
  sessions: number;
  blocks: number;
  /** ms of processor time, of both */
  worked: number;
}

/** Hunts in all targets; prints a line for each, and what it found. */
export async function fuzz(options: FuzzOptions): Promise<Totals> {
  const started = performance.now();
  const jobs = await jobsOf(options);
  console.log(
    `${jobs.length} targets, seed ${options.seed}; inputs, of them in a second of work, blocks, time:`,
  );
  const totals: Totals = { passed: 0, failed: 0, inputs: 0, sessions: 0, blocks: 0, worked: 0 };
  const told = (report: Report): void => {
    show(report, options.seed);
    totals[report.findings.length === 0 && report.inputs > 0 ? 'passed' : 'failed']++;
    totals[isNode(report.target) ? 'sessions' : 'inputs'] += report.inputs;
    totals.blocks += report.blocks;
    totals.worked += report.worked;
  };
  const until = started + (options.minutes ?? 1) * 60_000 - END_MS;
  await runJobs(jobs, told, options.inputs === undefined ? { share: shareUntil(until) } : {});
  const took = performance.now() - started;
  const [inputs, sessions, blocks] = [totals.inputs, totals.sessions, totals.blocks].map((n) =>
    n.toLocaleString('en'),
  );
  const worked = seconds(totals.worked);
  console.log(
    `${inputs} inputs and ${sessions} sessions in ${seconds(took)}, ${worked} of them worked; ${blocks} blocks`,
  );
  console.log(`${totals.failed} of ${jobs.length} targets have findings`);
  return totals;
}

async function jobsOf({ inputs, sessions, only, seed }: FuzzOptions): Promise<Job[]> {
  const most = (name: string, slow: boolean | undefined): number => {
    if (isNode(name) && !name.endsWith(LONG)) return sessions ?? inputs ?? Number.MAX_SAFE_INTEGER;
    if (isNode(name)) return Math.ceil((sessions ?? inputs ?? Number.MAX_SAFE_INTEGER) / LONG_PART);
    return inputs === undefined ? Number.MAX_SAFE_INTEGER : Math.ceil(inputs / (slow ? SLOW_PART : 1));
  };
  return (
    [...(await allTargets())]
      .flatMap(([name, { group, target }]) => {
        if (typeof target === 'string' || !name.includes(only ?? '')) return [];
        const limits = { ms: Number.POSITIVE_INFINITY, inputs: most(name, target.slow) };
        return [{ target: name, group, seed, ...limits }];
      })
      // what takes longest first, so that no thread waits for another at the end
      .sort((a, b) => Number(isNode(b.target)) - Number(isNode(a.target)))
  );
}

const weightOf = ({ target }: Job): number => (isNode(target) ? NODE_SHARE : 1);

/** What is left until then, in equal parts for all that have not begun. */
export function shareUntil(until: number): (job: Job, waiting: readonly Job[]) => number {
  return (job, waiting) => {
    const parts = waiting.reduce((sum, other) => sum + weightOf(other), weightOf(job));
    const threads = Math.min(availableParallelism(), waiting.length + 1);
    const left = Math.max(0, until - performance.now()) * threads;
    return Math.max(LEAST_MS, (left * weightOf(job)) / parts);
  };
}

function show(report: Report, seed: string): void {
  const { target, inputs, took, worked, blocks, findings } = report;
  const rate = Math.round((inputs / worked) * 1_000);
  const cells = [inputs, rate, blocks].map((cell) => cell.toLocaleString('en').padStart(11)).join('');
  console.log(`${target.padEnd(66)}${cells}${seconds(took).padStart(8)}`);
  for (const finding of findings) tell(target, finding, seed);
}

/** Says what was found, and how to see it again. */
export function tell(target: string, finding: Finding, seed: string): void {
  mkdirSync(FOUND, { recursive: true });
  const digest = createHash('sha256').update(finding.input).digest('hex').slice(0, 12);
  const file = join(FOUND, `${fileNameOf(target)}-${digest}.bin`);
  writeFileSync(file, finding.input);
  console.log(styleText('red', `${finding.kind}: ${finding.why}`));
  console.log(`  seed ${seed}; again: npm run fuzz -- --target '${target}' --repeat ${file}`);
}
