import type { KeyChain, TagChain, TagSetKeys } from './key-schedule.ts';
import { LAST_TAG_INDEX } from './limits.ts';

/** Tag, key and index (the nonce) of one outgoing message. */
export interface SendEntry {
  readonly index: number;
  readonly tag: Uint8Array;
  readonly key: Uint8Array;
}

/** The outgoing half of one direction's ratchet: nothing is stored ahead. */
export class SendTagSet {
  readonly id: number;
  readonly nextRootKey: Uint8Array;
  readonly #tags: TagChain;
  readonly #keys: KeyChain;
  #nextIndex = 0;

  constructor(id: number, keys: TagSetKeys) {
    this.id = id;
    this.nextRootKey = keys.nextRootKey;
    this.#tags = keys.tagChain;
    this.#keys = keys.keyChain;
  }

  /** Index that the next message will have; also how many were sent. */
  get nextIndex(): number {
    return this.#nextIndex;
  }

  get exhausted(): boolean {
    return this.#nextIndex > LAST_TAG_INDEX;
  }

  /** Undefined when the set is exhausted. */
  next(): SendEntry | undefined {
    if (this.exhausted) return undefined;
    return { index: this.#nextIndex++, tag: this.#tags.next(), key: this.#keys.next() };
  }

  /** A tag alone, for New Session Replies, which have keys of their own. */
  nextTag(): Uint8Array {
    this.#nextIndex++;
    return this.#tags.next();
  }
}
