import { BoundedMap } from '@allium/common/core/bounded-map.ts';
import { type Fragment, readFragments } from './fragment.ts';
import type { Delivery } from './tunnel-io.ts';

/** Incomplete messages per tunnel: at full speed a reordering window of several hundred kilobytes. */
export const MAX_INCOMPLETE = 64;
/** Bytes held in incomplete messages per tunnel; four of the largest messages. */
export const MAX_HELD_BYTES = 256 * 1024;
/** Milliseconds after which an incomplete message is given up; a sender behind Tor may need several seconds. */
export const REASSEMBLY_TIMEOUT = 30_000;

/** A whole I2NP message with the 16-byte header, in memory of its own. */
export interface Delivered {
  readonly delivery: Delivery;
  readonly bytes: Uint8Array;
}

interface Incomplete {
  readonly since: number;
  readonly parts: (Uint8Array | undefined)[];
  delivery: Delivery | undefined;
  /** number of the last fragment, once it is known */
  last: number | undefined;
  count: number;
  bytes: number;
}

/** Puts messages together again from the decrypted tunnel messages of one tunnel, in any order. */
export class TunnelEndpoint {
  readonly #incomplete = new BoundedMap<number, Incomplete>(MAX_INCOMPLETE, (_, set) => this.#forget(set));
  #held = 0;
  #lost = 0;

  /** messages given up so far: fragments missing, contradicting each other, or over the bounds */
  get lost(): number {
    return this.#lost;
  }

  /** bytes held in incomplete messages */
  get held(): number {
    return this.#held;
  }

  /** Takes a decrypted tunnel message of 1028 bytes; throws `DecodeError` when it is garbled. */
  accept(message: Buffer, now: number): Delivered[] {
    const out: Delivered[] = [];
    const fragments = readFragments(message);
    if (this.#incomplete.size > 0) this.expire(now);
    for (const fragment of fragments) {
      if (fragment.kind === 'first' && fragment.messageId === undefined) {
        out.push({ delivery: fragment.delivery, bytes: Buffer.from(fragment.body) });
        continue;
      }
      const done = this.#add(fragment, now);
      if (done) out.push(done);
    }
    return out;
  }

  /** Gives up what waits for longer than `REASSEMBLY_TIMEOUT`. */
  expire(now: number): void {
    for (const [id, set] of this.#incomplete.entries()) {
      if (now - set.since < REASSEMBLY_TIMEOUT) return;
      this.#drop(id, set);
    }
  }

  #add(fragment: Fragment, now: number): Delivered | undefined {
    const id = fragment.messageId as number;
    const set = this.#incomplete.get(id) ?? this.#begin(id, now);
    const number = fragment.kind === 'first' ? 0 : fragment.number;
    if (set.parts[number]) return undefined;
    if (contradicts(set, fragment, number)) {
      this.#drop(id, set);
      return undefined;
    }
    if (fragment.kind === 'first') set.delivery = fragment.delivery;
    else if (fragment.last) set.last = number;
    set.parts[number] = Buffer.from(fragment.body);
    set.count++;
    set.bytes += fragment.body.length;
    this.#held += fragment.body.length;
    if (set.last !== undefined && set.delivery && set.count === set.last + 1) return this.#finish(id, set);
    this.#makeRoom();
    return undefined;
  }

  #begin(id: number, now: number): Incomplete {
    const set: Incomplete = {
      since: now,
      parts: [],
      delivery: undefined,
      last: undefined,
      count: 0,
      bytes: 0,
    };
    this.#incomplete.set(id, set);
    return set;
  }

  #finish(id: number, set: Incomplete): Delivered {
    this.#incomplete.delete(id);
    this.#held -= set.bytes;
    const bytes = Buffer.allocUnsafe(set.bytes);
    let at = 0;
    for (const part of set.parts) {
      if (!part) break;
      bytes.set(part, at);
      at += part.length;
    }
    return { delivery: set.delivery as Delivery, bytes };
  }

  /** The oldest goes first: the others have the better chance to be completed. */
  #makeRoom(): void {
    while (this.#held > MAX_HELD_BYTES) {
      const oldest = this.#incomplete.entries().next();
      if (oldest.done) return;
      this.#drop(oldest.value[0], oldest.value[1]);
    }
  }

  #drop(id: number, set: Incomplete): void {
    this.#incomplete.delete(id);
    this.#forget(set);
  }

  #forget(set: Incomplete): void {
    this.#held -= set.bytes;
    this.#lost++;
  }
}

/** A fragment behind the last one, or a second last one: the set can never be what was sent. */
function contradicts(set: Incomplete, fragment: Fragment, number: number): boolean {
  if (set.last !== undefined && number > set.last) return true;
  if (fragment.kind === 'first' || !fragment.last) return false;
  return set.last !== undefined || set.parts.findLastIndex((part) => part !== undefined) > number;
}
