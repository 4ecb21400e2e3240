import { BoundedMap } from '@allium/common/core/bounded-map.ts';
import { REPLAY_LIFETIME, REPLAY_LIMIT } from './limits.ts';

/**
 * Ephemeral keys that a responder has seen. The skew check refuses older ones, so a key is remembered only
 * for `REPLAY_LIFETIME`; when `REPLAY_LIMIT` keys came within it, the oldest is forgotten.
 */
export class ReplayCache {
  /** X as latin1 text to the time it was seen, in milliseconds */
  readonly #seen = new BoundedMap<string, number>(REPLAY_LIMIT);

  get size(): number {
    return this.#seen.size;
  }

  /** Remembers the 32-byte key; false when it was there already. */
  add(ephemeral: Uint8Array, now: number): boolean {
    this.#forget(now);
    const key = Buffer.from(ephemeral).toString('latin1');
    if (this.#seen.has(key)) return false;
    this.#seen.set(key, now);
    return true;
  }

  /** Entries are in the order of their times, so the work stops at the first young one. */
  #forget(now: number): void {
    for (const [key, seen] of this.#seen.entries()) {
      if (now - seen < REPLAY_LIFETIME) return;
      this.#seen.delete(key);
    }
  }
}
