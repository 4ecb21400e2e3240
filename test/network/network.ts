/**
 * A private Tor network and a private I2P network in containers. README.md shows who is there; compose.yaml makes them.
 * Needs root on Linux with Docker, see prepare.ts.
 */
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Container, containers, docker, PROJECT, removeAll, run } from './docker.ts';
import type { Endpoint } from './fetching.ts';
import {
  ADDRESSES,
  CLEARNET_URL,
  clearNetDirectory,
  configHash,
  endpoint,
  NET_ID,
  netDirectory,
  ROLES,
  type Role,
  SHARED,
} from './layout.ts';
import { alone } from './lock.ts';
import { prepare } from './prepare.ts';
import { awaitReadiness, isAlive } from './readiness.ts';
import { CLEARNET_TEXT, type SiteFile, writeSite } from './site-content.ts';
import { type Say, seconds } from './stages.ts';

/** Of this machine, whatever the checkout or the shared folder: the containers' names are the machine's. */
const LOCK = 'allium-test-network';

export interface TestNetwork {
  /** shared with the containers; a test may make folders of its own in it */
  readonly directory: string;
  readonly netId: number;
  /** Tor's SocksPort and ControlPort, on Unix sockets */
  readonly torSocksPath: string;
  readonly torControlPath: string;
  /** RouterInfos of all routers, to start a router from */
  readonly reseedDir: string;
  readonly eepsite: { readonly b32: string; readonly origin: string; readonly files: readonly SiteFile[] };
  /** a page that only a Tor exit reaches, and a text in it */
  readonly clearnet: { readonly url: string; readonly text: string };
  /** an i2pd with a public address: reads what our router publishes */
  readonly readerProxy: Endpoint;
  readonly readerSam: Endpoint;
  /** an i2pd behind the same Tor: what ours is measured against */
  readonly i2pdClientProxy: Endpoint;
  readonly i2pdClientSam: Endpoint;
  readonly containers: Readonly<Record<Role, { readonly name: string; readonly address: string }>>;
}

export interface UpOptions {
  readonly say?: Say;
  /** take down a running network that another checkout made; else that is an error. On by default in CI. */
  readonly replace?: boolean;
  /** ends the waiting; what was started then stays */
  readonly signal?: AbortSignal;
}

/**
 * Brings the network up, or finds it up, and waits until pages pass through every part of it.
 * Throws StageError or DockerError with what did not happen; what was started then stays, for its logs.
 */
export async function up(options: UpOptions = {}): Promise<TestNetwork> {
  const say = options.say ?? ((line: string) => console.log(`network: ${line}`));
  const waiting = () => say('another process is making or removing the network: waiting for it');
  return await alone(LOCK, waiting, async () => {
    await prepare();
    const config = await configHash();
    const running = await runningNetwork(config, options.replace ?? process.env.CI === 'true');
    if (running === undefined) return await make(config, say, options.signal);
    say('already up');
    return running;
  });
}

async function make(config: string, say: Say, signal: AbortSignal | undefined): Promise<TestNetwork> {
  const started = Date.now();
  await remove();
  await mkdir(netDirectory(), { recursive: true });
  await chmod(netDirectory(), 0o755); // daemons under their own uids pass through
  const files = await writeSite(join(netDirectory(), SHARED.site));
  await compose(config, 'build', '--quiet');
  say(`images built: ${seconds(Date.now() - started)}`);
  await compose(config, 'up', '--detach', '--no-build', '--quiet-pull');
  say(`containers started: ${seconds(Date.now() - started)}`);
  const b32 = await awaitReadiness(await containers(), say, signal);
  const network = describe(b32, files);
  await writeFile(join(netDirectory(), SHARED.description), `${JSON.stringify(network, null, 2)}\n`);
  say(`up after ${seconds(Date.now() - started)}, described in ${join(netDirectory(), SHARED.description)}`);
  return network;
}

/** Removes the containers, their networks and what they left in the shared folder. Images stay, as a cache. */
export async function down(): Promise<void> {
  await alone(LOCK, () => {}, remove);
}

async function remove(): Promise<void> {
  await removeAll();
  await clearNetDirectory();
}

/** Ends the daemon at once and starts it again, with its keys and its address: a crash. */
export async function restart(role: Role): Promise<void> {
  await docker('restart', '--time', '0', (await find(role)).id);
}

export async function stop(role: Role): Promise<void> {
  await docker('stop', '--time', '0', (await find(role)).id);
}

export async function start(role: Role): Promise<void> {
  await docker('start', (await find(role)).id);
}

/** The last lines that a container wrote, standard output and errors in one. */
export async function logs(role: Role, lines = 100): Promise<string> {
  const { id } = await find(role);
  return await run('sh', [
    '-c',
    'exec docker logs --timestamps --tail "$1" "$2" 2>&1',
    'logs',
    String(lines),
    id,
  ]);
}

/** One line a container, for people. */
export async function status(): Promise<string[]> {
  const all = await containers();
  return ROLES.map((role) => {
    const container = all.find((one) => one.role === role);
    const state = container === undefined ? 'absent' : container.running ? 'running' : 'stopped';
    return `${role.padEnd(16)} ${ADDRESSES[role].padEnd(12)} ${state}`;
  });
}

/** The network of this checkout's making, if it is up and well. */
async function runningNetwork(config: string, replace: boolean): Promise<TestNetwork | undefined> {
  const all = (await containers()).filter((one) => one.running);
  if (all.length === 0) return undefined;
  if (all.some((one) => one.config !== config)) {
    if (replace) return undefined;
    throw new Error(
      'a test network of another checkout is up: first run `node test/network/main.ts down` there or here',
    );
  }
  if (all.length < ROLES.length) return undefined;
  const text = await readFile(join(netDirectory(), SHARED.description), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const network = JSON.parse(text) as TestNetwork;
  return (await isAlive(network.eepsite.b32)) ? network : undefined;
}

function describe(b32: string, files: SiteFile[]): TestNetwork {
  const directory = netDirectory();
  const all = ROLES.map((role) => [role, { name: `${PROJECT}-${role}-1`, address: ADDRESSES[role] }]);
  return {
    directory,
    netId: NET_ID,
    torSocksPath: join(directory, SHARED.tor, 'socks'),
    torControlPath: join(directory, SHARED.tor, 'control'),
    reseedDir: join(directory, SHARED.reseed),
    eepsite: { b32, origin: `http://${b32}`, files },
    clearnet: { url: CLEARNET_URL, text: CLEARNET_TEXT },
    readerProxy: endpoint('i2pd-reader', 'httpProxy'),
    readerSam: endpoint('i2pd-reader', 'sam'),
    i2pdClientProxy: endpoint('i2pd-client', 'httpProxy'),
    i2pdClientSam: endpoint('i2pd-client', 'sam'),
    containers: Object.fromEntries(all),
  };
}

async function find(role: Role): Promise<Container> {
  const container = (await containers()).find((one) => one.role === role);
  if (container === undefined) throw new Error(`the test network has no ${role}: is it up?`);
  return container;
}

async function compose(config: string, ...args: string[]): Promise<void> {
  const file = join(import.meta.dirname, 'compose.yaml');
  await run('docker', ['compose', '--file', file, ...args], {
    env: { ALLIUM_NET_DIR: netDirectory(), ALLIUM_NET_CONFIG: config },
  });
}
