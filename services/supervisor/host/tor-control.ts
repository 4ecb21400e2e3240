import { TorControlSocket } from '@allium/common/tor/control-socket.ts';
import { relayList } from '../observe/relays.ts';

/** Characters of an answer: a consensus of 8,000 relays has some 2 million. */
const MAX_ANSWER = 8 * 1024 * 1024;
/** Tor heeds NEWNYM so often, ms; more is put off (its MAX_SIGNEWNYM_RATE). */
const NEWNYM_MS = 10_000;

/** What the supervisor asks and tells Tor. */
export class TorControl {
  readonly #control: TorControlSocket;
  #newnymAt = Number.NEGATIVE_INFINITY;
  /** built into Tor: asked for once */
  #defaults: string | undefined;
  #known: { readonly key: string; readonly list: string } | undefined;

  constructor(path: string) {
    this.#control = new TorControlSocket(path, MAX_ANSWER);
  }

  /** How far Tor has come. Undefined when it does not answer. */
  async progress(): Promise<{ percent: number; summary: string } | undefined> {
    const reply = await this.#control.ask('GETINFO status/bootstrap-phase').catch(() => '');
    const percent = /PROGRESS=(\d{1,3})/.exec(reply)?.[1];
    if (percent === undefined) return undefined;
    return { percent: Number(percent), summary: /SUMMARY="([^"]{0,80})"/.exec(reply)?.[1] ?? '' };
  }

  /**
   * Every relay that Tor may want to reach, as the uplink's list. Made anew when Tor has another consensus.
   * Throws when Tor does not answer.
   */
  async relays(): Promise<string> {
    this.#defaults ??= await this.#control.ask('GETINFO config/defaults');
    const conf = await this.#control.ask('GETCONF UseBridges Bridge DirAuthority FallbackDir');
    const answer = await this.#control.ask('GETINFO consensus/valid-after');
    const validAfter = /valid-after=([-0-9: ]*)/.exec(answer)?.[1] ?? '';
    const key = `${validAfter}\n${conf}`;
    if (this.#known?.key !== key) {
      const ns = validAfter === '' ? '' : await this.#control.ask('GETINFO ns/all');
      this.#known = { key, list: relayList({ conf, defaults: this.#defaults, ns }) };
    }
    return this.#known.list;
  }

  /** New circuits for new connections, in so many ms. Throws when Tor does not take it. */
  async newCircuits(): Promise<number> {
    const reply = await this.#control.ask('SIGNAL NEWNYM');
    if (!reply.startsWith('250 ')) throw new RangeError('Tor refused');
    const now = performance.now();
    this.#newnymAt = Math.max(now, this.#newnymAt + NEWNYM_MS);
    return this.#newnymAt - now;
  }

  /**
   * Gives up every connection to relays and opens new ones: those from before the plug was out are dead, and neither Tor
   * nor the uplink would find out for minutes. Throws when Tor does not take it.
   */
  async reconnect(): Promise<void> {
    for (const off of [1, 0]) {
      const reply = await this.#control.ask(`SETCONF DisableNetwork=${off}`);
      if (!reply.startsWith('250 ')) throw new RangeError('Tor refused');
    }
  }

  stop(): void {
    this.#control.stop();
  }
}
