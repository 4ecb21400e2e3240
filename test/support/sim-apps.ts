import { createCipheriv, createHash } from 'node:crypto';
import type { DestinationId, StreamEvent } from '@allium/router/node/node-io.ts';
import type { StreamId } from '@allium/router/streaming/types.ts';
import type { DestHash } from '@allium/router/wire/hash.ts';
import type { SimRouter } from './sim-router.ts';

/** Bytes that an application writes at once. */
const CHUNK = 16 * 1024;
/** A request: what the site shall send, and how much follows from the client. */
const REQUEST_LENGTH = 8;

/** Bytes that only their own seed makes: what arrives shifted, doubled or mixed up has another hash. */
export function content(seed: number, length: number): Buffer {
  const key = createHash('sha256').update(`content ${seed}`).digest();
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(length));
}

export function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Writes as an application does: piece by piece, each in a turn of its own, and stops when blocked. */
class Writer {
  readonly #write: (bytes: Uint8Array) => void;
  readonly #done: () => void;
  readonly #later: (run: () => void) => void;
  #left: Buffer = Buffer.alloc(0);
  #blocked = false;
  #ended = false;

  constructor(router: SimRouter, destination: DestinationId, stream: StreamId) {
    this.#write = (bytes) => sendCommand(router, destination, { kind: 'write', stream, bytes });
    this.#done = () => sendCommand(router, destination, { kind: 'end', stream });
    this.#later = (run) => router.later(run);
  }

  /** The last there is to say. */
  end(bytes: Buffer): void {
    this.#left = bytes;
    this.#ended = true;
    this.#go();
  }

  on(event: StreamEvent): void {
    if (event.kind === 'blocked') this.#blocked = true;
    if (event.kind !== 'writable') return;
    this.#blocked = false;
    this.#go();
  }

  #go(): void {
    if (this.#blocked || !this.#ended) return;
    const piece = this.#left.subarray(0, CHUNK);
    this.#left = this.#left.subarray(piece.length);
    if (piece.length > 0) {
      this.#write(piece);
      return this.#later(() => this.#go());
    }
    this.#ended = false;
    this.#done();
  }
}

interface Visit {
  readonly writer: Writer;
  readonly received: Uint8Array[];
  size: number;
}

/** A server: reads a request and what is uploaded, answers with the bytes asked for. */
export class SimSite {
  readonly uploads: string[] = [];
  visits = 0;
  broken = 0;
  readonly #router: SimRouter;
  readonly #destination: DestinationId;
  readonly #open = new Map<StreamId, Visit>();

  constructor(router: SimRouter, destination: DestinationId) {
    this.#router = router;
    this.#destination = destination;
    router.handlers.set(destination, (event) => this.#on(event));
    this.#command({ kind: 'listen', port: 0 });
  }

  /** streams that are open */
  get open(): number {
    return this.#open.size;
  }

  #on(event: StreamEvent): void {
    const { stream } = event;
    if (event.kind === 'opened') {
      this.visits++;
      const writer = new Writer(this.#router, this.#destination, stream);
      this.#open.set(stream, { writer, received: [], size: 0 });
    }
    const visit = this.#open.get(stream);
    visit?.writer.on(event);
    if (event.kind === 'data' && visit) {
      visit.received.push(Uint8Array.from(event.bytes));
      visit.size += event.bytes.length;
      this.#command({ kind: 'consumed', stream, bytes: event.bytes.length });
      this.#answer(visit);
    }
    if (event.kind === 'reset') this.broken++;
    if (event.kind === 'closed' || event.kind === 'reset') this.#open.delete(stream);
  }

  #answer(visit: Visit): void {
    if (visit.size < REQUEST_LENGTH) return;
    const head = Buffer.concat(visit.received);
    const [seed, download, upload] = [head.readUInt8(0), head.readUIntBE(1, 4), head.readUIntBE(5, 3)];
    if (visit.size !== REQUEST_LENGTH + upload) return;
    if (upload > 0) this.uploads.push(digestOf(head.subarray(REQUEST_LENGTH)));
    visit.writer.end(content(seed, download));
  }

  #command(command: Parameters<typeof sendCommand>[2]): void {
    sendCommand(this.#router, this.#destination, command);
  }
}

export interface FetchOptions {
  readonly from: SimRouter;
  readonly destination: DestinationId;
  readonly to: DestHash;
  readonly download: number;
  readonly upload?: number;
  /** of the content; 0 to 255 */
  readonly seed?: number;
  /** whether received bytes are taken at once; `take` does it otherwise */
  readonly greedy?: boolean;
}

/** A client's request, and what became of it. */
export class SimFetch {
  readonly stream: StreamId;
  readonly expected: string;
  readonly startedAt: number;
  state: 'connecting' | 'open' | 'complete' | 'refused' | 'reset' = 'connecting';
  reason = '';
  openedAt = Number.NaN;
  endedAt = Number.NaN;
  received = 0;
  /** longest pause between two arrivals of data, ms */
  longestPause = 0;
  readonly #hash = createHash('sha256');
  readonly #router: SimRouter;
  #lastData = Number.NaN;

  constructor(options: FetchOptions) {
    const { from, destination, to, download, upload = 0, seed = 1 } = options;
    this.#router = from;
    this.expected = digestOf(content(seed, download));
    this.startedAt = from.now;
    this.stream = from.connect(destination, to, 80);
    const { stream } = this;
    const writer = new Writer(from, destination, stream);
    const others = from.handlers.get(destination);
    from.handlers.set(destination, (event) => {
      if (event.stream !== stream) return others?.(event);
      writer.on(event);
      this.#on(event);
      if (event.kind !== 'data') return;
      sendCommand(from, destination, { kind: 'consumed', stream, bytes: event.bytes.length });
    });
    from.settle();
    const request = Buffer.alloc(REQUEST_LENGTH);
    request.writeUInt8(seed, 0);
    request.writeUIntBE(download, 1, 4);
    request.writeUIntBE(upload, 5, 3);
    writer.end(Buffer.concat([request, content(seed, upload)]));
  }

  get over(): boolean {
    return this.state === 'complete' || this.state === 'refused' || this.state === 'reset';
  }

  get digest(): string {
    return this.#hash.copy().digest('hex');
  }

  /** ms from `connect` to the last byte */
  get took(): number {
    return this.endedAt - this.startedAt;
  }

  get intact(): boolean {
    return this.state === 'complete' && this.digest === this.expected;
  }

  #on(event: StreamEvent): void {
    const { now } = this.#router;
    if (event.kind === 'opened') {
      this.state = 'open';
      this.openedAt = now;
      this.#lastData = now;
    }
    if (event.kind === 'data') {
      this.#hash.update(event.bytes);
      this.received += event.bytes.length;
      this.longestPause = Math.max(this.longestPause, now - this.#lastData);
      this.#lastData = now;
    }
    if (event.kind === 'refused' || event.kind === 'reset') {
      this.state = event.kind;
      this.reason = event.reason;
      this.endedAt = now;
    }
    if (event.kind === 'end') {
      this.state = 'complete';
      this.endedAt = now;
    }
  }
}

function sendCommand(
  router: SimRouter,
  destination: DestinationId,
  command: Extract<Parameters<SimRouter['input']>[0], { kind: 'stream' }>['command'],
): void {
  router.input({ kind: 'stream', destination, command });
}
