/** node test/bench/main.ts [--micro] [--macro] [--profile] [--json FILE] …; see README.md */
import { writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { type ProfileResult, profileDownload, profileTable } from './macro/profile.ts';
import { macroTable, rowsOf } from './macro/report.ts';
import { type Condition, runMacro } from './macro/run.ts';
import { microTable, runMicro } from './micro/run.ts';
import type { SuiteResult } from './micro/tasks.ts';
import { reasonOf } from './table.ts';

const USAGE = `usage: npm run bench -- [--micro] [--macro] [--profile] [--repetitions N] [--delay MS]... [--json FILE]
Without --micro, --macro and --profile: --micro and --macro.`;

interface Options {
  readonly micro: boolean;
  readonly macro: boolean;
  readonly profile: boolean;
  readonly repetitions: number;
  readonly delays: readonly number[];
  readonly json: string | undefined;
}

interface Results {
  micro?: readonly SuiteResult[];
  readonly macro: (Condition & { readonly rows: ReturnType<typeof rowsOf> })[];
  profile?: ProfileResult;
  readonly failures: string[];
}

function optionsOf(args: readonly string[]): Options | undefined {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        micro: { type: 'boolean', default: false },
        macro: { type: 'boolean', default: false },
        profile: { type: 'boolean', default: false },
        repetitions: { type: 'string', default: '3' },
        delay: { type: 'string', multiple: true, default: ['0', '150'] },
        json: { type: 'string' },
      },
    });
    const repetitions = Number(values.repetitions);
    const delays = values.delay.map(Number);
    if (!(Number.isInteger(repetitions) && repetitions > 0 && delays.every((delay) => delay >= 0)))
      return undefined;
    const { micro, macro, profile, json } = values;
    const all = !micro && !macro && !profile;
    return { micro: micro || all, macro: macro || all, profile, repetitions, delays, json };
  } catch {
    return undefined;
  }
}

/** Returns the exit code: 1 when a part could not be measured at all, whatever the figures are. */
async function main(options: Options, signal: AbortSignal): Promise<number> {
  const say = (line: string): void => void process.stderr.write(`bench: ${line}\n`);
  const results: Results = { macro: [], failures: [] };
  const before = machine();
  const part = async (name: string, run: () => Promise<void>): Promise<void> => {
    try {
      signal.throwIfAborted();
      await run();
    } catch (error) {
      results.failures.push(`${name}: ${signal.aborted ? 'interrupted' : reasonOf(error)}`);
      console.log(`failed: ${results.failures.at(-1)}`);
    }
  };
  console.log(`${before.cpus} × ${before.model}, load ${before.load.join(' ')}, Node ${before.node}\n`);
  if (options.micro) {
    await part('micro', async () => {
      results.micro = await runMicro(say, signal);
      console.log(`${microTable(results.micro)}\n`);
    });
  }
  if (options.macro) {
    await part('macro', async () => {
      await runMacro({ ...options, say, signal }, (condition) => {
        results.macro.push({ ...condition, rows: rowsOf(condition) });
        console.log(`${macroTable(condition)}\n`);
      });
    });
  }
  if (options.profile) {
    await part('profile', async () => {
      results.profile = await profileDownload({ say, signal });
      console.log(`${profileTable(results.profile)}\n`);
    });
  }
  if (options.json !== undefined) {
    const text = JSON.stringify({ machine: { before, after: machine() }, ...results }, null, 2);
    writeFileSync(options.json, `${text}\n`);
  }
  return results.failures.length > 0 ? 1 : 0;
}

/** A busy neighbour is the usual reason for odd figures: the load stands beside them. */
function machine() {
  return {
    at: new Date().toISOString(),
    cpus: availableParallelism(),
    model: cpus()[0]?.model ?? 'unknown processor',
    load: loadavg().map((load) => Number(load.toFixed(2))),
    node: process.version,
  };
}

const options = optionsOf(process.argv.slice(2));
if (options === undefined) {
  console.error(USAGE);
  process.exit(2);
}
const interrupted = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const)
  process.once(name, () => interrupted.abort(new Error('interrupted')));
process.exitCode = await main(options, interrupted.signal);
