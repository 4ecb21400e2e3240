/**
 * npm run demo [-- --once]: the gateway as shipped, in front of a private Tor and I2P network, on this machine alone.
 * It stays up until Ctrl-C, with --once only until the verdict, and removes what it made.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type Compose, container, inTheWay, PROXY } from '../compose/live/appliance.ts';
import { gatewayCompose, memory, Progress, takeDown } from '../compose/story/gateway.ts';
import { type Verdict, Watcher } from '../compose/story/watcher.ts';
import { curl, type Read } from '../compose/story/workstation.ts';
import { siteFile } from '../support/test-network.ts';
import { ROLES } from './layout.ts';
import { down, status, type TestNetwork, up } from './network.ts';
import { cannotRun, prepare } from './prepare.ts';
import type { SitePath } from './site-content.ts';
import { type Look, pass, seconds } from './stages.ts';

/** In ms, after it is open: first peers, tunnels, LeaseSet lookup and page, each behind Tor. */
const PAGE_DEADLINE_MS = 180_000;
/** Seconds; a try that is too early is asked again. */
const PAGE_TRY = 15;
const FILE_LIMIT = 300;
/** Together and idle, in MiB: what a small machine can spare. */
const MEMORY_LIMIT = 512;
const STEPS = 6;
/** The longest time that a timer takes, ms: 24 days. */
const STAY_MS = 2 ** 31 - 1;

const { values: flags } = parseArgs({ options: { once: { type: 'boolean', default: false } } });
const say = (line: string) => console.log(`demo: ${line}`);
let step = 0;
function head(line: string): void {
  ending.signal.throwIfAborted();
  say(`[${++step}/${STEPS}] ${line}`);
}

/** What has been made, latest last: undone in the opposite order, whatever happens. */
const made: { readonly name: string; readonly undo: () => Promise<void> }[] = [];
const ending = new AbortController();
const interrupted = Promise.withResolvers<'interrupted'>();

/** Returns the exit code. */
async function main(): Promise<number> {
  refuse(await cannotRun());
  await prepare();
  refuse(await inTheWay());

  head(`a private Tor network and a private I2P network, in ${ROLES.length} containers`);
  const network = await bringNetworkUp();

  head('the images of the gateway; the first time this takes minutes');
  const compose = gatewayCompose();
  await compose('build', '--quiet');

  head('a sniffer at the outside, then docker compose up');
  made.push({ name: 'the sniffer', undo: Watcher.remove });
  const watcher = await Watcher.start();
  say('the sniffer sees: it caught a frame that was sent to try it');
  const progress = await start(compose);

  head('two pages, read by a workstation that knows 10.152.152.10 and nothing else');
  const times = { open: await progress.opened(), page: 0 };
  await readUntilRight(progress, `${network.eepsite.origin}/`, (page) => isFile(network, '/', page));
  times.page = progress.elapsed;
  await readUntilRight(progress, network.clearnet.url, ({ text }) => text.includes(network.clearnet.text));
  await progress.end();
  say(`from cold: open after ${seconds(times.open)}, first page after ${seconds(times.page)}`);

  head('10 MB from the I2P site');
  await file(network, '/10m.bin');
  await tellMemory();

  head('does anything leak? First the gateway’s own test, then what the sniffer saw at the outside');
  const passed = await leaktest();
  const clean = tellVerdict(await watcher.verdict()) && passed;
  if (!flags.once) {
    tellHow(network);
    // a signal alone does not keep the process alive
    await sleep(STAY_MS, undefined, { signal: ending.signal }).catch(() => undefined);
  }
  return clean ? 0 : 1;
}

function refuse(problem: string | undefined): void {
  if (problem !== undefined) throw new Error(problem);
}

/** A network that was up before stays up. */
async function bringNetworkUp(): Promise<TestNetwork> {
  const wasUp = (await status()).every((line) => line.endsWith('running'));
  if (!wasUp) made.push({ name: 'the test network', undo: down });
  return await up({ say: (line) => say(`  ${line}`), signal: ending.signal });
}

async function start(compose: Compose): Promise<Progress> {
  ending.signal.throwIfAborted();
  made.push({ name: 'the gateway', undo: () => takeDown(compose) });
  const progress = new Progress(say);
  made.push({ name: 'the progress', undo: () => progress.end() });
  await compose('up', '--detach', '--no-build');
  return progress;
}

async function readUntilRight(
  progress: Progress,
  url: string,
  isRight: (page: Read) => boolean,
): Promise<void> {
  const look = async (): Promise<Look<void>> => {
    const page = await curl('--proxy', PROXY, '--max-time', String(PAGE_TRY), url);
    if (isRight(page)) return { done: undefined };
    return { notYet: `HTTP ${page.status}: ${page.text.slice(0, 80)}` };
  };
  await pass({ name: `page ${url}`, deadline: PAGE_DEADLINE_MS, look }, () => {});
  progress.tell(`page through ${PROXY}: ${url}`);
}

async function file(network: TestNetwork, path: SitePath): Promise<void> {
  const url = `${network.eepsite.origin}${path}`;
  const got = await curl('--proxy', PROXY, '--max-time', String(FILE_LIMIT), url);
  if (!isFile(network, path, got)) throw new Error(`${path} came with ${got.bytes} bytes and another hash`);
  const { firstByte, total } = got.seconds;
  const rate = (got.bytes / 1e6 / Math.max(0.001, total - firstByte)).toFixed(2);
  say(`${got.bytes} bytes, hash as published, ${total.toFixed(1)} s, ${rate} MB/s`);
}

function isFile(network: TestNetwork, path: SitePath, read: Read): boolean {
  return read.status === 200 && read.sha256 === siteFile(network, path).sha256;
}

async function tellMemory(): Promise<void> {
  const found = await memory();
  const sum = Object.values(found).reduce((total, one) => total + one, 0);
  const each = Object.entries(found).map(([role, size]) => `${role} ${size.toFixed(0)}`);
  say(`memory in MiB: ${each.join(', ')}; together ${sum.toFixed(0)} (limit ${MEMORY_LIMIT})`);
}

/** `allium leaktest`, as a person would call it: what it prints is its own. */
async function leaktest(): Promise<boolean> {
  const args = ['exec', container('supervisor'), 'allium', 'leaktest'];
  const child = spawn('docker', args, { stdio: ['ignore', 'inherit', 'inherit'] });
  const [code] = await once(child, 'close');
  return code === 0;
}

function tellVerdict({ relay, foreign, shown, missed }: Verdict): boolean {
  const clean = foreign === 0 && missed === 0 && relay > 0;
  say(
    `sniffed at the outside, from the first container on: ${relay} frames to Tor relays, ${foreign} others`,
  );
  for (const line of shown) say(`  leaked: ${line}`);
  if (missed > 0) say(`${missed} frames came too fast for the sniffer: no verdict`);
  else say(clean ? 'verdict: nothing leaked' : 'verdict: IT LEAKS');
  return clean;
}

function tellHow(network: TestNetwork): void {
  say(
    'all of it stays up until Ctrl-C, which removes it. From this machine, as from any workstation on allium-lan:',
  );
  say(`  curl --proxy ${PROXY} ${network.eepsite.origin}/`);
  say(`  curl --proxy ${PROXY} ${network.clearnet.url}`);
  say(`  or a browser with the HTTP proxy ${new URL(PROXY).host}`);
  say(`  docker exec ${container('supervisor')} allium status`);
}

async function undoAll(): Promise<void> {
  for (const { name, undo } of made.toReversed()) {
    await undo().catch((error: unknown) => {
      console.error(`demo: ${name} could not be removed: ${textOf(error)}`);
      process.exitCode = 1;
    });
  }
  if (made.length > 0) say('removed what it made; images stay, as a cache');
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    say('removing everything; once more ends at once');
    ending.abort();
    interrupted.resolve('interrupted');
  });
}
try {
  const code = await Promise.race([main(), interrupted.promise]);
  process.exitCode = code === 'interrupted' ? 0 : code;
} catch (error) {
  console.error(`demo: ${textOf(error)}`);
  process.exitCode = 1;
} finally {
  await undoAll();
}
process.exit();
