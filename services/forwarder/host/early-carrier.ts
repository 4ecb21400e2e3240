import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { SocksAsk } from '@allium/common/socks/asking.ts';
import { type Carrier, type CarrierListener, lengthOf, writeJoined } from './carrier.ts';
import { PlainCarrier } from './plain-carrier.ts';
import { SocksQuestion } from './socks-question.ts';

/** Bytes that wait for the handshake; then a body is not read on. */
const EARLY_MAX = 64 * 1024;

/**
 * A stream of a SOCKS 5 server, from the moment its connection is begun. What is written goes out right behind the
 * request, before the server has answered: Tor takes it with it, which saves a round trip through a circuit.
 */
export class EarlyCarrier implements Carrier {
  readonly socket: Socket;
  /** resolves when the stream is granted; rejects with `SocksFailure` */
  readonly granted: Promise<void>;
  readonly #plain: PlainCarrier;
  readonly #question: SocksQuestion;
  #listener: CarrierListener | undefined;
  #early: Buffer[] = [];
  #earlyBytes = 0;
  #ends = false;

  /** @param socket may be connecting still */
  constructor(socket: Socket, ask: SocksAsk) {
    this.socket = socket;
    this.#plain = new PlainCarrier(socket);
    this.#question = new SocksQuestion(ask);
    this.granted = this.#question.granted;
    socket.write(this.#question.start());
  }

  get writable(): boolean {
    return !this.#ends && this.socket.writable;
  }

  get flushed(): boolean {
    return this.#earlyBytes === 0 && this.#plain.flushed;
  }

  listen(listener: CarrierListener): void {
    this.#listener = listener;
    this.#plain.listen({
      bytesCame: (chunk) => this.#onBytes(chunk, listener),
      endCame: (how) => {
        if (this.#question.open) this.socket.destroy();
        this.#question.lost();
        listener.endCame(how);
      },
      roomCame: () => listener.roomCame(),
    });
  }

  write(first: string, parts: readonly Buffer[]): boolean {
    if (this.#question.said) return this.#plain.write(first, parts);
    this.#early.push(Buffer.from(first, 'latin1'), ...parts.map((part) => Buffer.from(part)));
    this.#earlyBytes += lengthOf(first, parts);
    return this.#earlyBytes < EARLY_MAX;
  }

  end(): void {
    this.#ends = true;
    if (this.#question.said) this.#plain.end();
  }

  recycle(): void {
    this.#plain.recycle();
  }

  release(held: Buffer | undefined): Duplex {
    return this.#plain.release(held);
  }

  #onBytes(chunk: Buffer, listener: CarrierListener): void {
    if (!this.#question.open) {
      listener.bytesCame(chunk);
      return;
    }
    const rest = this.#question.take(chunk, (bytes) => this.#say(bytes));
    if (rest !== undefined && rest.length > 0) listener.bytesCame(rest);
  }

  /** The last that there is to say takes with it what waits. */
  #say(front: Uint8Array): void {
    if (!this.#question.said) {
      this.socket.write(front);
      return;
    }
    const parts = this.#early.splice(0);
    const bytes = front.length + this.#earlyBytes;
    this.#earlyBytes = 0;
    writeJoined(this.socket, { front, first: '', parts, bytes });
    if (this.#ends) this.#plain.end();
    this.#listener?.roomCame();
  }
}
