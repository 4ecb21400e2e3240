import type { Duplex } from 'node:stream';
import { readerOf, type SocketReader } from './socket-reader.ts';

/** Takes bytes off a wire until it has what it wants. */
export interface Taker {
  /** Takes what is its own. Returns the rest, perhaps empty, when it wants no more; undefined while it does. */
  take(chunk: Buffer): Buffer | undefined;
  /** No more bytes will come; `clean` when the other side said so, not when the connection broke. */
  end(clean: boolean): void;
}

/** Bytes and pieces that are held for whoever takes next; over either the socket is not read. */
const HELD_BYTES_MAX = 64 * 1024;
const HELD_PIECES_MAX = 64;
/** Bytes up to which the parts of one write are copied into one: cheaper than a vector of them. */
const COPY_MAX = 16 * 1024;

/** A socket, or what behaves like one, that is read by one taker after the other, and that can be written to without asking whether it is there. */
export class Wire {
  readonly socket: Duplex;
  /** set by every byte that comes or is taken by the kernel after a wait; whoever watches sets it back */
  moved = true;
  /** the other side ended while nobody was taking, or the connection is gone */
  onGone: (() => void) | undefined;
  /** there is room for writing again */
  onDrain: (() => void) | undefined;
  #taker: Taker | undefined;
  #held: Buffer[] = [];
  #heldBytes = 0;
  #ended: 'no' | 'clean' | 'broken' = 'no';
  readonly #reader: SocketReader | undefined;
  readonly #listeners: readonly (readonly [string, (...args: never[]) => void])[];

  constructor(socket: Duplex) {
    this.socket = socket;
    this.#reader = readerOf(socket);
    const onData = (chunk: Buffer): void => this.#onData(chunk);
    if (this.#reader !== undefined) this.#reader.onBytes = onData;
    this.#listeners = [
      ['data', onData],
      ['end', () => this.#onEnd('clean')],
      ['close', () => this.#onEnd('broken')],
      ['drain', () => this.#onDrain()],
    ];
    socket.on('error', () => {});
    for (const [event, listener] of this.#listeners) socket.on(event, listener as () => void);
    // It may have been paused before it came here.
    socket.resume();
  }

  get gone(): boolean {
    return this.#ended !== 'no' || this.socket.destroyed;
  }

  /** Whether more has come than the line end that some clients put behind a body. */
  get holds(): boolean {
    if (this.#heldBytes > 2) return true;
    return this.#held.some((piece) => piece.some((byte) => byte !== 0x0d && byte !== 0x0a));
  }

  /** Whether anything at all has come that nobody has taken. */
  get holdsAny(): boolean {
    return this.#heldBytes > 0;
  }

  /** Hands over everything that comes from now on, what is held first. */
  attach(taker: Taker): void {
    this.#taker = taker;
    while (this.#taker === taker) {
      const piece = this.#held.shift();
      if (piece === undefined) break;
      this.#heldBytes -= piece.length;
      this.#give(taker, piece);
    }
    if (this.#taker !== taker) return;
    if (this.#ended !== 'no') this.#finishTaker();
    else if (this.socket.isPaused()) this.socket.resume();
  }

  /** Nobody takes any more: what comes is held. */
  detach(): void {
    this.#taker = undefined;
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  /** Gives up the socket, paused, with what is held put back in front. */
  release(): Duplex {
    const { socket } = this;
    if (this.#reader !== undefined) this.#reader.onBytes = undefined;
    for (const [event, listener] of this.#listeners) socket.off(event, listener as () => void);
    socket.pause();
    const held = this.#held.splice(0);
    if (held.length > 0) socket.unshift(Buffer.concat(held));
    return socket;
  }

  /** Whoever took the last bytes needs them no more. */
  recycle(): void {
    this.#reader?.recycle();
  }

  /** Whether all that was written is the kernel's. */
  get flushed(): boolean {
    return this.socket.writableLength === 0;
  }

  /** False when the caller should wait for `onDrain`. `first` is Latin-1 and goes in front of the parts. */
  write(first: string, parts: readonly Buffer[] = []): boolean {
    const { socket } = this;
    if (!socket.writable) return true;
    if (parts.length === 0) return first === '' || socket.write(first, 'latin1');
    const [only] = parts;
    if (first === '' && parts.length === 1 && only !== undefined) return socket.write(only);
    let bytes = first.length;
    for (const part of parts) bytes += part.length;
    if (bytes <= COPY_MAX) return socket.write(joined(first, parts, bytes));
    socket.cork();
    let room = first === '' || socket.write(first, 'latin1');
    for (const part of parts) room = socket.write(part);
    socket.uncork();
    return room;
  }

  destroy(): void {
    this.socket.destroy();
  }

  /** Ends our side; what is still sent is read away, or the last answer would be lost in a reset. */
  finish(): void {
    this.onGone = undefined;
    this.onDrain = undefined;
    this.#taker = undefined;
    this.attach(DISCARD);
    if (this.socket.writable) this.socket.end();
    if (this.#ended !== 'no' && this.socket.writableFinished) this.destroy();
  }

  #onData(chunk: Buffer): void {
    this.moved = true;
    if (this.#taker === undefined) this.#hold(chunk);
    else this.#give(this.#taker, chunk);
  }

  #give(taker: Taker, chunk: Buffer): void {
    const rest = taker.take(chunk);
    if (rest === undefined) return;
    if (this.#taker === taker) this.#taker = undefined;
    if (rest.length > 0) {
      this.#held.unshift(rest);
      this.#heldBytes += rest.length;
    }
  }

  #hold(chunk: Buffer): void {
    this.#held.push(chunk);
    this.#heldBytes += chunk.length;
    if (this.#held.length > HELD_PIECES_MAX) this.#held = [Buffer.concat(this.#held)];
    if (this.#heldBytes >= HELD_BYTES_MAX) this.socket.pause();
  }

  #onEnd(how: 'clean' | 'broken'): void {
    if (this.#ended === 'no') this.#ended = how;
    else if (how === 'clean') return;
    if (this.#taker !== undefined) this.#finishTaker();
    else this.onGone?.();
  }

  #finishTaker(): void {
    const taker = this.#taker;
    this.#taker = undefined;
    taker?.end(this.#ended === 'clean');
  }

  #onDrain(): void {
    this.moved = true;
    this.onDrain?.();
  }
}

const DISCARD: Taker = { take: () => undefined, end: () => {} };

function joined(first: string, parts: readonly Buffer[], bytes: number): Buffer {
  const out = Buffer.allocUnsafe(bytes);
  let at = out.write(first, 'latin1');
  for (const part of parts) at += part.copy(out, at);
  return out;
}
