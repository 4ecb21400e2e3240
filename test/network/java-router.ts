/** Java I2P beside the test network that is up: a router of another make with a site and a reader. */
import { chmod, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { install } from '../support/debian.ts';
import { containers, docker, PROJECT, run } from './docker.ts';
import type { Endpoint } from './fetching.ts';
import { ADDRESSES, NET_ID, PORTS, ROUTERS } from './layout.ts';
import { type PublishedRouter, readRouter } from './router-infos.ts';
import { pass } from './stages.ts';

const HERE = join(import.meta.dirname, 'java');
const IMAGE = `${PROJECT}-java`;
/** No other router's /16. */
const ADDRESS = '10.192.1.10';
/** Its value is the process that tests: what a dead one left is removed by the next. */
const LABEL = 'allium.java';
/** Its hops are chosen among routers that say that they are reachable; with fewer it builds no tunnel for minutes. */
const REACHABLE_WANTED = 12;
const REACHABLE_DEADLINE_MS = 180_000;
/** ms: it compiles, makes keys, and its first tunnels take a minute. */
const OPEN_DEADLINE_MS = 300_000;

export interface JavaRouter {
  /** an HTTP proxy */
  readonly proxy: Endpoint;
  /** where other routers connect */
  readonly ntcp2: Endpoint;
  /** of its site, which is that of the network's eepsite */
  readonly b32: string;
  readonly stop: () => Promise<void>;
}

/** `blocked`: addresses in its list of Tor exits. Throws with the end of its log when it does not open. */
export async function startJavaRouter(blocked: readonly string[] = []): Promise<JavaRouter> {
  const jars = await bringJars();
  await docker('build', '--quiet', '--tag', IMAGE, HERE);
  await removeLeftovers();
  const folder = await mkdtemp(join(tmpdir(), 'allium-java-'));
  await chmod(folder, 0o755);
  await writeFile(join(folder, 'router.config'), configuration());
  await writeFile(join(folder, 'blocklist.txt'), 'nobody:192.0.2.1\n');
  await writeFile(join(folder, 'blocklist-tor.txt'), `${blocked.join('\n')}\n`);
  await seed(join(folder, 'netDb'));
  const name = `allium-java-${process.pid}`;
  const place = ['--network', `${PROJECT}_world`, '--ip', ADDRESS, '--dns', ADDRESSES.site];
  const folders = ['--volume', `${folder}:/data`, '--volume', `${jars}:/jars:ro`];
  const flags = ['--detach', '--init', '--pull=never', '--memory=400m', '--label', `${LABEL}=${process.pid}`];
  await docker(
    'run',
    ...flags,
    '--name',
    name,
    ...place,
    ...folders,
    IMAGE,
    '/data',
    ADDRESS,
    ADDRESSES.site,
  );
  const stop = async (): Promise<void> => {
    await docker('rm', '--force', '--volumes', name).catch(() => '');
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const b32 = await opened(folder);
    const [proxy, ntcp2] = [PORTS.httpProxy, PORTS.ntcp2].map((port) => ({ host: ADDRESS, port }));
    return { proxy: proxy as Endpoint, ntcp2: ntcp2 as Endpoint, b32, stop };
  } catch (cause) {
    const log = await readFile(join(folder, 'wrapper.log'), 'utf8').catch(() => docker('logs', name));
    await stop();
    throw new Error(`Java I2P does not open: ${log.slice(-2_000)}`, { cause });
  }
}

/** The folder with the jars, which stays on this machine. */
async function bringJars(): Promise<string> {
  const cache = process.env.ALLIUM_CACHE ?? '/var/cache/allium';
  const pom = join(HERE, 'pom.xml');
  const version = /<version>(\d[\d.]+\d)<\/version>/.exec(await readFile(pom, 'utf8'))?.[1] ?? '';
  const folder = join(cache, `java-i2p-${version}`);
  if (await readFile(join(folder, `router-${version}.jar`)).then(Boolean, () => false)) return folder;
  const problem = install('java');
  if (problem !== undefined) throw new Error(problem);
  await mkdir(cache, { recursive: true });
  const part = await mkdtemp(`${folder}.`);
  const goal = ['dependency:copy-dependencies', `-DoutputDirectory=${part}`];
  await run('mvn', ['--quiet', '--batch-mode', '--file', pom, ...goal]);
  await rm(folder, { recursive: true, force: true });
  await rename(part, folder);
  await chmod(folder, 0o755);
  return folder;
}

async function removeLeftovers(): Promise<void> {
  const format = `{{.ID}} {{.Label "${LABEL}"}}`;
  const text = await docker('ps', '--all', '--filter', `label=${LABEL}`, '--format', format);
  for (const line of text.split('\n').filter(Boolean)) {
    const [id = '', owner] = line.split(' ');
    if (!isAlive(Number(owner))) await docker('rm', '--force', '--volumes', id);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** All of the network's RouterInfos as they are now, once enough of them say that they are reachable. */
async function seed(netDb: string): Promise<void> {
  const routers = await pass(
    {
      name: `${REACHABLE_WANTED} routers publish R`,
      deadline: REACHABLE_DEADLINE_MS,
      interval: 4_000,
      look: async () => {
        const published = await publishedRouters();
        const found = published.filter(({ caps }) => caps.includes('R')).length;
        return found >= REACHABLE_WANTED ? { done: published } : { notYet: `only ${found} do` };
      },
    },
    () => {},
  );
  for (const { hash, bytes } of routers) {
    const folder = join(netDb, `r${hash[0]}`);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, `routerInfo-${hash}.dat`), bytes);
  }
}

async function publishedRouters(): Promise<PublishedRouter[]> {
  const routers = (await containers()).filter(
    ({ role, running }) => running && ROUTERS.some((one) => one === role),
  );
  return await Promise.all(routers.map(readRouter));
}

async function opened(folder: string): Promise<string> {
  return await pass(
    {
      name: 'Java I2P has tunnels',
      deadline: OPEN_DEADLINE_MS,
      look: async () => ({ done: await readFile(join(folder, 'site.b32'), 'utf8') }),
    },
    () => {},
  );
}

/** As shipped but for what a private network without the Internet needs; the network's id is read from this file alone. */
function configuration(): string {
  const settings = {
    'router.networkID': NET_ID,
    'i2np.allowLocal': true,
    'i2np.udp.enable': false,
    'i2np.upnp.enable': false,
    'i2np.ntcp.hostname': ADDRESS,
    'i2np.ntcp.port': PORTS.ntcp2,
    'i2np.ntcp.autoip': false,
    'i2np.ntcp.autoport': false,
    'time.disabled': true,
    'router.reseedDisable': true,
    'router.blocklist.enable': true,
    'i2np.bandwidth.inboundKBytesPerSecond': 50_000,
    'i2np.bandwidth.outboundKBytesPerSecond': 50_000,
    'router.sharePercentage': 90,
  };
  return Object.entries(settings)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('');
}
