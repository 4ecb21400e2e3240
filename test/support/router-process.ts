/** Our router as its users run it: a process with a configuration file. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestNetwork } from '../network/network.ts';
import { eventually, must } from './eventually.ts';
import { type Answer, ask, type Door } from './http-client.ts';

const MAIN = join(import.meta.dirname, '../../services/router/main.ts');
/** Characters kept of standard output and of standard error. */
const OUTPUT_LIMIT = 1_000_000;
/** ms from start to the first tunnels: a second here, in CI with Tor and its peers under load much longer. */
const READY_DEADLINE_MS = 120_000;
/** ms to open the doors and no more; a second where cores are free. */
const LISTEN_DEADLINE_MS = 90_000;
/** ms; a router that is busier than this is a finding of its own. */
const HEALTH_DEADLINE_MS = 5_000;

export interface HomeOptions {
  /** put in front of the program, given the router's folder: `['unshare', '--net']` */
  readonly launcher?: (folder: string) => readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** The figures of `GET /status` that tests look at; it has more. */
export interface Status {
  readonly stage: string;
  /** JSON leaves out what is undefined */
  readonly clockSkew?: number;
  readonly clock: { readonly correctionMs: number };
  readonly sessions: { readonly connected: number; readonly counters: Readonly<Record<string, number>> };
  readonly netdb: { readonly routers: number; readonly counters: Readonly<Record<string, number>> };
  readonly store: Readonly<Record<string, number>>;
  readonly names: { readonly names?: number; readonly badLines?: number; readonly learnt: number };
}

/** A router's folder: configuration, keys, disk and sockets. It outlives the processes that run in it. */
export class RouterHome {
  readonly folder = mkdtempSync(join(tmpdir(), 'allium-router-'));
  readonly dataDir = join(this.folder, 'data');
  readonly configFile = join(this.folder, 'router.yaml');
  readonly streamsPath = join(this.folder, 'streams.sock');
  readonly namesPath = join(this.folder, 'names.sock');
  readonly health: Door = { socketPath: join(this.folder, 'health.sock') };
  readonly #options: HomeOptions;
  #running: RouterProcess | undefined;

  /** `config`: what differs from a router in the network (or nowhere) with all doors on Unix sockets here. */
  constructor(
    network: TestNetwork | undefined,
    config: (folder: string) => object = () => ({}),
    options: HomeOptions = {},
  ) {
    this.#options = options;
    const all = {
      dataDir: this.dataDir,
      netId: network?.netId ?? 99,
      allowPrivateAddresses: true,
      tor: { socks: network?.torSocksPath ?? join(this.folder, 'tor.sock') },
      reseed: { files: network === undefined ? [] : [network.reseedDir], servers: false },
      streams: { listen: this.streamsPath },
      names: { listen: this.namesPath },
      health: { listen: join(this.folder, 'health.sock') },
      ...config(this.folder),
    };
    // JSON is YAML
    this.write(JSON.stringify(all, null, 2));
  }

  write(config: string): void {
    writeFileSync(this.configFile, config);
  }

  /** Starts a process; the one before must have ended. */
  start(): RouterProcess {
    must(this.#running?.exit === undefined || this.#running.hasEnded, 'the router of this folder still runs');
    this.#running = new RouterProcess(this, this.#options);
    return this.#running;
  }

  /** Ends what runs, at once, and removes the folder. */
  async remove(): Promise<void> {
    await this.#running?.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export class RouterProcess {
  readonly home: RouterHome;
  /** the exit code, or the signal's name */
  readonly exit: Promise<number | string>;
  readonly #child: ChildProcess;
  readonly #out = { stdout: '', stderr: '' };
  #ended = false;

  constructor(home: RouterHome, options: HomeOptions) {
    this.home = home;
    // the kernel ends the router with its parent, however that ends
    const line = [
      'setpriv',
      '--pdeathsig',
      'KILL',
      ...(options.launcher?.(home.folder) ?? []),
      process.execPath,
      MAIN,
    ];
    const [program = '', ...args] = [...line, '--config', home.configFile];
    this.#child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env.PATH, ...options.env },
    });
    for (const name of ['stdout', 'stderr'] as const) {
      this.#child[name]?.setEncoding('utf8').on('data', (text: string) => {
        if (this.#out[name].length < OUTPUT_LIMIT) this.#out[name] += text;
      });
    }
    const { promise, resolve } = Promise.withResolvers<number | string>();
    this.#child.once('error', (error) => resolve(error.message));
    this.#child.once('close', (code, signal) => resolve(code ?? signal ?? 'unknown'));
    this.exit = promise.finally(() => {
      this.#ended = true;
    });
  }

  get pid(): number {
    const { pid } = this.#child;
    must(pid !== undefined, 'the router did not start');
    return pid;
  }

  get hasEnded(): boolean {
    return this.#ended;
  }

  /** What the person at the terminal reads. */
  get stdout(): string {
    return this.#out.stdout;
  }

  /** The log: JSON lines. */
  get stderr(): string {
    return this.#out.stderr;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.exit;
  }

  async statusText(): Promise<string> {
    return (await this.#askHealth('/status')).text;
  }

  async status(): Promise<Status> {
    return JSON.parse(await this.statusText()) as Status;
  }

  /** Resolves when all doors are open. */
  async listening(): Promise<void> {
    await eventually('the router listens', LISTEN_DEADLINE_MS, async () => {
      if (this.#ended) return;
      const { status } = await this.#askHealth('/status');
      must(status === 200 && this.stdout !== '', 'the router starts');
    });
    must(!this.#ended, `the router ended: ${this.stderr.slice(-2_000)}`);
  }

  /** Resolves with the ms it took when every Destination has tunnels; throws with the last status. */
  async ready(deadline = READY_DEADLINE_MS): Promise<number> {
    const started = Date.now();
    await eventually('the router is ready', deadline, async () => {
      if (this.#ended) return;
      const { status } = await this.#askHealth('/health');
      must(status === 200, `status ${status}: ${await this.statusText()}`);
    });
    must(!this.#ended, `the router ended: ${this.stderr.slice(-2_000)}`);
    return Date.now() - started;
  }

  #askHealth(path: string): Promise<Answer> {
    return ask(this.home.health, `http://router${path}`, { direct: true, deadline: HEALTH_DEADLINE_MS });
  }

  /** The Base32 name of a service, as the terminal shows it. */
  b32Of(service: string): Promise<string> {
    return eventually(`the name of ${service} is shown`, 30_000, () => {
      const found = new RegExp(`${service} is ([a-z2-7]{52}\\.b32\\.i2p)`).exec(this.stdout)?.[1];
      must(found !== undefined, this.stdout);
      return found;
    });
  }
}
