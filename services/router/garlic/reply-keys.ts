import { copyOf } from '@allium/common/bytes/compare.ts';
import { BoundedMap } from '@allium/common/core/bounded-map.ts';
import { openOneTime } from '../i2np/one-time-garlic.ts';
import { MAX_REPLY_KEYS, TAG_LENGTH } from './limits.ts';
import { tagKey } from './tag-table.ts';

interface ReplyKey {
  readonly tag: Uint8Array;
  readonly key: Uint8Array;
  readonly until: number;
  readonly query: number;
}

/**
 * Keys that we gave away for one answer each: netdb lookups and outbound tunnel builds
 * (ECIES Router Messages; the form is an Existing Session message with nonce 0).
 */
export class ReplyKeys {
  readonly #keys = new BoundedMap<number, ReplyKey>(MAX_REPLY_KEYS);

  get size(): number {
    return this.#keys.size;
  }

  /** `tag` 8 bytes, `key` 32 bytes; `until` in milliseconds; `query` comes back with the answer. */
  register(tag: Uint8Array, key: Uint8Array, until: number, query: number): void {
    if (tag.length !== TAG_LENGTH || key.length !== 32) throw new RangeError('reply key');
    this.#keys.set(tagKey(tag), { tag: copyOf(tag), key: copyOf(key), until, query });
  }

  knows(message: Uint8Array, now: number): boolean {
    const entry = this.#keys.get(tagKey(message));
    return entry !== undefined && now <= entry.until;
  }

  /** The payload and what it answers; the key is used up. Undefined, and the key stays, if it does not authenticate. */
  open(message: Uint8Array): { payload: Uint8Array; query: number } | undefined {
    const entry = this.#keys.get(tagKey(message));
    if (!entry) return undefined;
    const payload = openOneTime(entry, message);
    if (!payload) return undefined;
    this.#keys.delete(tagKey(message));
    return { payload, query: entry.query };
  }

  sweep(now: number): void {
    this.#keys.prune(({ until }) => now > until);
  }
}
