import { connect, type Socket } from 'node:net';
import { relayList } from '../observe/relays.ts';

/** ms for one answer: Tor is on this machine. */
const TIMEOUT_MS = 3_000;
/** Characters of an answer: a consensus of 8,000 relays has some 2 million. */
const MAX_ANSWER = 8 * 1024 * 1024;
/** Tor heeds NEWNYM so often, ms; more is put off (its MAX_SIGNEWNYM_RATE). */
const NEWNYM_MS = 10_000;
/** Characters of the last line of an answer. */
const MAX_LAST_LINE = 1_024;

/** One connection to Tor's control socket, kept, for Tor logs every new one. One question at a time. */
export class TorControl {
  readonly #path: string;
  #socket: Socket | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  /** built into Tor: asked for once */
  #newnymAt = Number.NEGATIVE_INFINITY;
  #defaults: string | undefined;
  #known: { readonly key: string; readonly list: string } | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** How far Tor has come. Undefined when it does not answer. */
  async progress(): Promise<{ percent: number; summary: string } | undefined> {
    const reply = await this.#ask('GETINFO status/bootstrap-phase').catch(() => '');
    const percent = /PROGRESS=(\d{1,3})/.exec(reply)?.[1];
    if (percent === undefined) return undefined;
    return { percent: Number(percent), summary: /SUMMARY="([^"]{0,80})"/.exec(reply)?.[1] ?? '' };
  }

  /**
   * Every relay that Tor may want to reach, as the uplink's list. Made anew when Tor has another consensus.
   * Throws when Tor does not answer.
   */
  async relays(): Promise<string> {
    this.#defaults ??= await this.#ask('GETINFO config/defaults');
    const conf = await this.#ask('GETCONF UseBridges Bridge DirAuthority FallbackDir');
    const answer = await this.#ask('GETINFO consensus/valid-after');
    const validAfter = /valid-after=([-0-9: ]*)/.exec(answer)?.[1] ?? '';
    const key = `${validAfter}\n${conf}`;
    if (this.#known?.key !== key) {
      const ns = validAfter === '' ? '' : await this.#ask('GETINFO ns/all');
      this.#known = { key, list: relayList({ conf, defaults: this.#defaults, ns }) };
    }
    return this.#known.list;
  }

  /** New circuits for new connections, in so many ms. Throws when Tor does not take it. */
  async newCircuits(): Promise<number> {
    const reply = await this.#ask('SIGNAL NEWNYM');
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
      const reply = await this.#ask(`SETCONF DisableNetwork=${off}`);
      if (!reply.startsWith('250 ')) throw new RangeError('Tor refused');
    }
  }

  stop(): void {
    this.#socket?.destroy();
  }

  /** Throws when nobody answers in time; the next question opens a new connection. */
  #ask(command: string): Promise<string> {
    const answer = this.#turn.then(async () => {
      if (this.#socket === undefined || this.#socket.destroyed) {
        this.#socket = connect(this.#path);
        // Whoever waits is told; an error between two questions shows in `destroyed`.
        this.#socket.on('error', () => undefined);
        // Who reaches the socket is authenticated by that.
        await exchange(this.#socket, 'AUTHENTICATE');
      }
      return await exchange(this.#socket, command);
    });
    this.#turn = answer.catch(() => this.#socket?.destroy());
    return answer;
  }
}

/** Sends a line and returns the answer up to and with its last line, the one with a blank after the code. */
async function exchange(socket: Socket, command: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const timer = setTimeout(() => reject(new RangeError('Tor does not answer')), TIMEOUT_MS);
  let text = '';
  const onData = (part: Buffer): void => {
    text += part.toString('latin1');
    if (text.length > MAX_ANSWER) reject(new RangeError('answer too long'));
    else if (/(?:^|\r\n)\d{3} [^\r\n]*\r\n$/.test(text.slice(-MAX_LAST_LINE))) resolve(text);
  };
  const onError = (error: Error): void => reject(error);
  const onClose = (): void => reject(new RangeError('Tor closed the connection'));
  socket.on('data', onData).once('error', onError).once('close', onClose);
  socket.write(`${command}\r\n`);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    socket.off('data', onData).off('close', onClose);

    socket.off('error', onError);
  }
}
