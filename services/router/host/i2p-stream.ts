import { Duplex } from 'node:stream';
import { GatewayError } from '@allium/common/bytes/errors.ts';
import { exhaustive } from '@allium/common/core/exhaustive.ts';
import type { StreamCommand, StreamEvent } from '../node/node-io.ts';
import type { StreamId } from '../streaming/types.ts';
import type { Destination } from '../wire/destination.ts';
import type { DestHash } from '../wire/hash.ts';

export type StreamFailureFacts = { readonly code: 'reset' | 'stopped'; readonly reason: string };
export class StreamFailure extends GatewayError<StreamFailureFacts> {}

/** Bytes held for a reader that is slow; the peer's window is opened again only as they are taken. */
const READ_AHEAD = 256 * 1024;

/** An I2P stream as a Duplex: backpressure both ways, half-close, destroy resets. */
export class I2pStream extends Duplex {
  readonly id: StreamId;
  readonly remote: DestHash;
  /** the whole Destination of whoever opened an incoming stream */
  readonly destination: Destination | undefined;
  readonly #command: (command: StreamCommand) => void;
  #alive = true;
  #blocked = false;
  #resume: (() => void) | undefined;
  #unread = 0;

  constructor(
    peer: {
      readonly stream: StreamId;
      readonly remote: DestHash;
      readonly destination: Destination | undefined;
    },
    command: (command: StreamCommand) => void,
  ) {
    super({ readableHighWaterMark: READ_AHEAD, allowHalfOpen: true });
    this.id = peer.stream;
    this.remote = peer.remote;
    this.destination = peer.destination;
    this.#command = command;
  }

  /** What the node says of this stream; `opened` and `refused` are the dialer's. */
  receive(event: StreamEvent): void {
    switch (event.kind) {
      case 'data':
        return this.#receiveData(event.bytes);
      case 'end':
        this.push(null);
        return;
      case 'blocked':
        this.#blocked = true;
        return;
      case 'writable':
        return this.#writable();
      case 'closed':
        this.#alive = false;
        this.push(null);
        return this.#writable();
      case 'reset':
      case 'refused':
        return this.fail('reset', event.reason);
      case 'opened':
        return;
      default:
        return exhaustive(event);
    }
  }

  /** Ends the stream from our side of the world: the node forgot it. */
  fail(code: StreamFailureFacts['code'], reason: string): void {
    this.#alive = false;
    this.destroy(new StreamFailure({ code, reason }));
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (!this.#alive) return done(new StreamFailure({ code: 'reset', reason: 'closed' }));
    this.#command({ kind: 'write', stream: this.id, bytes: chunk });
    if (this.#blocked) this.#resume = done;
    else done();
  }

  override _final(done: (error?: Error | null) => void): void {
    if (this.#alive) this.#command({ kind: 'end', stream: this.id });
    done();
  }

  override _read(): void {
    const bytes = this.#unread;
    if (bytes === 0 || !this.#alive) return;
    this.#unread = 0;
    this.#command({ kind: 'consumed', stream: this.id, bytes });
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (this.#alive) {
      this.#alive = false;
      this.#command({ kind: 'reset', stream: this.id });
    }
    this.#writable();
    done(error);
  }

  #receiveData(bytes: Uint8Array): void {
    this.#unread += bytes.length;
    const wantsMore = this.push(bytes);
    if (wantsMore) this._read();
  }

  #writable(): void {
    this.#blocked = false;
    const resume = this.#resume;
    this.#resume = undefined;
    resume?.();
  }
}
