import { hkdf } from '../crypto/hash.ts';
import { TAG_LENGTH } from './limits.ts';

/*
 * The KDFs of ECIES Ratchet, section 4 "Ratchets" and "KDF for Reply TagSet". Labels are spelled here only.
 */

const EMPTY = new Uint8Array(0);
const KEY_LENGTH = 32;

/** What one tag set is made of; each 32 bytes. */
export interface TagSetKeys {
  /** root key for the tag set that follows this one in the same direction */
  readonly nextRootKey: Uint8Array;
  readonly tagChain: TagChain;
  readonly keyChain: KeyChain;
}

/** DH_INITIALIZE(rootKey, k), with the initialization of the session tag ratchet. */
export function initializeTagSet(rootKey: Uint8Array, k: Uint8Array): TagSetKeys {
  const [nextRootKey, chain] = halves(rootKey, k, 'KDFDHRatchetStep');
  const [tagKey, symmetricKey] = halves(chain, EMPTY, 'TagAndKeyGenKeys');
  return { nextRootKey, tagChain: new TagChain(tagKey), keyChain: new KeyChain(symmetricKey) };
}

/** The tags of New Session Replies, from the chaining key after the New Session. Their symmetric keys are unused. */
export function replyTagSet(chainKey: Uint8Array): TagSetKeys {
  return initializeTagSet(chainKey, hkdf(chainKey, EMPTY, 'SessionReplyTags', KEY_LENGTH));
}

/** The next tag set of a direction, after both ratchet keys are known. */
export function nextTagSet(rootKey: Uint8Array, sharedSecret: Uint8Array): TagSetKeys {
  return initializeTagSet(rootKey, hkdf(sharedSecret, EMPTY, 'XDHRatchetTagSet', KEY_LENGTH));
}

/** Key of the payload section of a New Session Reply, from the responder's half of the split. */
export function replyPayloadKey(responderKey: Uint8Array): Uint8Array {
  return hkdf(responderKey, EMPTY, 'AttachPayloadKDF', KEY_LENGTH);
}

/** The session tag ratchet of one tag set. */
export class TagChain {
  #chain: Uint8Array;
  readonly #constant: Uint8Array;

  constructor(tagKey: Uint8Array) {
    [this.#chain, this.#constant] = halves(tagKey, EMPTY, 'STInitialization');
  }

  /** The next session tag, 8 bytes. */
  next(): Uint8Array {
    const [chain, tag] = halves(this.#chain, this.#constant, 'SessionTagKeyGen');
    this.#chain = chain;
    return tag.subarray(0, TAG_LENGTH);
  }
}

/** The symmetric key ratchet of one tag set. */
export class KeyChain {
  #chain: Uint8Array;

  constructor(symmetricKey: Uint8Array) {
    this.#chain = symmetricKey;
  }

  /** The next message key, 32 bytes. */
  next(): Uint8Array {
    const [chain, key] = halves(this.#chain, EMPTY, 'SymmetricRatchet');
    this.#chain = chain;
    return key;
  }
}

function halves(salt: Uint8Array, ikm: Uint8Array, info: string): [Uint8Array, Uint8Array] {
  const bytes = hkdf(salt, ikm, info, 2 * KEY_LENGTH);
  return [bytes.subarray(0, KEY_LENGTH), bytes.subarray(KEY_LENGTH)];
}
