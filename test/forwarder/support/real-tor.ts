import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestFn } from 'ava';
import { missing } from '../../support/debian.ts';
import { eventually, must } from '../../support/eventually.ts';
import { freePort } from '../../support/free-port.ts';

/** Milliseconds; it takes one second. */
const START_MS = 20_000;
const TORRC = join(import.meta.dirname, '../../../images/tor/torrc');

/** Tests that ask the real Tor, with `more` programs or paths: skipped with the reason where one is missing, failing where CI=true. */
export function torTest(...more: readonly string[]): TestFn {
  const problem = missing('tor', ...more);
  if (problem === undefined) return test.serial as TestFn;
  if (process.env.CI === 'true') test('the real Tor is installed', (t) => t.fail(problem));
  else console.log(`skipped: ${problem}`);
  return test.skip as unknown as TestFn;
}

/**
 * Debian's Tor with the port for Tor Browser and the mapped names as the image has them. Its proxy is a closed port of this machine: it can
 * reach nobody, but takes requests and tells its controllers of them.
 */
export class RealTor {
  readonly port: number;
  readonly #folder: string;
  readonly #child: ChildProcess;
  #log = '';

  private constructor(folder: string, port: number, child: ChildProcess) {
    this.#folder = folder;
    this.port = port;
    this.#child = child;
  }

  static async start(): Promise<RealTor> {
    const folder = mkdtempSync(join(tmpdir(), 'allium-tor-'));
    const port = await freePort();
    const torrc = readFileSync(TORRC, 'utf8');
    const flags = /^SocksPort 127\.0\.0\.1:9150 (.*)$/m.exec(torrc)?.[1];
    if (flags === undefined) throw new Error('torrc has no port for Tor Browser');
    const lines = [
      `SocksPort 127.0.0.1:${port} ${flags}`,
      `DataDirectory ${folder}/data`,
      `ControlSocket unix:${folder}/control RelaxDirModeCheck`,
      'CookieAuthentication 0',
      'HTTPSProxy 127.0.0.1:9',
      'ClientOnly 1',
      'AutomapHostsOnResolve 1',
      'VirtualAddrNetworkIPv4 10.192.0.0/10',
      ...(torrc.match(/^MapAddress .*$/gm) ?? []),
      'Log notice stdout',
    ];
    writeFileSync(join(folder, 'torrc'), `${lines.join('\n')}\n`);
    const args = ['-f', join(folder, 'torrc'), '--defaults-torrc', '/dev/null'];
    const child = spawn('/usr/sbin/tor', args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const tor = new RealTor(folder, port, child);
    child.stdout.on('data', (chunk: Buffer) => {
      tor.#log += chunk.toString();
    });
    await eventually('Tor listens', START_MS, () =>
      must(/Opened Control listener/i.test(tor.#log), tor.#log),
    );
    return tor;
  }

  get control(): string {
    return join(this.#folder, 'control');
  }

  /** A controller that is told of every stream. */
  async watch(): Promise<StreamWatch> {
    const socket = connect(this.control);
    await once(socket, 'connect');
    socket.write('AUTHENTICATE\r\nSETEVENTS STREAM SIGNAL\r\n');
    const watch = new StreamWatch(socket);
    await eventually('Tor tells of streams', START_MS, () =>
      must(/(?:250 OK\r\n){2}/.test(watch.text), watch.text),
    );
    return watch;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const gone = once(this.#child, 'exit');
      this.#child.kill('SIGKILL');
      await gone;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

export interface TorStream {
  readonly target: string;
  /** address that it came from, without the port */
  readonly from: string;
  readonly user: string | undefined;
  readonly password: string | undefined;
}

export class StreamWatch {
  readonly #socket: Socket;
  text = '';

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.text += chunk.toString('latin1');
    });
  }

  /** Requests that Tor took, in order; not those that it makes for itself. */
  get streams(): TorStream[] {
    const found = this.text.matchAll(
      /^650 STREAM \d+ NEW(?:RESOLVE)? 0 (\S+) (.*PURPOSE=(?:USER|DNS).*)\r$/gm,
    );
    return [...found].map(([, target = '', facts = '']) => ({
      target,
      from: /SOURCE_ADDR=([\d.]+):/.exec(facts)?.[1] ?? '',
      user: /SOCKS_USERNAME="([^"]*)"/.exec(facts)?.[1],
      password: /SOCKS_PASSWORD="([^"]*)"/.exec(facts)?.[1],
    }));
  }

  end(): void {
    this.#socket.destroy();
  }
}
