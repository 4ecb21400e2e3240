import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import type { Duplex, Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { STRICT_PARSER } from './service-limits.ts';

/** Milliseconds for the service to close a connection that has served. */
const CLOSE_MS = 10_000;

export interface Outgoing {
  /** the connection to the service, with a listener for errors; this exchange owns and closes it */
  readonly stream: Duplex;
  readonly method: string;
  readonly path: string;
  /** raw and complete: nothing is added */
  readonly headers: readonly string[];
  /** absent when there is none */
  readonly body?: Readable;
  readonly idleMs: number;
  readonly signal: AbortSignal;
}

export type Answer =
  | { readonly kind: 'response'; readonly message: IncomingMessage }
  /** 101: from now on `stream` carries the other protocol; `head` are its first bytes */
  | { readonly kind: 'upgraded'; readonly message: IncomingMessage; readonly head: Buffer };

/**
 * One HTTP/1.1 request over a stream, parsed by node:http. `answer` waits for the head; `deliver` moves the body;
 * `close` ends everything and may be called at any time.
 */
export class ServiceExchange {
  readonly #outgoing: Outgoing;
  readonly #request: ClientRequest;
  readonly #idle = new AbortController();
  readonly #timer: NodeJS.Timeout;
  readonly #answer: Promise<Answer>;

  constructor(outgoing: Outgoing) {
    this.#outgoing = outgoing;
    const { stream, method, path, headers, body } = outgoing;
    this.#timer = setTimeout(() => this.#idle.abort(), outgoing.idleMs);
    this.#request = request({
      ...STRICT_PARSER,
      createConnection: () => stream,
      method,
      path,
      headers: [...headers],
      signal: AbortSignal.any([outgoing.signal, this.#idle.signal]),
    });
    // 0: every header line counts, the size of the head is the bound.
    this.#request.maxHeadersCount = 0;
    this.#answer = answerOf(this.#request);
    this.#answer.catch(() => {});
    if (body === undefined) {
      this.#request.end();
      return;
    }
    body.pipe(this.#request);
    body.on('data', () => this.#timer.refresh());
  }

  get stream(): Duplex {
    return this.#outgoing.stream;
  }

  /** True when nothing moved for too long. */
  get idled(): boolean {
    return this.#idle.signal.aborted;
  }

  /** Rejects when the stream ends first, on anything that is not HTTP, and when idle. */
  answer(): Promise<Answer> {
    return this.#answer;
  }

  /** Moves the body of a response; rejects, with `to` destroyed, when it is cut short. */
  async deliver(message: IncomingMessage, to: Writable): Promise<void> {
    const signal = AbortSignal.any([this.#outgoing.signal, this.#idle.signal]);
    gather(message, to);
    const moved = pipeline(message, to, { signal });
    message.on('data', () => this.#timer.refresh());
    await moved;
  }

  /** Ends the stream politely when all was said, else cuts it. */
  close(complete: boolean): void {
    clearTimeout(this.#timer);
    const { stream } = this.#outgoing;
    if (!complete) {
      stream.destroy();
      return;
    }
    // Destroying resets an I2P stream: a server that closes by itself gets the time for it.
    if (stream.writable) stream.end();
    stream.resume();
    const timer = setTimeout(() => stream.destroy(), CLOSE_MS);
    timer.unref();
    stream.once('close', () => clearTimeout(timer));
    if (stream.closed) clearTimeout(timer);
  }

  /** Stops watching: the stream is somebody else's now. */
  handOver(): void {
    clearTimeout(this.#timer);
  }
}

/** Writes all that comes in one turn of the event loop at once: a tunnel brings a page in pieces of 1.8 kB. */
function gather(message: IncomingMessage, to: Writable): void {
  let gathering = false;
  message.on('data', () => {
    if (gathering) return;
    gathering = true;
    to.cork();
    setImmediate(() => {
      gathering = false;
      to.uncork();
    });
  });
}

function answerOf(sent: ClientRequest): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  sent.once('response', (message) => resolve({ kind: 'response', message }));
  sent.once('upgrade', (message, _stream, head) => resolve({ kind: 'upgraded', message, head }));
  sent.on('error', reject);
  sent.once('close', () => reject(new Error('closed without an answer')));
  return promise;
}
