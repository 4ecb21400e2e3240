import { copyOf } from '@allium/common/bytes/compare.ts';
import type { Share } from '@allium/common/core/shared-limit.ts';
import { MAX_NACKS } from './packet.ts';

/** Packets past the next expected one that we keep: i2pd's largest window and some air. */
export const RECEIVE_WINDOW = 640;
/** Bytes of payload in one packet; i2pd's buffer. We ask for less (MAX_PACKET_SIZE), a SYN may ignore that. */
export const MAX_PAYLOAD = 4_096;

export interface Received {
  readonly payload: Uint8Array;
  /** the packet carried CLOSE: nothing follows it */
  readonly close: boolean;
}

export type ReceiveStatus =
  /** the next in line, perhaps with held ones behind it */
  | 'next'
  /** kept until the gap before it is filled */
  | 'held'
  | 'duplicate'
  /** no room, or impossible */
  | 'refused';

const NOTHING: readonly Received[] = [];

/** Puts packets into order. Packets ahead of a gap are copied and kept within bounds. */
export class ReceiveBuffer {
  readonly #budget: Share;
  readonly #held = new Map<number, Received>();
  #heldBytes = 0;
  #next = 0;
  #highest = -1;
  #closed = false;

  constructor(budget: Share) {
    this.#budget = budget;
  }

  /** The sequence number that has to come next. */
  get next(): number {
    return this.#next;
  }

  /** Bytes kept out of order. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  get hasGap(): boolean {
    return this.#held.size > 0;
  }

  /** CLOSE was reached. */
  get closed(): boolean {
    return this.#closed;
  }

  /** `ready`: what can be delivered now, in order; the first is the given view itself. */
  receive(
    sequence: number,
    payload: Uint8Array,
    close: boolean,
  ): { readonly status: ReceiveStatus; readonly ready: readonly Received[] } {
    if (sequence < this.#next || this.#held.has(sequence)) return { status: 'duplicate', ready: NOTHING };
    if (this.#closed || sequence - this.#next >= RECEIVE_WINDOW) return { status: 'refused', ready: NOTHING };
    if (sequence > this.#next) {
      if (!this.#budget.take(payload.length)) return { status: 'refused', ready: NOTHING };
      this.#held.set(sequence, { payload: copyOf(payload), close });
      this.#heldBytes += payload.length;
      this.#highest = Math.max(this.#highest, sequence);
      return { status: 'held', ready: NOTHING };
    }
    const ready: Received[] = [{ payload, close }];
    this.#advance(close);
    this.#highest = Math.max(this.#highest, sequence);
    for (let held = this.#held.get(this.#next); held && !this.#closed; held = this.#held.get(this.#next)) {
      this.#held.delete(this.#next);
      this.#forget(held);
      ready.push(held);
      this.#advance(held.close);
    }
    if (this.#closed) this.#dropHeld();
    return { status: 'next', ready };
  }

  /** The ack fields for everything received so far; undefined while that is nothing. */
  ack(): { readonly ackThrough: number; readonly nacks: readonly number[] } | undefined {
    if (this.#next === 0 && this.#held.size === 0) return undefined;
    if (this.#held.size === 0) return { ackThrough: this.#next - 1, nacks: [] };
    const nacks: number[] = [];
    let through = this.#next - 1;
    for (let sequence = this.#next; sequence <= this.#highest; sequence++) {
      if (this.#held.has(sequence)) through = sequence;
      else if (nacks.length === MAX_NACKS) break;
      else nacks.push(sequence);
    }
    // NACKs above ackThrough would say nothing.
    while ((nacks.at(-1) ?? -1) > through) nacks.pop();
    return { ackThrough: through, nacks };
  }

  clear(): void {
    this.#dropHeld();
    this.#closed = true;
  }

  #advance(close: boolean): void {
    this.#next++;
    if (close) this.#closed = true;
  }

  #forget(held: Received): void {
    this.#heldBytes -= held.payload.length;
    this.#budget.give(held.payload.length);
  }

  #dropHeld(): void {
    for (const held of this.#held.values()) this.#forget(held);
    this.#held.clear();
    this.#highest = this.#next - 1;
  }
}
