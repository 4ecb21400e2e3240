/** node test/bench/main.ts [PART]… [--json FILE] …; see README.md */
import { writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { forwarderTable } from './forwarder/report.ts';
import { type ForwarderResult, runForwarder } from './forwarder/run.ts';
import { gatewayTable } from './gateway/report.ts';
import { type GatewayResult, runGateway } from './gateway/run.ts';
import { type ProfileResult, profileDownload, profileTable } from './macro/profile.ts';
import { macroTable, rowsOf } from './macro/report.ts';
import { type Condition, runMacro } from './macro/run.ts';
import { microTable, runMicro } from './micro/run.ts';
import type { SuiteResult } from './micro/tasks.ts';
import { type PolicyResult, policyTable, runPolicy } from './policy/run.ts';
import { reasonOf } from './table.ts';

/** In the order in which they run. */
const PARTS = ['micro', 'policy', 'forwarder', 'gateway', 'macro', 'profile'] as const;
type Part = (typeof PARTS)[number];
/** Needs reading more than it gives figures. */
const ON_REQUEST: Part = 'profile';

const USAGE = `usage: npm run bench -- [PART]... [--repetitions N] [--delay MS]... [--json FILE]
Parts: ${PARTS.join(', ')}. Without any: all but ${ON_REQUEST}.`;

interface Options {
  readonly parts: ReadonlySet<Part>;
  readonly repetitions: number;
  readonly delays: readonly number[];
  readonly json: string | undefined;
}

interface Results {
  micro?: readonly SuiteResult[];
  policy?: readonly PolicyResult[];
  forwarder?: ForwarderResult;
  gateway?: GatewayResult;
  readonly macro: (Condition & { readonly rows: ReturnType<typeof rowsOf> })[];
  profile?: ProfileResult;
  readonly failures: string[];
}

type RunOptions = Omit<Options, 'parts' | 'json'> & {
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
};

/** Each keeps its figures in the results and prints its tables; throws when it could not run. */
const RUNS: Readonly<Record<Part, (results: Results, options: RunOptions) => Promise<void>>> = {
  micro: async (results, { say, signal }) => {
    results.micro = await runMicro(say, signal);
    print(microTable(results.micro));
  },
  policy: async (results, { say, signal }) => {
    results.policy = await runPolicy(say, signal);
    print(policyTable(results.policy));
  },
  forwarder: async (results, { say, signal }) => {
    results.forwarder = await runForwarder(say, signal);
    print(forwarderTable(results.forwarder));
  },
  gateway: async (results, options) => {
    results.gateway = await runGateway(options);
    print(gatewayTable(results.gateway));
    options.signal.throwIfAborted();
  },
  macro: async (results, options) => {
    await runMacro(options, (condition) => {
      results.macro.push({ ...condition, rows: rowsOf(condition) });
      print(macroTable(condition));
    });
  },
  profile: async (results, { say, signal }) => {
    results.profile = await profileDownload({ say, signal });
    print(profileTable(results.profile));
  },
};

function print(table: string): void {
  console.log(`${table}\n`);
}

function optionsOf(args: readonly string[]): Options | undefined {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        repetitions: { type: 'string', default: '3' },
        delay: { type: 'string', multiple: true, default: ['0', '150'] },
        json: { type: 'string' },
      },
    });
    const repetitions = Number(values.repetitions);
    const delays = values.delay.map(Number);
    if (!(Number.isInteger(repetitions) && repetitions > 0 && delays.every((delay) => delay >= 0)))
      return undefined;
    const asked = PARTS.filter((part) => positionals.includes(part));
    if (asked.length < new Set(positionals).size) return undefined;
    const parts = asked.length > 0 ? asked : PARTS.filter((part) => part !== ON_REQUEST);
    return { parts: new Set(parts), repetitions, delays, json: values.json };
  } catch {
    return undefined;
  }
}

/** Returns the exit code: 1 when a part could not be measured at all, whatever the figures are. */
async function main({ parts, json, ...options }: Options, signal: AbortSignal): Promise<number> {
  const say = (line: string): void => void process.stderr.write(`bench: ${line}\n`);
  const results: Results = { macro: [], failures: [] };
  const before = machine();
  console.log(`${before.cpus} × ${before.model}, load ${before.load.join(' ')}, Node ${before.node}\n`);
  for (const part of PARTS.filter((name) => parts.has(name))) {
    try {
      signal.throwIfAborted();
      await RUNS[part](results, { ...options, say, signal });
    } catch (error) {
      results.failures.push(`${part}: ${signal.aborted ? 'interrupted' : reasonOf(error)}`);
      console.log(`failed: ${results.failures.at(-1)}`);
    }
  }
  if (json !== undefined) {
    const text = JSON.stringify({ machine: { before, after: machine() }, ...results }, null, 2);
    writeFileSync(json, `${text}\n`);
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
