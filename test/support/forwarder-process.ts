/** The forwarder as its users run it, beside a router of `RouterHome`: the HTTP proxy that a router alone has not. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Endpoint } from '../network/fetching.ts';
import { eventually, must } from './eventually.ts';
import { freePort } from './free-port.ts';
import type { RouterHome } from './router-process.ts';

const MAIN = join(import.meta.dirname, '../../services/forwarder/main.ts');
/** ms until its port is open; a second where cores are free. */
const LISTEN_DEADLINE_MS = 90_000;

export class ForwarderProcess {
  /** its HTTP proxy */
  readonly http: Endpoint;
  readonly #child: ChildProcess;
  readonly #folder: string;

  private constructor(http: Endpoint, folder: string) {
    this.http = http;
    this.#folder = folder;
    // the kernel ends it with its parent, however that ends
    this.#child = spawn(
      'setpriv',
      ['--pdeathsig', 'KILL', process.execPath, MAIN, '--config', join(folder, 'config'), '--log', 'warn'],
      { stdio: ['ignore', 'ignore', 'inherit'], env: { PATH: process.env.PATH } },
    );
  }

  /** Resolves when its port is open; the router may come later. `lines`: of its configuration, besides. */
  static async start(
    home: Pick<RouterHome, 'streamsPath' | 'namesPath'>,
    lines: readonly string[] = [],
  ): Promise<ForwarderProcess> {
    const folder = mkdtempSync(join(tmpdir(), 'allium-forwarder-'));
    const http = { host: '127.0.0.1', port: await freePort() };
    const config = [
      `listen-address ${http.host}:${http.port}`,
      `allium-router unix:${home.streamsPath} unix:${home.namesPath}`,
      'forward .i2p 127.0.0.1:4444',
      'socket-timeout 180',
      ...lines,
    ];
    writeFileSync(join(folder, 'config'), `${config.join('\n')}\n`);
    const forwarder = new ForwarderProcess(http, folder);
    await eventually('the forwarder listens', LISTEN_DEADLINE_MS, async () => {
      must(forwarder.#child.exitCode === null, `the forwarder ended: ${forwarder.#child.exitCode}`);
      const probe = connect(http);
      await once(probe, 'connect').finally(() => probe.destroy());
    });
    return forwarder;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const ended = once(this.#child, 'exit');
      this.#child.kill('SIGKILL');
      await ended;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
