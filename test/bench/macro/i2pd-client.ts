import { copyFile, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { docker, PROJECT } from '../../network/docker.ts';
import { PORTS } from '../../network/layout.ts';
import type { Contender, Place, Running } from './contender.ts';

const IMAGE = `${PROJECT}-i2pd`;
const NETWORK = `${PROJECT}_inside`;
/** In the network behind Tor, beside the client that lives there always. */
const ADDRESS = '10.224.0.200';
/** Its value is the process that benches: what a dead one left is removed by the next. */
const LABEL = 'allium.bench';
const FOLDER = '/bench';
const CONSOLE_MS = 5_000;

/** An i2pd that hides behind Tor like ours, in a container of its own with no way out but Tor. */
export const i2pdClient: Contender = { name: 'i2pd', start };

async function start(place: Place): Promise<Running> {
  const folder = await mkdtemp(join(tmpdir(), 'allium-bench-'));
  const name = `allium-bench-i2pd-${process.pid}`;
  await seed(place.network.reseedDir, join(folder, 'data', 'netDb'));
  await writeFile(join(folder, 'tunnels.conf'), '');
  await writeFile(join(folder, 'i2pd.conf'), configuration(place));
  const pid = run(name, folder);
  // Nobody may be waiting for it yet.
  pid.catch(() => {});
  return {
    proxy: { host: ADDRESS, port: PORTS.httpProxy },
    pid,
    buildSuccess,
    problem: () => problem(name),
    [Symbol.asyncDispose]: async () => {
      await pid.catch(() => {});
      await docker('rm', '--force', '--volumes', name).catch(() => '');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Removes what benches that were killed have left. */
export async function removeLeftovers(): Promise<void> {
  const text = await docker(
    'ps',
    '--all',
    '--filter',
    `label=${LABEL}`,
    '--format',
    `{{.ID}} {{.Label "${LABEL}"}}`,
  );
  for (const line of text.split('\n').filter(Boolean)) {
    const [id = '', owner] = line.split(' ');
    if (!isAlive(Number(owner))) await docker('rm', '--force', '--volumes', id);
  }
}

async function run(name: string, folder: string): Promise<number> {
  const place = ['--network', NETWORK, '--ip', ADDRESS, '--volume', `${folder}:${FOLDER}`];
  const i2pd = ['--entrypoint', 'i2pd', IMAGE, `--conf=${FOLDER}/i2pd.conf`, `--datadir=${FOLDER}/data`];
  await docker(
    'run',
    '--detach',
    '--pull=never',
    '--name',
    name,
    '--label',
    `${LABEL}=${process.pid}`,
    ...place,
    ...i2pd,
  );
  const pid = Number(await docker('inspect', '--format', '{{.State.Pid}}', name));
  if (!(pid > 0)) throw new Error((await problem(name)) ?? 'the container has no process');
  return pid;
}

async function problem(name: string): Promise<string | undefined> {
  const state = await docker('inspect', '--format', '{{.State.Status}} {{.State.ExitCode}}', name).catch(
    () => 'absent',
  );
  if (state.startsWith('running') || state.startsWith('created')) return undefined;
  const log = await docker('logs', '--tail', '3', name).catch(() => '');
  return `container ${state.trim()}: ${log.trim().slice(-300)}`;
}

/** i2pd keeps RouterInfos by the first letter of their hash. */
async function seed(from: string, netDb: string): Promise<void> {
  for (const file of await readdir(from)) {
    const letter = /^routerInfo-(.).*\.dat$/.exec(file)?.[1];
    if (letter === undefined) continue;
    await mkdir(join(netDb, `r${letter}`), { recursive: true });
    await copyFile(join(from, file), join(netDb, `r${letter}`, file));
  }
}

/** All tunnels since the start; the rate that i2pd shows otherwise is a moving average. */
async function buildSuccess(): Promise<number> {
  const url = `http://${ADDRESS}:${PORTS.console}/`;
  const page = await (await fetch(url, { signal: AbortSignal.timeout(CONSOLE_MS) })).text();
  const percent = /Total tunnel creation success rate:<\/b>\s*([\d.]+)%/.exec(page)?.[1];
  if (percent === undefined) throw new Error('the web console shows no success rate');
  return Number(percent);
}

/** As the network's own client is configured, with our router's number and length of tunnels, and one proxy. */
function configuration({ network, socks, tunnels, exploratory }: Place): string {
  const pool = ({ length, quantity }: Place['tunnels']): string =>
    ['inbound', 'outbound']
      .map((way) => `${way}.length = ${length}\n${way}.quantity = ${quantity}`)
      .join('\n');
  return `notransit = true
loglevel = warn
log = stdout
netid = ${network.netId}
reservedrange = false
host = ${ADDRESS}
port = ${PORTS.ntcp2}
nat = true
ipv4 = true
ipv6 = false
bandwidth = X
floodfill = false
tunconf = ${FOLDER}/tunnels.conf
tunnelsdir = ${FOLDER}/none
[ntcp2]
enabled = true
published = false
proxy = socks://${socks.host}:${socks.port}
[ssu2]
enabled = false
published = false
[reseed]
verify = false
threshold = 0
urls =
yggurls =
[addressbook]
enabled = false
[nettime]
enabled = false
frompeers = false
[persist]
profiles = false
[upnp]
enabled = false
[http]
enabled = true
address = ${ADDRESS}
port = ${PORTS.console}
auth = false
strictheaders = false
showTotalTCSR = true
[httpproxy]
enabled = true
address = ${ADDRESS}
port = ${PORTS.httpProxy}
${pool(tunnels)}
[socksproxy]
enabled = false
[sam]
enabled = false
[exploratory]
${pool(exploratory)}
`;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
