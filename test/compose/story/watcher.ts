/** A sniffer at the outside: every frame on the test network's bridge that none of its own containers sent. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { docker } from '../../network/docker.ts';
import { ADDRESSES, type Role } from '../../network/layout.ts';

export const WORKSTATION_IMAGE = 'allium-test-workstation';
const NAME = 'allium-test-watcher';
const BRIDGE = 'allium-world';
/** Frames kept for the reader; all are counted. */
const SHOWN = 10;
/** ms: tcpdump opens its socket, a frame comes through its pipe. */
const SIGHT_MS = 10_000;
/** Discard, RFC 863: nobody in the test network listens there. */
const NOBODY = { host: ADDRESSES.site, port: 9 } as const;

export interface Verdict {
  /** TCP to a relay of the test network, and the ARP questions for it */
  readonly relay: number;
  readonly foreign: number;
  /** the first of them, as tcpdump prints them */
  readonly shown: readonly string[];
  /** frames that came too fast to be looked at: above 0 the verdict is worth nothing */
  readonly missed: number;
}

const RELAYS: readonly string[] = Object.entries(ADDRESSES)
  .filter(([role]) => /^tor-(authority|exit)/.test(role satisfies string as Role))
  .map(([, address]) => address);

/** What may leave, as tcpdump -e -n -q prints it. Whatever it prints in another way is foreign. */
export function isToRelay(line: string): boolean {
  const [, to] = TCP.exec(line) ?? ASKS.exec(line) ?? [];
  return to === undefined ? ANSWERS.test(line) : RELAYS.includes(to);
}
const MACS = '^[\\da-f:]{17} > [\\da-f:]{17}, ';
const TCP = new RegExp(`${MACS}IPv4, length \\d+: [\\d.]+ > ([\\d.]+)\\.(?:9001|9030): tcp \\d+$`);
const ASKS = new RegExp(`${MACS}ARP, length \\d+: Request who-has ([\\d.]+) tell [\\d.]+, length \\d+$`);
/** To one host: an answer to everybody is an announcement, and nobody asked for that. */
const ANSWERS = new RegExp(
  `${MACS.replace('> ', '> (?!ff:)')}ARP, length \\d+: Reply [\\d.]+ is-at [\\da-f:]{17}, length \\d+$`,
);

export class Watcher {
  readonly #child: ChildProcess;
  #relay = 0;
  #foreign = 0;
  #shown: string[] = [];
  #errors = '';
  #ending = false;

  private constructor(child: ChildProcess) {
    this.#child = child;
    if (child.stdout !== null) createInterface({ input: child.stdout }).on('line', (line) => this.#see(line));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#errors = (this.#errors + text).slice(-4000);
    });
  }

  /** Resolves once it has been seen to see: a frame that is not Tor's, sent for the purpose. */
  static async start(): Promise<Watcher> {
    await docker('rm', '--force', NAME).catch(() => undefined);
    const own = (await ownHardware()).map((mac) => `ether src ${mac}`).join(' or ');
    const options = [
      '--rm',
      '--name',
      NAME,
      '--network',
      'host',
      '--cap-drop',
      'ALL',
      '--cap-add',
      'NET_RAW',
    ];
    const capture = ['-i', BRIDGE, '-n', '-e', '-q', '-t', '-l', '-s', '128', '-B', '8192', '-Z', 'root'];
    const child = spawn(
      'docker',
      ['run', ...options, '--entrypoint', 'tcpdump', WORKSTATION_IMAGE, ...capture, `not (${own})`],
      { stdio: ['ignore', 'pipe', 'pipe'], detached: true },
    );
    const watcher = new Watcher(child);
    await watcher.#proveSight();
    return watcher;
  }

  /** Ends the watch. */
  async verdict(): Promise<Verdict> {
    const closed = once(this.#child, 'close');
    this.#ending = true;
    await docker('kill', '--signal', 'INT', NAME);
    await closed;
    const missed = /(\d+) packets dropped by kernel/.exec(this.#errors)?.[1];
    if (missed === undefined) throw new Error(`the sniffer did not end well: ${this.#errors.trim()}`);
    return { relay: this.#relay, foreign: this.#foreign, shown: this.#shown, missed: Number(missed) };
  }

  static async remove(): Promise<void> {
    await docker('rm', '--force', NAME).catch(() => undefined);
  }

  #see(line: string): void {
    // It ends an interrupted line with a newline, also one that it had not begun.
    if (this.#ending && line === '') return;
    if (isToRelay(line)) {
      this.#relay++;
      return;
    }
    this.#foreign++;
    if (this.#shown.length < SHOWN) this.#shown.push(line);
  }

  async #proveSight(): Promise<void> {
    const end = Date.now() + SIGHT_MS;
    const probe = `echo leak >/dev/udp/${NOBODY.host}/${NOBODY.port}`;
    while (!this.#shown.some((line) => line.includes(`> ${NOBODY.host}.${NOBODY.port}: UDP`))) {
      if (Date.now() > end || this.#child.exitCode !== null)
        throw new Error(`the sniffer is blind, so it cannot tell a leak: ${this.#errors.trim()}`);
      await docker(
        'run',
        '--rm',
        '--network',
        'allium-test_world',
        '--entrypoint',
        'bash',
        WORKSTATION_IMAGE,
        '-c',
        probe,
      );
      await sleep(200);
    }
    this.#relay = 0;
    this.#foreign = 0;
    this.#shown = [];
  }
}

/** Hardware addresses of the test network's containers. */
async function ownHardware(): Promise<string[]> {
  const ids = (await docker('ps', '--quiet', '--filter', 'label=allium.test=1')).split(/\s+/).filter(Boolean);
  const format = '{{range .NetworkSettings.Networks}}{{.MacAddress}} {{end}}';
  return (await docker('inspect', '--format', format, ...ids)).split(/\s+/).filter(Boolean);
}
