/** One run: a fresh router, from its start to its end. */
import { setTimeout as sleep } from 'node:timers/promises';
import { pass } from '../../network/stages.ts';
import { ask } from '../../network/tor-control.ts';
import { siteFile } from '../../support/test-network.ts';
import { reasonOf, spreadOf } from '../table.ts';
import type { Contender, Place, Running } from './contender.ts';
import { download, type Progress } from './download.ts';
import { firstPage } from './first-page.ts';
import { cpuSecondsOf, peakMemoryOf } from './process-figures.ts';

/** What is measured, in this order, with units for people. */
export const METRICS = {
  firstPage: 'first page, s',
  firstByte: 'first byte (warm), ms',
  speed1: '1 MB, MB/s',
  speed10: '10 MB, MB/s',
  speed50: '50 MB, MB/s',
  cpu: 'CPU, s per 100 MB',
  memory: 'peak memory, MiB',
  builds: 'tunnels built, %',
} as const;
export type Metric = keyof typeof METRICS;

export type Figure = { readonly value: number } | { readonly failed: string };
export type RunResult = Partial<Record<Metric, Figure>>;

/** ms after the first page, in which both finish their remaining tunnels. */
const SETTLE_MS = 5_000;
/** ms that Tor needs for new circuits after it was told to forget the old ones. */
const NEW_CIRCUITS_MS = 4_000;
/** ms for one download, at most. */
const DOWNLOAD_MS = 240_000;
/** ms for the network to show its own reader a page, and for each of the reader's tries. */
const SITE_MS = 90_000;
const PAGE_MS = 15_000;
const PAGES = 7;
const SMALL_DOWNLOADS = 3;
/** Bytes of a download that did not end, from which its CPU time still says something. */
const ENOUGH_FOR_CPU = 5_000_000;

export interface RunOptions {
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/**
 * What cannot be measured has its reason in the result. Throws when the signal says so, or when the eepsite does not
 * answer a third router either: then the run would say nothing of ours and i2pd.
 */
export async function measureRun(
  contender: Contender,
  place: Place,
  options: RunOptions,
): Promise<RunResult> {
  const { say, signal } = options;
  const result: RunResult = {};
  const figure = async (metric: Metric, measure: () => Promise<number>): Promise<void> => {
    try {
      result[metric] = { value: await measure() };
    } catch (error) {
      signal.throwIfAborted();
      result[metric] = { failed: reasonOf(error) };
    }
    const found = result[metric];
    say(
      `${contender.name}: ${METRICS[metric]}: ${'value' in found ? found.value.toFixed(2) : `failed: ${found.failed}`}`,
    );
  };
  await siteAnswers(place, signal);
  // Circuits that the run before has built would help whoever comes second.
  await ask(place.network.torControlPath, 'SIGNAL NEWNYM');
  await sleep(NEW_CIRCUITS_MS, undefined, { signal });
  await using running = await contender.start(place);
  await figure('firstPage', () => firstPage(running, place, signal));
  if (result.firstPage !== undefined && 'value' in result.firstPage) {
    await sleep(SETTLE_MS, undefined, { signal });
    await figure('firstByte', async () => 1000 * (await medianOf(PAGES, () => page(running, place, signal))));
    await figure('speed1', () => medianOf(SMALL_DOWNLOADS, () => speed(running, place, '/1m.bin', signal)));
    await figure('speed10', () => speed(running, place, '/10m.bin', signal));
    await bulk(running, place, signal, figure);
  }
  await figure('memory', async () => (await peakMemoryOf(await running.pid)) / 1024 / 1024);
  await figure('builds', () => running.buildSuccess());
  return result;
}

async function siteAnswers({ network }: Place, signal: AbortSignal): Promise<void> {
  const stage = {
    name: "the eepsite's page through the network's reader",
    deadline: SITE_MS,
    look: async () => {
      await download(
        network.readerProxy,
        network.eepsite.origin,
        siteFile(network, '/'),
        within(signal, PAGE_MS),
      );
      return { done: undefined };
    },
  };
  await pass(stage, () => {});
}

/** The large download, and the CPU time that it costs. */
async function bulk(
  running: Running,
  place: Place,
  signal: AbortSignal,
  figure: (metric: Metric, measure: () => Promise<number>) => Promise<void>,
): Promise<void> {
  const pid = await running.pid;
  const progress: Progress = { bytes: 0 };
  const before = await cpuSecondsOf(pid);
  await figure('speed50', () => speed(running, place, '/50m.bin', signal, progress));
  await figure('cpu', async () => {
    const spent = (await cpuSecondsOf(pid)) - before;
    if (progress.bytes < ENOUGH_FOR_CPU) throw new Error(`only ${progress.bytes} bytes came`);
    return (spent * 100e6) / progress.bytes;
  });
}

async function page({ proxy }: Running, { network }: Place, signal: AbortSignal): Promise<number> {
  const { firstByte } = await download(proxy, network.eepsite.origin, siteFile(network, '/'), within(signal));
  return firstByte;
}

/** Megabytes per second, from the request to the last byte. */
async function speed(
  { proxy }: Running,
  { network }: Place,
  path: '/1m.bin' | '/10m.bin' | '/50m.bin',
  signal: AbortSignal,
  progress?: Progress,
): Promise<number> {
  const file = siteFile(network, path);
  const { total } = await download(proxy, network.eepsite.origin, file, within(signal), progress);
  return file.bytes / 1e6 / total;
}

function within(signal: AbortSignal, milliseconds = DOWNLOAD_MS): AbortSignal {
  return AbortSignal.any([signal, AbortSignal.timeout(milliseconds)]);
}

async function medianOf(times: number, measure: () => Promise<number>): Promise<number> {
  const values: number[] = [];
  for (let turn = 0; turn < times; turn++) values.push(await measure());
  return spreadOf(values).median;
}
