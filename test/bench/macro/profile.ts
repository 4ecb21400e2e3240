/** Where our router's time goes during a large download: V8's own samples, by function and by folder. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { siteFile } from '../../support/test-network.ts';
import { figure, tableOf } from '../table.ts';
import type { Place } from './contender.ts';
import { download } from './download.ts';
import { firstPage } from './first-page.ts';
import type { RunOptions } from './measure.ts';
import { ourRouter } from './our-router.ts';
import { networkFor } from './run.ts';

/** µs between two samples. */
const INTERVAL_US = 500;
const SETTLE_MS = 5_000;
const DOWNLOAD_MS = 240_000;
const ROWS = 15;
/** Percent below which a folder is not worth a line. */
const SMALL = 0.5;
const ROOT = join(import.meta.dirname, '../../..');

interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  readonly lineNumber: number;
}

/** The Chrome DevTools protocol's Profiler.Profile. */
interface CpuProfile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: CallFrame }[];
  /** µs of the monotonic clock */
  readonly startTime: number;
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

export interface SelfTime {
  readonly name: string;
  readonly milliseconds: number;
  /** of the time that the process was busy */
  readonly percent: number;
}

export interface ProfileResult {
  readonly seconds: number;
  /** of the download's time */
  readonly busyPercent: number;
  readonly functions: readonly SelfTime[];
  readonly folders: readonly SelfTime[];
}

/** Throws when there is no network, no page or no profile. */
export async function profileDownload(options: RunOptions): Promise<ProfileResult> {
  await using network = await networkFor(options.say);
  const folder = await mkdtemp(join(tmpdir(), 'allium-profile-'));
  try {
    const { from, to } = await downloadUnderProfile(network.place, folder, options);
    const [file] = (await readdir(folder)).filter((name) => name.endsWith('.cpuprofile'));
    if (file === undefined) throw new Error('the router wrote no profile');
    const profile = JSON.parse(await readFile(join(folder, file), 'utf8')) as CpuProfile;
    return summary(profile, from, to);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Begin and end of the download, in µs of the monotonic clock, which all processes share. */
async function downloadUnderProfile(
  place: Place,
  folder: string,
  { say, signal }: RunOptions,
): Promise<{ from: number; to: number }> {
  const nodeOptions = `--cpu-prof --cpu-prof-dir=${folder} --cpu-prof-interval=${INTERVAL_US}`;
  await using running = await ourRouter({ nodeOptions }).start(place);
  await firstPage(running, place, signal);
  await sleep(SETTLE_MS, undefined, { signal });
  const file = siteFile(place.network, '/50m.bin');
  const from = Number(process.hrtime.bigint() / 1000n);
  const limit = AbortSignal.any([signal, AbortSignal.timeout(DOWNLOAD_MS)]);
  const { total } = await download(running.proxy, place.network.eepsite.origin, file, limit);
  say(`profile: 50 MB in ${figure(total)} s`);
  return { from, to: Number(process.hrtime.bigint() / 1000n) };
}

function summary(profile: CpuProfile, from: number, to: number): ProfileResult {
  const frames = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame]));
  const functions = new Map<string, number>();
  const folders = new Map<string, number>();
  let at = profile.startTime;
  let busy = 0;
  for (const [index, sample] of profile.samples.entries()) {
    const spent = profile.timeDeltas[index + 1] ?? 0;
    at += profile.timeDeltas[index] ?? 0;
    const frame = frames.get(sample);
    if (at < from || at > to || frame === undefined || frame.functionName === '(idle)') continue;
    busy += spent;
    add(functions, functionOf(frame), spent);
    add(folders, folderOf(frame), spent);
  }
  return {
    seconds: (to - from) / 1e6,
    busyPercent: (100 * busy) / (to - from),
    functions: ranking(functions, busy).slice(0, ROWS),
    folders: ranking(folders, busy).filter(({ percent }) => percent >= SMALL),
  };
}

function add(sums: Map<string, number>, name: string, spent: number): void {
  sums.set(name, (sums.get(name) ?? 0) + spent);
}

function ranking(sums: ReadonlyMap<string, number>, all: number): SelfTime[] {
  return [...sums]
    .sort(([, a], [, b]) => b - a)
    .map(([name, spent]) => ({ name, milliseconds: spent / 1000, percent: (100 * spent) / all }));
}

function functionOf({ functionName, url, lineNumber }: CallFrame): string {
  const place = placeOf(url);
  return place === ''
    ? functionName || '(anonymous)'
    : `${functionName || '(anonymous)'} ${place}:${lineNumber + 1}`;
}

/** A folder of our own, a dependency, Node's own JavaScript, or what V8 names in parentheses. */
function folderOf({ functionName, url }: CallFrame): string {
  const place = placeOf(url);
  const own = /^services\/([^/]+(?:\/[^/]+)?)\//.exec(place)?.[1];
  if (own !== undefined) return own;
  if (place.startsWith('node:')) return place.split('/').slice(0, 2).join('/');
  return (
    /^node_modules\/(?:@[^/]+\/)?[^/]+/.exec(place)?.[0] ??
    (functionName.startsWith('(') ? functionName : '(native)')
  );
}

function placeOf(url: string): string {
  return url.replace(`file://${ROOT}/`, '').replace(ROOT, '');
}

export function profileTable({ seconds, busyPercent, functions, folders }: ProfileResult): string {
  const row = ({ name, milliseconds, percent }: SelfTime): string[] => [
    name,
    figure(milliseconds),
    figure(percent),
  ];
  const title = `50 MB in ${figure(seconds)} s, busy ${figure(busyPercent)} %`;
  return [
    tableOf([`self time by function: ${title}`, 'ms', '%'], functions.map(row)),
    tableOf(['self time by folder', 'ms', '%'], folders.map(row)),
  ].join('\n\n');
}
