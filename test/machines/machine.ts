/**
 * A machine of its own on this one: root folder, mounts, processes, network, control groups, host name. It reaches what
 * this machine reaches, through a process and no rule or link of this machine's. It ends with the process that began it,
 * however that ends; only its folder and empty control groups can be left then, and the next one removes them.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync } from 'node:fs';
import { rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { environment } from './root.ts';

const BEGIN = join(import.meta.dirname, 'begin.sh');
const GROUPS = '/sys/fs/cgroup';
/** Milliseconds: its last process is gone long before. */
const GONE_MS = 10_000;

export interface Place {
  /** host name and control group */
  readonly name: string;
  readonly root: string;
  /** folders of this machine that are there too: outside, inside */
  readonly shared?: readonly (readonly [string, string])[];
}

export class Machine {
  readonly #name: string;
  readonly #first: ChildProcess;
  readonly #network: ChildProcess;

  private constructor(name: string, first: ChildProcess, network: ChildProcess) {
    this.#name = name;
    this.#first = first;
    this.#network = network;
  }

  static async begin({ name, root, shared = [] }: Place): Promise<Machine> {
    await removeGroups(name);
    const binds = shared.map(([outside, inside]) => `${outside}:${inside}`);
    // Not in our process group: Ctrl-C is for us, and we end it.
    const first = spawn(BEGIN, [name, root, ...binds], {
      stdio: ['pipe', 'pipe', 'inherit'],
      detached: true,
    });
    await said(first, first.stdout, 'the machine');
    const args = ['--configure', '--mtu=1400', '--disable-host-loopback', '--ready-fd=3', '--exit-fd=4'];
    const network = spawn('slirp4netns', [...args, String(first.pid), 'tap0'], {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
      detached: true,
    });
    const machine = new Machine(name, first, network);
    try {
      await said(network, network.stdio[3], 'slirp4netns');
    } catch (error) {
      await machine.end();
      throw error;
    }
    return machine;
  }

  /** Runs a line of shell in a folder of the machine, with our output as its own. Returns its exit code. */
  async run(line: string, folder: string, env: Readonly<Record<string, string>> = {}): Promise<number> {
    return await exitOf(
      spawn('nsenter', this.#enter(line, folder, env), { stdio: ['ignore', 'inherit', 'inherit'] }),
    );
  }

  /** What it printed. Throws when it fails. */
  async read(line: string, folder: string): Promise<string> {
    return (await promisify(execFile)('nsenter', this.#enter(line, folder, {}))).stdout.trim();
  }

  /** Whatever runs in it is killed. */
  async end(): Promise<void> {
    for (const child of [this.#first, this.#network]) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const closed = once(child, 'close');
      child.kill('SIGKILL');
      await closed;
    }
    await removeGroups(this.#name);
  }

  #enter(line: string, folder: string, env: Readonly<Record<string, string>>): string[] {
    const of = `/proc/${this.#first.pid}/ns`;
    const namespaces = ['mnt', 'net', 'uts', 'ipc', 'cgroup'].map((kind) =>
      kind === 'mnt' ? `--mount=${of}/mnt` : `--${kind}=${of}/${kind}`,
    );
    const variables = Object.entries({ ...environment(), ...env }).map(([key, value]) => `${key}=${value}`);
    // Into its control groups, so that containers of an engine that is started here are counted and found there.
    const script = `for group in ${GROUPS}/cgroup.procs ${GROUPS}/*/cgroup.procs; do
      [ ! -e "$group" ] || echo 0 >"$group"
    done
    cd "$1" && exec sh -c "$2"`;
    const root = `--root=/proc/${this.#first.pid}/root`;
    return [
      ...[...namespaces, `--pid=${of}/pid_for_children`, root, '--', 'env', '-i', ...variables],
      ...['sh', '-c', script, 'sh', folder, line],
    ];
  }
}

/** Waits for the first bytes of a child. */
async function said(
  child: ChildProcess,
  stream: NodeJS.EventEmitter | null | undefined,
  who: string,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  stream?.once('data', () => resolve());
  child.once('error', reject).once('close', (code) => reject(new Error(`${who} ended with code ${code}`)));
  await promise;
}

async function exitOf(child: ChildProcess): Promise<number> {
  const [code] = (await once(child, 'close')) as [number | null];
  return code ?? 1;
}

/** Those of its containers lie below its own. A group can be removed once its last process is buried. */
async function removeGroups(name: string): Promise<void> {
  const end = Date.now() + GONE_MS;
  for (;;) {
    const found = globSync(
      [`${GROUPS}/${name}/`, `${GROUPS}/*/${name}/`].flatMap((own) => [own, `${own}**/`]),
    );
    if (found.length === 0) return;
    const failed = await Promise.allSettled(
      found.toSorted((a, b) => b.length - a.length).map((group) => rmdir(group)),
    );
    if (failed.every(({ status }) => status === 'fulfilled')) continue;
    if (Date.now() > end) throw new Error(`processes of ${name} are left in ${found.at(-1)}`);
    await sleep(100);
  }
}
