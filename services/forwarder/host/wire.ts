import type { Duplex } from 'node:stream';
import type { Carrier, CarrierListener } from './carrier.ts';
import { PlainCarrier } from './plain-carrier.ts';

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
/** A stream that is read by one taker after the other, and that can be written to without asking whether it is there. */
export class Wire implements CarrierListener {
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
  readonly #carrier: Carrier;

  constructor(below: Duplex | { readonly carrier: Carrier }) {
    this.#carrier = 'carrier' in below ? below.carrier : new PlainCarrier(below);
    this.#carrier.listen(this);
  }

  /** What it goes over; not to be written to. */
  get socket(): Duplex {
    return this.#carrier.socket;
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

  /** Gives up the stream, paused, with what is held put back in front. */
  release(): Duplex {
    const held = this.#held.splice(0);
    return this.#carrier.release(held.length > 0 ? Buffer.concat(held) : undefined);
  }

  /** Whoever took the last bytes needs them no more. */
  recycle(): void {
    this.#carrier.recycle();
  }

  /** Whether all that was written is the kernel's. */
  get flushed(): boolean {
    return this.#carrier.flushed;
  }

  /** False when the caller should wait for `onDrain`. `first` is Latin-1 and goes in front of the parts. */
  write(first: string, parts: readonly Buffer[] = []): boolean {
    return !this.#carrier.writable || this.#carrier.write(first, parts);
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
    this.#carrier.end();
    if (this.#ended !== 'no' && this.socket.writableFinished) this.destroy();
  }

  /** The carrier's; so are the two below. */
  bytesCame(chunk: Buffer): void {
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

  endCame(how: 'clean' | 'broken'): void {
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

  roomCame(): void {
    this.moved = true;
    this.onDrain?.();
  }
}

const DISCARD: Taker = { take: () => undefined, end: () => {} };
