/** All suites, one after another, each twice in a fresh process: once for time, once for allocations. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { figure, reasonOf, tableOf } from '../table.ts';
import { CHILD_FLAGS } from './allocations.ts';
import type { Failure, Mode, SuiteResult } from './tasks.ts';

const FOLDER = join(import.meta.dirname, '..');
const CHILD = join(import.meta.dirname, 'child.ts');
/** ms for a suite; the longest takes some 20 s on a quiet machine. */
const SUITE_DEADLINE_MS = 240_000;
/** Characters kept of what a suite writes to standard error. */
const ERROR_LIMIT = 4_000;

/** Never throws for a suite that fails: its reason is in the result. */
export async function runMicro(say: (line: string) => void, signal: AbortSignal): Promise<SuiteResult[]> {
  const results: SuiteResult[] = [];
  const files = readdirSync(FOLDER).filter((name) => name.endsWith('.bench.ts'));
  for (const file of files.sort()) {
    const fallback = basename(file, '.bench.ts');
    const failures: Failure[] = [];
    const half = async (mode: Mode): Promise<SuiteResult | undefined> => {
      say(`${fallback}: ${mode}`);
      try {
        return await runSuite(mode, join(FOLDER, file), signal);
      } catch (error) {
        signal.throwIfAborted();
        failures.push({ task: `all (${mode})`, reason: reasonOf(error) });
        return undefined;
      }
    };
    const time = await half('time');
    const memory = await half('allocations');
    results.push({
      suite: time?.suite || memory?.suite || fallback,
      timings: time?.timings ?? [],
      allocations: memory?.allocations ?? [],
      failures: [...failures, ...(time?.failures ?? []), ...(memory?.failures ?? [])],
    });
  }
  return results;
}

async function runSuite(mode: Mode, file: string, signal: AbortSignal): Promise<SuiteResult> {
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(SUITE_DEADLINE_MS)]);
  const child = fork(CHILD, [mode, file], {
    execArgv: mode === 'allocations' ? CHILD_FLAGS : [],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    signal: deadline,
    killSignal: 'SIGKILL',
  });
  let errors = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    errors = (errors + text).slice(0, ERROR_LIMIT);
  });
  let result: SuiteResult | undefined;
  child.once('message', (message) => {
    result = message as SuiteResult;
  });
  const [code] = await once(child, 'exit');
  if (result === undefined) throw new Error(`ended with code ${code}: ${errors}`);
  return result;
}

export function microTable(results: readonly SuiteResult[]): string {
  const head = ['suite', 'task', 'ops/s', 'µs/op', '± %', 'heap B/op', 'off-heap B/op'];
  const rows = results.flatMap(({ suite, timings, allocations }) => {
    const names = new Set([...timings, ...allocations].map(({ task }) => task));
    return [...names].map((task, at) => {
      const time = timings.find((one) => one.task === task);
      const memory = allocations.find((one) => one.task === task);
      return [
        at === 0 ? suite : '',
        task,
        time ? figure(Math.round(time.opsPerSecond)) : '-',
        time ? figure(time.microseconds) : '-',
        time ? figure(time.margin) : '-',
        memory ? figure(Math.round(memory.heap)) : '-',
        memory ? figure(Math.round(memory.external)) : '-',
      ];
    });
  });
  const failures = results.flatMap(({ suite, failures }) =>
    failures.map(({ task, reason }) => `failed: ${suite}, ${task}: ${reason}`),
  );
  return [tableOf(head, rows), ...failures].join('\n');
}
