import { type ChildProcess, spawn } from 'node:child_process';
import { copyFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { GATE, GATE_UP, type Lab, pause, TOR_UID, UPLINK, UPLINK_PORT } from './lab.ts';
import { ENV, sh } from './machine.ts';

const MAIN = join(import.meta.dirname, '../../../services/policy/main.ts');
const POLICIES = join(import.meta.dirname, '../../../policies');
/** No wait of a test is longer, ms. */
const GIVE_UP_MS = 10_000;

export interface Status {
  readonly state: string;
  readonly policy: string;
  readonly digest: string | null;
  readonly doubts: readonly string[];
  readonly lastSealing: { readonly doubts: readonly string[]; readonly at: string } | null;
  readonly counters: Record<string, { readonly packets: number }>;
}

export interface Reply {
  readonly code: number;
  readonly body: Record<string, unknown>;
}

/** The policy service as it runs in the appliance: in the gate's namespace, steered over its socket. */
export class RunningService {
  readonly #lab: Lab;
  readonly #folder = mkdtempSync(join(tmpdir(), 'allium-policy-'));
  #child: ChildProcess | undefined;

  constructor(lab: Lab) {
    this.#lab = lab;
    for (const file of readdirSync(POLICIES).filter((name) => name.endsWith('.yaml'))) {
      copyFileSync(join(POLICIES, file), join(this.#folder, file));
    }
    writeFileSync(
      join(this.#folder, 'service.conf'),
      `policies: ${this.#folder}
control: ${this.#folder}/control.sock
lan: { address: ${GATE}, subnet: 10.152.128.0/18 }
up: { address: ${GATE_UP}, subnet: 172.31.99.0/29 }
uplink: { address: ${UPLINK}, port: ${UPLINK_PORT} }
tor: { uid: ${TOR_UID} }
log: silent
`,
    );
  }

  start(): void {
    this.#child = this.#spawn('inherit');
  }

  /** Runs a process that should give up by itself; its exit code. */
  startAndFail(): Promise<number | null> {
    return exit(this.#spawn('ignore'));
  }

  kill(): void {
    this.#child?.kill('SIGKILL');
  }

  end(): Promise<number | null> {
    if (this.#child === undefined) throw new Error('not started');
    const done = exit(this.#child);
    this.#child.kill('SIGTERM');
    return done;
  }

  remove(): void {
    this.kill();
    rmSync(this.#folder, { recursive: true });
  }

  writePolicy(name: string, text: string): void {
    writeFileSync(join(this.#folder, `${name}.yaml`), text);
  }

  removePolicy(name: string): void {
    rmSync(join(this.#folder, `${name}.yaml`));
  }

  call(method: string, path: string, body?: unknown): Promise<Reply> {
    const { promise, resolve, reject } = Promise.withResolvers<Reply>();
    const sent = request({ socketPath: join(this.#folder, 'control.sock'), method, path }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      response.on('end', () => resolve({ code: response.statusCode ?? 0, body: JSON.parse(text) }));
    });
    sent.on('error', reject);
    sent.end(typeof body === 'string' ? body : JSON.stringify(body));
    return promise;
  }

  async status(): Promise<Status> {
    return (await this.call('GET', '/status')).body as unknown as Status;
  }

  /** Asks until it is so; milliseconds that it took. */
  async until(t: ExecutionContext, what: string, isSo: (status: Status) => boolean): Promise<number> {
    const begun = Date.now();
    for (;;) {
      const now = await this.status().catch(() => undefined);
      if (now !== undefined && isSo(now)) return Date.now() - begun;
      if (Date.now() - begun > GIVE_UP_MS) {
        t.fail(`${what}: ${JSON.stringify({ ...now, counters: undefined })}`);
        return Number.POSITIVE_INFINITY;
      }
      await pause(20);
    }
  }

  /** Opens the gate under a policy; fails when that is refused. */
  async open(t: ExecutionContext, policy = 'leak-proof'): Promise<void> {
    await this.until(t, 'starts', ({ state, doubts }) => state !== 'unknown' && doubts.length === 0);
    t.is((await this.call('POST', '/policy', { policy })).code, 200);
    const answer = await this.call('POST', '/state', { state: 'open' });
    t.is(answer.code, 200, JSON.stringify(answer.body));
  }

  /** The rules of the gate without their counts. */
  rules(): string {
    return sh('ip', 'netns', 'exec', this.#lab.gate, 'nft', '-s', 'list', 'ruleset');
  }

  #spawn(output: 'inherit' | 'ignore'): ChildProcess {
    const config = join(this.#folder, 'service.conf');
    const args = ['netns', 'exec', this.#lab.gate, process.execPath, MAIN, '--config', config];
    return spawn('ip', args, { env: ENV, stdio: ['ignore', output, output] });
  }
}

function exit(child: ChildProcess): Promise<number | null> {
  const { promise, resolve } = Promise.withResolvers<number | null>();
  child.once('close', resolve);
  return promise;
}
