import type { KeyChain, TagChain, TagSetKeys } from './key-schedule.ts';
import {
  LAST_TAG_INDEX,
  MAX_TAG_CREDIT,
  TAG_CREDIT_PER_MESSAGE,
  TAGS_AHEAD_MAX,
  TAGS_AHEAD_MIN,
  TAGS_BEHIND,
} from './limits.ts';
import { type TagTable, tagKey } from './tag-table.ts';

/**
 * The incoming half of one direction's ratchet: a window of tags in the common table, and the keys of messages
 * that were overtaken. `O` is what the tags lead to.
 */
export class ReceiveTagSet<O> {
  readonly id: number;
  readonly owner: O;
  readonly nextRootKey: Uint8Array;
  /** when a replaced tag set goes; undefined while it is current */
  expiresAt: number | undefined;
  readonly #table: TagTable<ReceiveTagSet<O>>;
  readonly #tags: TagChain;
  readonly #keys: KeyChain;
  /** index → key in the table, for tags not yet used; ascending */
  readonly #live = new Map<number, number>();
  /** keys derived on the way to a later one; at most one for each live tag */
  readonly #skipped = new Map<number, Uint8Array>();
  #nextTag = 0;
  #nextKey = 0;
  #newest = -1;
  /** how far we look ahead before the first message */
  #base = TAGS_AHEAD_MIN;
  /** tags that may be generated now; see `MAX_TAG_CREDIT` */
  #credit = MAX_TAG_CREDIT;

  constructor(table: TagTable<ReceiveTagSet<O>>, owner: O, id: number, keys: TagSetKeys) {
    this.#table = table;
    this.owner = owner;
    this.id = id;
    this.nextRootKey = keys.nextRootKey;
    this.#tags = keys.tagChain;
    this.#keys = keys.keyChain;
  }

  /** Tags of this set in the table. */
  get size(): number {
    return this.#live.size;
  }

  /** How many tags were generated so far. */
  get generated(): number {
    return this.#nextTag;
  }

  /** Looks out for all tags below index `end`. */
  extend(end: number): void {
    for (const stop = Math.min(end, LAST_TAG_INDEX + 1); this.#nextTag < stop; this.#nextTag++) {
      const key = tagKey(this.#tags.next());
      this.#live.set(this.#nextTag, key);
      this.#table.add(key, this, this.#nextTag);
    }
  }

  /** The key of message `index`, whose tag is live. It stays available until `used`. */
  key(index: number): Uint8Array {
    for (; this.#nextKey <= index; this.#nextKey++) this.#skipped.set(this.#nextKey, this.#keys.next());
    const key = this.#skipped.get(index);
    if (!key) throw new RangeError(`message ${index} has no key any more`);
    return key;
  }

  /** Message `index` has been opened: its tag and key go, the window slides, what is too far behind goes. */
  used(index: number): void {
    this.#forget(index);
    this.#credit = Math.min(MAX_TAG_CREDIT, this.#credit + TAG_CREDIT_PER_MESSAGE);
    if (index <= this.#newest) return;
    this.#newest = index;
    this.#slide(index + 1 + this.#ahead);
    for (const live of this.#live.keys()) {
      if (live >= index - TAGS_BEHIND) break;
      this.#forget(live);
    }
  }

  /** The set that a DH ratchet puts in this one's place; it looks as far ahead from its start as this one does now. */
  successor(id: number, keys: TagSetKeys): ReceiveTagSet<O> {
    const set = new ReceiveTagSet(this.#table, this.owner, id, keys);
    set.#base = this.#ahead;
    set.#credit = this.#credit;
    set.extend(TAGS_AHEAD_MIN);
    set.#slide(set.#base);
    return set;
  }

  /** Takes one tag out and leaves the window alone (New Session Replies). */
  consume(index: number): void {
    this.#forget(index);
  }

  /** Takes all tags of this set out of the table. */
  close(): void {
    for (const key of this.#live.values()) this.#table.remove(key, this);
    this.#live.clear();
    this.#skipped.clear();
  }

  get #ahead(): number {
    return Math.min(TAGS_AHEAD_MAX, this.#base + (Math.max(0, this.#newest) >>> 1));
  }

  #slide(end: number): void {
    const count = Math.min(end - this.#nextTag, this.#credit);
    if (count <= 0) return;
    this.#credit -= count;
    this.extend(this.#nextTag + count);
  }

  #forget(index: number): void {
    const key = this.#live.get(index);
    if (key !== undefined) this.#table.remove(key, this);
    this.#live.delete(index);
    this.#skipped.delete(index);
  }
}
