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

/**
 * Gives each condition to `measured` as soon as it is done, or interrupted. Throws when there is no network to measure
 * in and when it was interrupted; else what fails is in the condition, with its reason.
 */
export async function runMacro(
  options: MacroOptions,
  measured: (condition: Condition) => void,
): Promise<void> {
  await using network = await networkFor(options.say);
  await removeLeftovers();
  for (const delay of options.delays) {
    options.signal.throwIfAborted();
    measured(await runCondition(network.place, delay, options));
  }
  options.signal.throwIfAborted();
}

export interface MacroNetwork extends AsyncDisposable {
  readonly place: Place;
}

/** The network that is up, or one that goes when it is disposed of. Tor is near. */
export async function networkFor(say: (line: string) => void): Promise<MacroNetwork> {
  const problem = await cannotRun();
  if (problem !== undefined) throw new Error(problem);
  const wasUp = (await status()).every((line) => line.endsWith('running'));
  if (!wasUp) await upOrNothing(say);
  // Somebody else may be bringing it up this very moment.
  const network = await eventually('the network is described', UP_DEADLINE_MS, testNetwork);
  return {
    place: { ...POOLS, network, socks: endpoint('tor-client', 'torSocks') },
    [Symbol.asyncDispose]: async () => {
      if (!wasUp) await down();
    },
  };
}

async function upOrNothing(say: (line: string) => void): Promise<void> {
  try {
    await up({ say });
  } catch (error) {
    await down();
    throw error;
  }
}

async function runCondition(near: Place, delay: number, options: MacroOptions): Promise<Condition> {
  const runs: Record<ContenderName, RunResult[]> = { ours: [], i2pd: [] };
  const problems: string[] = [];
  try {
    await using far = delay > 0 ? await farTor(near.network.torSocksPath, delay) : undefined;
    const place = placeBehind(near, far);
    for (let turn = 0; turn < options.repetitions && !options.signal.aborted; turn++) {
      const contenders: Contender[] = [ourRouter(), i2pdClient];
      for (const contender of turn % 2 === 0 ? contenders : contenders.reverse()) {
        options.say(`${delay} ms, run ${turn + 1} of ${options.repetitions}: ${contender.name}`);
        try {
          options.signal.throwIfAborted();
          runs[contender.name].push(await measureRun(contender, place, options));
        } catch (error) {
          problems.push(`${contender.name}, run ${turn + 1}: ${reasonOf(error)}`);
        }
      }
    }
  } catch (error) {
    problems.push(reasonOf(error));
  }
  return { delay, runs, problems };
}

function placeBehind(near: Place, far: FarTor | undefined): Place {
  return far ? { ...near, socks: far.socks } : near;
}
