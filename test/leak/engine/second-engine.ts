/**
 * A Docker engine of the test's own, in network namespaces of its own: what leaves the appliance, its host and its
 * workstation stays in there, and the engine can be killed without harm to the machine's.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ENV, sh } from '../../netns/support/machine.ts';
import { run } from '../../network/docker.ts';

/** Namespaces: the host of this engine, the world behind it, a workstation on its lan. */
export const HOST = 'allium-leak-host';
export const WORLD_SIDE = 'allium-leak-world';
export const WORKSTATION_SIDE = 'allium-leak-ws';
export const IN_HOST = ['ip', 'netns', 'exec', HOST] as const;
export const IN_WORKSTATION = ['ip', 'netns', 'exec', WORKSTATION_SIDE] as const;

const FOLDER = '/run/allium-leak';
export const SOCKET = `${FOLDER}/docker.sock`;
const PID_FILE = `${FOLDER}/docker.pid`;
const RESOLV = `${FOLDER}/resolv.conf`;
/** Images and layers stay between runs, as a cache. */
const DATA = join(process.env.ALLIUM_CACHE ?? '/var/cache/allium', 'leak-engine');
const START_SECONDS = 60;
/** Of this engine's containers alone, so that those of a killed run are found. */
const CGROUP = 'allium-leak';

/** Resolvers that the host of this engine may name. */
export const RESOLVERS = { remote: '9.9.9.9', loopback: '127.0.0.53' } as const;

export class SecondEngine {
  #holder: ChildProcess | undefined;
  #engine: ChildProcess | undefined;
  #lock: { close: () => void } | undefined;

  /** Throws when another run has it. */
  async start(): Promise<void> {
    this.#lock = await onlyOne();
    await clearAway();
    mkdirSync(FOLDER, { recursive: true });
    mkdirSync(DATA, { recursive: true });
    makeNamespaces();
    this.setResolver('remote');
    // Mounts of containers outlive a killed engine, if the namespace that has them does.
    const script = `mount --bind ${RESOLV} /etc/resolv.conf && echo ready && exec sleep infinity`;
    const args = ['--mount', '--propagation', 'private', 'sh', '-c', script];
    this.#holder = spawn('unshare', args, { env: ENV, stdio: ['ignore', 'pipe', 'inherit'] });
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#holder.stdout?.once('data', resolve);
    this.#holder.once('close', () => reject(new Error('no mount namespace')));
    await promise;
    await this.startEngine();
    // Those of a run that was killed are in the cache too, and Docker starts a supervisor again.
    await removeContainers();
    await run('docker', [...OURS, 'network', 'prune', '--force']);
    await run('docker', [...OURS, 'volume', 'prune', '--force']);
  }

  /** What the host's resolv.conf says, from the next start of the engine on. */
  setResolver(which: keyof typeof RESOLVERS): void {
    writeFileSync(RESOLV, `nameserver ${RESOLVERS[which]}\n`);
  }

  async startEngine(): Promise<void> {
    rmSync(PID_FILE, { force: true });
    const namespaces = [`--mount=/proc/${this.#holder?.pid}/ns/mnt`, `--net=/run/netns/${HOST}`];
    const own = [
      '--data-root',
      DATA,
      '--exec-root',
      `${FOLDER}/exec`,
      '--pidfile',
      PID_FILE,
      '--cgroup-parent',
      CGROUP,
    ];
    const engine = ['dockerd', ...own, '-H', `unix://${SOCKET}`, '--bridge', 'none', '--log-level', 'error'];
    this.#engine = spawn('nsenter', [...namespaces, ...engine], { env: ENV, stdio: 'ignore' });
    const end = Date.now() + START_SECONDS * 1000;
    while (Date.now() < end) {
      const answers = await run('docker', ['-H', `unix://${SOCKET}`, 'version']).then(
        () => true,
        () => false,
      );
      if (answers) {
        // Docker's rules for internal networks would stop probes on the host, before the gate had seen them.
        sh(...IN_HOST, 'sh', '-c', 'echo 0 > /proc/sys/net/bridge/bridge-nf-call-iptables');
        return;
      }
      await sleep(100);
    }
    throw new Error(`the second engine did not answer within ${START_SECONDS} s`);
  }

  /** The engine alone; its containers go on. */
  async killEngine(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<unknown>();
    this.#engine?.once('close', resolve);
    process.kill(Number(readFileSync(PID_FILE, 'utf8')), 'SIGKILL');
    await promise;
  }

  /** Copies images from the machine's engine, unless the same ones are here already. */
  async load(images: readonly string[]): Promise<void> {
    const id = async (host: readonly string[], image: string): Promise<string> =>
      (
        await run('docker', [...host, 'image', 'inspect', '--format', '{{.Id}}', image]).catch(() => '')
      ).trim();
    const missing: string[] = [];
    for (const image of images) {
      const theirs = await id(MACHINE, image);
      if (theirs === '')
        throw new Error(`the machine's engine has no image ${image}: docker compose build first`);
      if ((await id(OURS, image)) !== theirs) missing.push(image);
    }
    if (missing.length === 0) return;
    const pipe = `docker ${MACHINE.join(' ')} save ${missing.join(' ')} | docker ${OURS.join(' ')} load`;
    await run('bash', ['-o', 'pipefail', '-c', pipe]);
  }

  async stop(): Promise<void> {
    await clearAway();
    this.#holder?.kill('SIGKILL');
    this.#lock?.close();
  }
}

const MACHINE = ['-H', process.env.DOCKER_HOST ?? 'unix:///var/run/docker.sock'];
const OURS = ['-H', `unix://${SOCKET}`];

/** The kernel frees the name with its holder, however that ends. */
async function onlyOne(): Promise<{ close: () => void }> {
  const server = createServer();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', () => reject(new Error('another leak test has the second engine')));
  server.listen('\0allium-leak-engine', resolve);
  await promise;
  return server;
}

function makeNamespaces(): void {
  for (const name of [HOST, WORLD_SIDE, WORKSTATION_SIDE]) {
    sh('ip', 'netns', 'add', name);
    sh('ip', '-n', name, 'link', 'set', 'lo', 'up');
    // Without it each new link of theirs would speak first, and every frame of IPv6 is to be a leak.
    for (const key of ['all', 'default']) {
      sh('ip', 'netns', 'exec', name, 'sh', '-c', `echo 1 > /proc/sys/net/ipv6/conf/${key}/disable_ipv6`);
    }
  }
  // The kernel reports that a new bridge of the host's joins 224.0.0.106: from its address, when that is there in time.
  sh(...IN_HOST, 'sh', '-c', 'echo 0 > /proc/sys/net/ipv4/igmp_link_local_mcast_reports');
  pair(HOST, 'world0', WORLD_SIDE, 'host0');
  pair(HOST, 'tap0', WORKSTATION_SIDE, 'ws0');
  sh('ip', '-n', HOST, 'addr', 'add', '192.0.2.1/30', 'dev', 'world0');
  sh('ip', '-n', WORLD_SIDE, 'addr', 'add', '192.0.2.2/30', 'dev', 'host0');
  sh('ip', '-n', WORLD_SIDE, 'route', 'add', 'local', '0.0.0.0/0', 'dev', 'lo');
  sh('ip', '-n', HOST, 'route', 'add', 'default', 'via', '192.0.2.2');
}

function pair(left: string, leftName: string, right: string, rightName: string): void {
  sh('ip', '-n', left, 'link', 'add', leftName, 'type', 'veth', 'peer', 'name', rightName, 'netns', right);
  sh('ip', '-n', left, 'link', 'set', leftName, 'up');
  sh('ip', '-n', right, 'link', 'set', rightName, 'up');
}

async function removeContainers(): Promise<void> {
  const ids = (await run('docker', [...OURS, 'ps', '--all', '--quiet'])).trim();
  if (ids !== '') await run('docker', [...OURS, 'rm', '--force', ...ids.split('\n')]);
}

/** What this run or one that was killed has left: containers, processes in our namespaces, the namespaces. */
async function clearAway(): Promise<void> {
  await removeContainers().catch(() => undefined);
  // cgroup v1 has a tree for each controller, v2 has one.
  for (const file of globSync([
    `/sys/fs/cgroup/pids/${CGROUP}/*/cgroup.procs`,
    `/sys/fs/cgroup/${CGROUP}/*/cgroup.procs`,
  ])) {
    for (const pid of readFileSync(file, 'utf8').split('\n').filter(Boolean)) endProcess(Number(pid));
  }
  const there = sh('ip', 'netns', 'list');
  for (const name of [HOST, WORLD_SIDE, WORKSTATION_SIDE].filter((it) => there.includes(it))) {
    for (const pid of sh('ip', 'netns', 'pids', name).split('\n').filter(Boolean)) endProcess(Number(pid));
    await sleep(200);
    sh('ip', 'netns', 'del', name);
  }
  rmSync(FOLDER, { recursive: true, force: true });
}

function endProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself meanwhile.
  }
}
