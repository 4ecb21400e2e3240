/** Runs one suite in a process of its own: `child.ts time|allocations FILE`. Answers its parent with one message. */
import { allocationsOf, recordTasks } from './allocations.ts';
import type { Allocation, Failure, Mode, SuiteModule, SuiteResult, Timing } from './tasks.ts';

async function timings(module: SuiteModule): Promise<SuiteResult> {
  const bench = await module.suite();
  await bench.run();
  const rows: Timing[] = [];
  const failures: Failure[] = [];
  for (const { name, result } of bench.tasks) {
    if ('latency' in result) {
      const milliseconds = result.latency.p50;
      rows.push({
        task: name,
        microseconds: milliseconds * 1000,
        opsPerSecond: 1000 / milliseconds,
        samples: result.latency.samplesCount,
        margin: result.latency.rme,
      });
    } else {
      failures.push({ task: name, reason: result.state === 'errored' ? result.error.message : result.state });
    }
  }
  return { suite: bench.name ?? '', timings: rows, allocations: [], failures };
}

async function allocations(module: SuiteModule): Promise<SuiteResult> {
  const tasks = recordTasks();
  const bench = await module.suite();
  const rows: Allocation[] = [];
  const failures: Failure[] = [];
  for (const task of tasks) {
    try {
      rows.push(await allocationsOf(task));
    } catch (error) {
      failures.push({ task: task.name, reason: error instanceof Error ? error.message : String(error) });
    }
  }
  return { suite: bench.name ?? '', timings: [], allocations: rows, failures };
}

const [mode, file = ''] = process.argv.slice(2) as [Mode, string?];
const module = (await import(file)) as SuiteModule;
const result = mode === 'time' ? await timings(module) : await allocations(module);
process.send?.(result, () => process.disconnect());
