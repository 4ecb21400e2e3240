import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { Framed } from '@allium/common/net/framed.ts';
import { type Carrier, type CarrierListener, lengthOf, writeJoined } from './carrier.ts';
import { readerOf, type SocketReader } from './socket-reader.ts';

/** A socket, or what behaves like one, as it is. */
export class PlainCarrier implements Carrier {
  readonly socket: Duplex;
  readonly #reader: SocketReader | undefined;
  #listeners: readonly (readonly [string, (...args: never[]) => void])[] = [];

  constructor(socket: Duplex) {
    this.socket = socket;
    this.#reader = readerOf(socket);
  }

  get writable(): boolean {
    return this.socket.writable;
  }

  /** Of other streams nobody knows what they still hold. */
  get flushed(): boolean {
    const { socket } = this;
    if (socket instanceof Framed) return socket.flushed;
    return socket instanceof Socket && socket.writableLength === 0;
  }

  listen(listener: CarrierListener): void {
    const { socket } = this;
    const onData = (chunk: Buffer): void => listener.bytesCame(chunk);
    if (this.#reader !== undefined) this.#reader.onBytes = onData;
    this.#listeners = [
      ['data', onData],
      ['end', () => listener.endCame('clean')],
      ['close', () => listener.endCame('broken')],
      ['drain', () => listener.roomCame()],
    ];
    socket.on('error', () => {});
    for (const [event, handler] of this.#listeners) socket.on(event, handler as () => void);
    // It may have been paused before it came here.
    socket.resume();
  }

  write(first: string, parts: readonly Buffer[]): boolean {
    const { socket } = this;
    const [only, second] = parts;
    if (only === undefined) return first === '' || socket.write(first, 'latin1');
    if (first === '' && second === undefined) return socket.write(only);
    return writeJoined(socket, { first, parts, bytes: lengthOf(first, parts) });
  }

  end(): void {
    if (this.socket.writable) this.socket.end();
  }

  recycle(): void {
    this.#reader?.recycle();
  }

  release(held: Buffer | undefined): Duplex {
    const { socket } = this;
    if (this.#reader !== undefined) this.#reader.onBytes = undefined;
    for (const [event, handler] of this.#listeners) socket.off(event, handler as () => void);
    socket.pause();
    if (held !== undefined) socket.unshift(held);
    return socket;
  }
}
