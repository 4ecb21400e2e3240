/** Both routers against the same eepsite through the same Tor, in turns. */

import { endpoint } from '../../network/layout.ts';
import { down, status, up } from '../../network/network.ts';
import { cannotRun } from '../../network/prepare.ts';
import { eventually } from '../../support/eventually.ts';
import { testNetwork } from '../../support/test-network.ts';
import { reasonOf } from '../table.ts';
import type { Contender, ContenderName, Place } from './contender.ts';
import { type FarTor, farTor } from './far-tor.ts';
import { i2pdClient, removeLeftovers } from './i2pd-client.ts';
import { measureRun, type RunOptions, type RunResult } from './measure.ts';
import { ourRouter } from './our-router.ts';

/** Our router's own numbers (host/config.ts, host/router.ts); i2pd is told to use the same. */
export const POOLS = {
  tunnels: { length: 3, quantity: 3 },
  exploratory: { length: 2, quantity: 2 },
} as const;

/** ms for a network that somebody else starts. */
const UP_DEADLINE_MS = 300_000;

export interface MacroOptions extends RunOptions {
  readonly repetitions: number;
  /** ms each way between the routers and Tor, one round of runs for each */
  readonly delays: readonly number[];
}

export interface Condition {
  /** ms each way */
  readonly delay: number;
  readonly runs: Readonly<Record<ContenderName, readonly RunResult[]>>;
  /** why there are no runs, or fewer */
  readonly problems: readonly string[];
}

/** Throws when there is no network to measure in; else what fails is in the result, with its reason. */
export async function runMacro(options: MacroOptions): Promise<Condition[]> {
  await using network = await networkFor(options.say);
  await removeLeftovers();
  const conditions: Condition[] = [];
  for (const delay of options.delays) conditions.push(await runCondition(network.place, delay, options));
  return conditions;
}

export interface MacroNetwork extends AsyncDisposable {
  readonly place: Place;
}

/** The network that is up, or one that goes when it is disposed of. Tor is near. */
export async function networkFor(say: (line: string) => void): Promise<MacroNetwork> {
  const problem = await cannotRun();
  if (problem !== undefined) throw new Error(problem);
  const wasUp = (await status()).every((line) => line.endsWith('running'));
  if (!wasUp) await up({ say });
  // Somebody else may be bringing it up this very moment.
  const network = await eventually('the network is described', UP_DEADLINE_MS, testNetwork);
  return {
    place: { ...POOLS, network, socks: endpoint('tor-client', 'torSocks') },
    [Symbol.asyncDispose]: async () => {
      if (!wasUp) await down();
    },
  };
}

async function runCondition(near: Place, delay: number, options: MacroOptions): Promise<Condition> {
  const runs: Record<ContenderName, RunResult[]> = { ours: [], i2pd: [] };
  const problems: string[] = [];
  try {
    await using far = delay > 0 ? await farTor(near.network.torSocksPath, delay) : undefined;
    const place = placeBehind(near, far);
    for (let turn = 0; turn < options.repetitions; turn++) {
      const contenders: Contender[] = [ourRouter(), i2pdClient];
      for (const contender of turn % 2 === 0 ? contenders : contenders.reverse()) {
        options.say(`${delay} ms, run ${turn + 1} of ${options.repetitions}: ${contender.name}`);
        try {
          runs[contender.name].push(await measureRun(contender, place, options));
        } catch (error) {
          options.signal.throwIfAborted();
          problems.push(`${contender.name}, run ${turn + 1}: ${reasonOf(error)}`);
        }
      }
    }
  } catch (error) {
    options.signal.throwIfAborted();
    problems.push(reasonOf(error));
  }
  return { delay, runs, problems };
}

function placeBehind(near: Place, far: FarTor | undefined): Place {
  return far ? { ...near, socks: far.socks } : near;
}
