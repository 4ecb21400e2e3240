import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { FrameReader, frameHead } from '@allium/common/bytes/frames.ts';
import { Framed } from '@allium/common/net/framed.ts';
import type { SocksAsk } from '@allium/common/socks/asking.ts';
import { type Carrier, type CarrierListener, lengthOf, writeJoined } from './carrier.ts';
import { connectReading, readerOf, type SocketReader } from './socket-reader.ts';
import { SocksQuestion } from './socks-question.ts';

/**
 * A stream of the router's, from the moment it is asked for: does without a Duplex of its own what `Framed` does with
 * one, which for a page of 1 kB cost as much as all its rules. What is written before the router is reached goes out in
 * one piece behind the question.
 */
export class FramedCarrier implements Carrier {
  readonly socket: Socket;
  /** resolves when the stream is granted; rejects with `SocksFailure` */
  readonly granted: Promise<void>;
  readonly #reader: SocketReader | undefined;
  readonly #question: SocksQuestion;
  readonly #frames = new FrameReader();
  #listener: CarrierListener | undefined;
  /** the question as it is sent, until the first bytes take it with them */
  #first: Uint8Array | undefined;
  /** pieces of one read that were given on, and that are needed no more */
  #given = 0;
  #done = 0;
  #ended = false;

  /** @param ask says all at once */
  constructor(path: string, ask: SocksAsk) {
    this.#question = new SocksQuestion(ask);
    this.#first = this.#question.start();
    this.granted = this.#question.granted;
    this.socket = connectReading({ path, allowHalfOpen: true });
    this.#reader = readerOf(this.socket);
    this.socket.cork();
    this.socket.once('connect', this.#onConnect).on('error', () => {});
  }

  get writable(): boolean {
    return !this.#ended && this.socket.writable;
  }

  get flushed(): boolean {
    return this.socket.writableLength === 0;
  }

  listen(listener: CarrierListener): void {
    this.#listener = listener;
    if (this.#reader !== undefined) this.#reader.onBytes = (chunk) => this.#onBytes(chunk);
    this.socket.on('end', this.#onGone).on('close', this.#onGone).on('drain', this.#onDrain);
    this.socket.resume();
  }

  write(first: string, parts: readonly Buffer[]): boolean {
    const length = lengthOf(first, parts);
    // A frame without bytes would be the end.
    if (length === 0) return true;
    return this.#send(length, first, parts);
  }

  end(): void {
    if (!this.writable) return;
    this.#send(0, '', []);
    this.#ended = true;
    this.#closeIfOver();
  }

  recycle(): void {
    this.#done++;
  }

  release(held: Buffer | undefined): Duplex {
    const { socket } = this;
    this.#listener = undefined;
    if (this.#reader !== undefined) this.#reader.onBytes = undefined;
    socket.off('end', this.#onGone).off('close', this.#onGone).off('drain', this.#onDrain);
    const framed = new Framed(socket, this.#frames);
    if (held !== undefined) framed.unshift(held);
    return framed.start();
  }

  /** One frame, behind the question where that has not gone yet. */
  #send(length: number, first: string, parts: readonly Buffer[]): boolean {
    const question = this.#first;
    this.#first = undefined;
    const head = frameHead(length);
    const front = question === undefined ? head : Buffer.concat([question, head]);
    return writeJoined(this.socket, { front, first, parts, bytes: front.length + length });
  }

  readonly #onConnect = (): void => {
    if (this.#first !== undefined) this.socket.write(this.#first);
    this.#first = undefined;
    this.socket.uncork();
  };

  #onBytes(chunk: Buffer): void {
    // Everything was said with the question.
    const bytes = this.#question.open ? this.#question.take(chunk, () => {}) : chunk;
    if (bytes !== undefined && bytes.length > 0) this.#takeFrames(bytes);
  }

  #takeFrames(chunk: Buffer): void {
    this.#given = 0;
    this.#done = 0;
    for (const part of this.#frames.push(chunk)) {
      this.#given++;
      this.#listener?.bytesCame(part);
    }
    // The buffer is free when all of its pieces are.
    if (this.#done === this.#given) this.#reader?.recycle();
    if (!this.#frames.ended) return;
    this.#listener?.endCame('clean');
    this.#closeIfOver();
  }

  /** Both sides have ended: nothing is left to say but that. */
  #closeIfOver(): void {
    if (!this.#ended || !this.#frames.ended) return;
    if (this.flushed) this.socket.destroy();
    else this.socket.end(() => this.socket.destroy());
  }

  readonly #onDrain = (): void => this.#listener?.roomCame();
  /** A socket that ends where the stream has not is a reset. */
  readonly #onGone = (): void => {
    this.#question.lost();
    if (!this.#frames.ended) this.socket.destroy();
    this.#listener?.endCame('broken');
  };
}
