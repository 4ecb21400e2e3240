/**
 * Bytes allocated by one call of a task: the growth of V8's heap and of its external memory over some calls between
 * which no collection ran. Exact but for what inlining and escape analysis save in another mixture of calls.
 * Needs --expose-gc and a young generation so large that the calls fit; see CHILD_FLAGS.
 */
import { GCProfiler, getHeapStatistics } from 'node:v8';
import { Bench, type Fn, type FnOptions } from 'tinybench';
import type { Allocation } from './tasks.ts';

/** MB of each half of the young generation: room for BUDGET several times over. */
const SEMI_SPACE_MB = 256;
export const CHILD_FLAGS = [
  '--expose-gc',
  `--min-semi-space-size=${SEMI_SPACE_MB}`,
  `--max-semi-space-size=${SEMI_SPACE_MB}`,
];

/** Milliseconds and calls of warm-up: until the optimizing compiler has been there. */
const WARM_UP_MS = 1_000;
const WARM_UP_CALLS = 20_000;
/** Bytes that the measured calls may come to; V8 collects after 32 MB of new external memory. */
const BUDGET = 12 * 1024 * 1024;
/** Calls in a measurement, at most and in the first guess. */
const MOST_CALLS = 20_000;
const FIRST_CALLS = 50;
/** Tries of a measurement, each with half the calls, until no collection falls into it. */
const TRIES = 6;

export interface RecordedTask {
  readonly name: string;
  readonly fn: Fn;
  readonly options: FnOptions;
}

/** Remembers every task that is added to any Bench from now on, as a Bench does not give them out. */
export function recordTasks(): RecordedTask[] {
  const recorded: RecordedTask[] = [];
  const { add } = Bench.prototype;
  Bench.prototype.add = function (name, fn, options = {}) {
    recorded.push({ name, fn, options });
    return add.call(this, name, fn, options);
  };
  return recorded;
}

/** Throws when collections cannot be kept out of the measurement, or what the task throws. */
export async function allocationsOf(task: RecordedTask): Promise<Allocation> {
  await warmUp(task);
  const guess = await measure(task, FIRST_CALLS);
  const perCall = guess === undefined ? BUDGET / FIRST_CALLS : guess.heap + guess.external;
  let calls = Math.max(10, Math.min(MOST_CALLS, Math.floor(BUDGET / Math.max(1, perCall))));
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const found = await measure(task, calls);
    if (found) return found;
    calls = Math.max(1, calls >> 1);
  }
  throw new Error('a garbage collection fell into every measurement');
}

async function warmUp({ fn, options }: RecordedTask): Promise<void> {
  const until = performance.now() + WARM_UP_MS;
  await options.beforeAll?.call({} as never, 'warmup');
  for (let call = 0; call < WARM_UP_CALLS && performance.now() < until; call++) {
    await options.beforeEach?.call({} as never, 'warmup');
    await fn();
    await options.afterEach?.call({} as never, 'warmup');
  }
}

/**
 * `beforeEach` makes the input of one call, so all of it is made before the first look; a task that is given one
 * takes its inputs in the order in which they were made.
 */
async function measure(
  { name, fn, options }: RecordedTask,
  operations: number,
): Promise<Allocation | undefined> {
  for (let call = 0; call < operations; call++) await options.beforeEach?.call({} as never, 'run');
  globalThis.gc?.();
  globalThis.gc?.();
  const collections = new GCProfiler();
  collections.start();
  const before = getHeapStatistics();
  for (let call = 0; call < operations; call++) {
    const result = fn();
    // An await allocates too: only a task that is asynchronous pays for it.
    if (result instanceof Promise) await result;
  }
  const after = getHeapStatistics();
  const report = collections.stop();
  if ((report?.statistics.length ?? 0) > 0) return undefined;
  return {
    task: name,
    heap: Math.max(0, after.used_heap_size - before.used_heap_size) / operations,
    external: Math.max(0, after.external_memory - before.external_memory) / operations,
    operations,
  };
}
