import type { Share } from '@allium/common/core/shared-limit.ts';
import { AckTimer } from './ack.ts';
import { MAX_PAYLOAD, RECEIVE_WINDOW, ReceiveBuffer, type Received } from './receive-buffer.ts';

/** Bytes delivered and not consumed at which the peer is told to stop. */
export const CHOKE_AT = 512 * 1_024;
/** Bytes at which it is told to go on. */
export const UNCHOKE_AT = 256 * 1_024;
/** Bytes of one stream that we hold at most: what was in flight when we said stop (512 packets) has to fit. */
export const RECEIVE_LIMIT = CHOKE_AT + 1_048_576;
/** ms; anything above 60,000 is a choke. Not 61,000: that is how i2pd recognises Java and narrows its window for good. */
const CHOKE_DELAY = 60_001;
/** ms; any value up to 60,000 unchokes. */
const UNCHOKE_DELAY = 200;
/** Unchokes that are sent, as each may be lost (Streaming API: "several packets"). */
const UNCHOKE_REPEATS = 4;
/** Packets in order after which the peer has surely understood: all that was in flight when we said stop came before. */
const UNCHOKED_AFTER = RECEIVE_WINDOW;
/** ms between them, while no RTT is known, and at least. */
const UNCHOKE_SPACING = 300;

const NOTHING: readonly Received[] = [];

/** The receiving half of a stream: order, acknowledgements, and back pressure from the application. */
export class Receiver {
  readonly ack = new AckTimer();
  readonly #buffer: ReceiveBuffer;
  readonly #budget: Share;
  #unconsumed = 0;
  #choking = false;
  #unchokesLeft = 0;
  #unchokeAt = Number.POSITIVE_INFINITY;
  /** packets in order until our packets need not say unchoke any more */
  #unconfirmed = 0;
  /** duplicates since the last packet in order */
  #duplicates = 0;

  constructor(budget: Share) {
    this.#budget = budget;
    this.#buffer = new ReceiveBuffer(budget);
  }

  get closed(): boolean {
    return this.#buffer.closed;
  }

  get choking(): boolean {
    return this.#choking;
  }

  get duplicates(): number {
    return this.#duplicates;
  }

  /** Nothing received yet. */
  get fresh(): boolean {
    return this.#buffer.next === 0;
  }

  /** ms; when an ack is owed. */
  get due(): number {
    return Math.min(this.ack.due, this.#unchokeAt);
  }

  /** A packet with a sequence number; what it makes deliverable, in order. `rtt` in ms, if known. */
  receive(
    sequence: number,
    payload: Uint8Array,
    close: boolean,
    now: number,
    rtt: number | undefined,
  ): readonly Received[] {
    if (payload.length > MAX_PAYLOAD) return NOTHING;
    if (this.closed) {
      this.ack.duplicate(now);
      return NOTHING;
    }
    if (!this.#hasRoom(sequence, payload.length)) {
      this.#choke(now);
      return NOTHING;
    }
    const hadGap = this.#buffer.hasGap;
    const { status, ready } = this.#buffer.receive(sequence, payload, close);
    switch (status) {
      case 'next':
        this.#duplicates = 0;
        this.#unconfirmed = Math.max(0, this.#unconfirmed - ready.length);
        this.#deliver(ready);
        this.ack.inOrder(now, rtt, hadGap);
        break;
      case 'held':
        this.ack.gap(now, rtt, !hadGap);
        break;
      case 'duplicate':
        this.#duplicates++;
        this.ack.duplicate(now);
        break;
      case 'refused':
        this.ack.duplicate(now);
        break;
    }
    if (this.#unconsumed >= CHOKE_AT) this.#choke(now);
    // Choked for want of common room, which there is again.
    else if (status === 'next') this.#unchoke(now);
    return ready;
  }

  /** The application took `bytes` bytes. */
  consumed(bytes: number, now: number): void {
    const taken = Math.min(bytes, this.#unconsumed);
    this.#unconsumed -= taken;
    this.#budget.give(taken);
    this.#unchoke(now);
  }

  /** The ack fields for a packet that leaves now; undefined before anything was received. */
  fields(): { readonly ackThrough: number; readonly nacks: readonly number[] } | undefined {
    return this.#buffer.ack();
  }

  /** The delay option that a packet leaving now has to carry. */
  delay(): number | undefined {
    if (this.#choking) return CHOKE_DELAY;
    return this.#unconfirmed > 0 ? UNCHOKE_DELAY : undefined;
  }

  /** A packet with `fields` and `delay` left. `rtt` in ms, if known. */
  sent(now: number, rtt: number | undefined): void {
    this.ack.sent(now);
    if (this.#unchokesLeft === 0) return;
    this.#unchokesLeft--;
    this.#unchokeAt =
      this.#unchokesLeft === 0 ? Number.POSITIVE_INFINITY : now + Math.max(UNCHOKE_SPACING, rtt ?? 0);
  }

  /** Gives everything back to the budget. */
  clear(): void {
    this.#buffer.clear();
    this.#budget.give(this.#unconsumed);
    this.#unconsumed = 0;
  }

  #hasRoom(sequence: number, length: number): boolean {
    if (sequence < this.#buffer.next) return true;
    if (this.#unconsumed + this.#buffer.heldBytes + length > RECEIVE_LIMIT) return false;
    // A held packet takes its share in the buffer; one in order takes it here.
    return sequence !== this.#buffer.next || this.#budget.take(length);
  }

  #deliver(ready: readonly Received[]): void {
    for (const [index, { payload }] of ready.entries()) {
      // The held ones have just given back what they take here.
      if (index > 0) this.#budget.take(payload.length);
      this.#unconsumed += payload.length;
    }
  }

  #choke(now: number): void {
    this.#choking = true;
    this.#unchokesLeft = 0;
    this.#unchokeAt = Number.POSITIVE_INFINITY;
    this.ack.duplicate(now);
  }

  #unchoke(now: number): void {
    if (!this.#choking || this.#unconsumed > UNCHOKE_AT) return;
    this.#choking = false;
    this.#unchokesLeft = UNCHOKE_REPEATS;
    this.#unconfirmed = UNCHOKED_AFTER;
    this.#unchokeAt = now;
  }
}
