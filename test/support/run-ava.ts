/** Programs that pass or fail, and ava by its TAP: what failed is shown whole, what passed is counted. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { styleText } from 'node:util';
import { inShort } from './long.ts';

export interface Tally {
  passed: number;
  failed: number;
  skipped: number;
}

/**
 * In ms. Longer than the longest test; a file that neither says anything nor ends for so long has hung, and one that
 * hangs would keep the whole run from its end.
 */
const SILENCE_MS = inShort(600_000, 3_600_000);
/** Ava's own patience, ms: never before ours. Where it gives up, its TAP reporter falls over and tells nothing. */
const AVA_MS = SILENCE_MS + 60_000;

/** A program that passes or fails as a whole. */
export async function command(program: string, ...args: string[]): Promise<Tally> {
  const code = await exitOf(spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit'] }));
  return code === 0 ? { passed: 1, failed: 0, skipped: 0 } : { passed: 0, failed: 1, skipped: 0 };
}

export async function ava(concurrency: number, ...patterns: string[]): Promise<Tally> {
  // A group of its own, so that one that hangs can be ended with its workers.
  const args = ['--tap', `--timeout=${AVA_MS / 1000}s`, `--concurrency=${concurrency}`, ...patterns];
  const child = spawn('ava', args, { stdio: ['ignore', 'pipe', 'inherit'], detached: true });
  const done = exitOf(child);
  const result: Tally = { passed: 0, failed: 0, skipped: 0 };
  const guard = guardOf(child);
  const count = lineCounter(result);
  for await (const line of createInterface({ input: child.stdout })) {
    guard.heard();
    count(line);
  }
  const code = await done;
  guard.end();
  if (code !== 0 && result.failed === 0) {
    console.log(`ava ended with code ${code}`);
    result.failed++;
  }
  return result;
}

function lineCounter(result: Tally): (line: string) => void {
  let failing = false;
  return (line) => {
    const verdict = /^(not )?ok \d+ - (.*?)(?: # (SKIP|TODO).*)?$/.exec(line);
    if (verdict === null) {
      if (failing || /^# ([^\s]*\.test\.ts|.*exited|.*time|leak \|)/i.test(line)) console.log(line);
      return;
    }
    failing = verdict[1] !== undefined;
    if (verdict[3] !== undefined) result.skipped++;
    else if (failing) result.failed++;
    else result.passed++;
    if (failing) console.log(`${styleText('red', 'failed')} ${verdict[2]}`);
  };
}

/** Kills the child's group after a silence, and when this process is told to end. */
function guardOf(child: ChildProcess): { readonly heard: () => void; readonly end: () => void } {
  const kill = (signal: NodeJS.Signals): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, signal);
    } catch {
      // It has ended by itself.
    }
  };
  const timer = setTimeout(() => {
    console.log(
      styleText('red', `nothing was said for ${SILENCE_MS / 60_000} minutes: it hangs, and is ended`),
    );
    kill('SIGKILL');
  }, SILENCE_MS);
  const stop = (signal: NodeJS.Signals): void => {
    kill(signal);
    process.exit(1);
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.once(signal, stop);
  return {
    heard: () => timer.refresh(),
    end: () => {
      clearTimeout(timer);
      for (const signal of signals) process.removeListener(signal, stop);
    },
  };
}

function exitOf(child: ChildProcess): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  child.once('error', reject);
  child.once('close', (code) => resolve(code ?? 1));
  return promise;
}
