/** The appliance as shipped in front of the test network: cold starts, and the memory that it takes when nobody asks. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Compose, inTheWay, PROXY } from '../../compose/live/appliance.ts';
import { gatewayCompose, memory, Progress, takeDown } from '../../compose/story/gateway.ts';
import { curl } from '../../compose/story/workstation.ts';
import type { TestNetwork } from '../../network/network.ts';
import { pass } from '../../network/stages.ts';
import { siteFile } from '../../support/test-network.ts';
import { networkFor } from '../macro/run.ts';
import { reasonOf } from '../table.ts';

/** What is timed, from the moment before `docker compose up`, in seconds. */
export const MILESTONES = {
  open: 'open to workstations',
  router: 'router ready',
  page: 'first .i2p page',
} as const;
export type Milestone = keyof typeof MILESTONES;

export interface ColdStart {
  readonly seconds: Readonly<Record<Milestone, number>>;
  /** MiB by role, without the file cache, `IDLE_MS` after the page */
  readonly memory: Readonly<Record<string, number>>;
}

export interface GatewayResult {
  readonly starts: readonly ColdStart[];
  readonly problems: readonly string[];
}

/** What story/progress.ts says of a router that is ready. */
const ROUTER_READY = 'I2P ready';
/** ms after the page: its own tunnels are there by then. */
const ROUTER_LIMIT_MS = 60_000;
/** ms after it is open. */
const PAGE_DEADLINE_MS = 180_000;
/** Seconds for a try, ms to the next one. */
const PAGE_TRY = 15;
const PAGE_INTERVAL_MS = 100;
/** ms without a request before memory is read. */
const IDLE_MS = 10_000;

interface Options {
  readonly repetitions: number;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

export async function runGateway({ repetitions, say, signal }: Options): Promise<GatewayResult> {
  await using network = await networkFor(say);
  const problem = await inTheWay();
  if (problem !== undefined) throw new Error(problem);
  const compose = gatewayCompose();
  say('gateway: images, if they are not there yet');
  await compose('build', '--quiet');
  const starts: ColdStart[] = [];
  const problems: string[] = [];
  for (let turn = 0; turn < repetitions && !signal.aborted; turn++) {
    say(`gateway: cold start ${turn + 1} of ${repetitions}`);
    try {
      starts.push(await coldStart(compose, network.place.network, say, signal));
    } catch (error) {
      problems.push(`cold start ${turn + 1}: ${signal.aborted ? 'interrupted' : reasonOf(error)}`);
    } finally {
      await takeDown(compose);
    }
  }
  return { starts, problems };
}

async function coldStart(
  compose: Compose,
  network: TestNetwork,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<ColdStart> {
  const ready = Promise.withResolvers<number>();
  const progress = new Progress((line) => {
    say(`gateway: ${line}`);
    if (line.endsWith(ROUTER_READY)) ready.resolve(progress.elapsed);
  });
  try {
    await compose('up', '--detach', '--no-build');
    const open = await progress.opened();
    signal.throwIfAborted();
    const page = await firstPage(network, progress, signal);
    const router = await Promise.race([ready.promise, tooLate(ROUTER_LIMIT_MS)]);
    await progress.end();
    await sleep(IDLE_MS, undefined, { signal });
    const seconds = { open: open / 1000, router: router / 1000, page: page / 1000 };
    return { seconds, memory: await memory() };
  } finally {
    await progress.end();
  }
}

async function tooLate(limit: number): Promise<never> {
  await sleep(limit, undefined, { ref: false });
  throw new Error(`no line '${ROUTER_READY}' from the supervisor within ${limit / 1000} s of the page`);
}

/** ms; asked by curl as a workstation, again as soon as it was refused. */
async function firstPage(network: TestNetwork, progress: Progress, signal: AbortSignal): Promise<number> {
  const { sha256, path } = siteFile(network, '/');
  const url = `${network.eepsite.origin}${path}`;
  const look = async () => {
    const read = await curl('--proxy', PROXY, '--max-time', String(PAGE_TRY), url);
    if (read.status === 200 && read.sha256 === sha256) return { done: progress.elapsed };
    return { notYet: `HTTP ${read.status}` };
  };
  const stage = { name: MILESTONES.page, deadline: PAGE_DEADLINE_MS, interval: PAGE_INTERVAL_MS, look };
  const elapsed = await pass(stage, () => {}, signal);
  progress.tell(MILESTONES.page);
  return elapsed;
}
