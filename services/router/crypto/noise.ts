import { AEAD_TAG_LENGTH, aeadOpen, aeadSeal } from './aead.ts';
import { hkdf, sha256 } from './hash.ts';
import { expectLength } from './length.ts';

const HASH_LENGTH = 32;
const EMPTY = new Uint8Array(0);

/**
 * Noise's SymmetricState and its CipherState (revision 34, sections 5.1 and 5.2) for ChaChaPoly and SHA-256.
 * The patterns of NTCP2 (XK), the ratchet (IK) and build records (N) are spelled out where they are used.
 */
export class SymmetricState {
  #h: Uint8Array;
  #ck: Uint8Array;
  #k: Uint8Array | undefined;
  #n = 0;

  /** A protocol name of at most 32 characters is zero padded, a longer one is hashed. The prologue is mixed in by the caller. */
  constructor(protocolName: string) {
    const name = Buffer.from(protocolName, 'latin1');
    if (name.length > HASH_LENGTH) this.#h = sha256(name);
    else this.#h = Buffer.concat([name], HASH_LENGTH);
    this.#ck = this.#h;
  }

  /** An independent copy: precomputed beginnings, and trial decryption. */
  clone(): SymmetricState {
    const copy = new SymmetricState('');
    copy.#h = this.#h;
    copy.#ck = this.#ck;
    copy.#k = this.#k;
    copy.#n = this.#n;
    return copy;
  }

  /** The handshake hash, 32 bytes. */
  get h(): Uint8Array {
    return this.#h;
  }

  /** The chaining key, 32 bytes. */
  get ck(): Uint8Array {
    return this.#ck;
  }

  /** The cipher key, once `mixKey` has made one. */
  get k(): Uint8Array | undefined {
    return this.#k;
  }

  /** Nonce of the next message under `k`. */
  get n(): number {
    return this.#n;
  }

  mixHash(data: Uint8Array): void {
    this.#h = sha256(this.#h, data);
  }

  /** New chaining key and cipher key; the nonce starts at 0. */
  mixKey(inputKeyMaterial: Uint8Array): void {
    const keys = hkdf(this.#ck, inputKeyMaterial, '', 2 * HASH_LENGTH);
    this.#ck = keys.subarray(0, HASH_LENGTH);
    this.#k = keys.subarray(HASH_LENGTH);
    this.#n = 0;
  }

  /** Uses `key` for the next messages and leaves the chaining key alone; the ratchet's reply payload needs it. */
  setKey(key: Uint8Array): void {
    expectLength(key, HASH_LENGTH, 'cipher key');
    this.#k = key;
    this.#n = 0;
  }

  /** Ciphertext and tag, with `h` as associated data. Before any `mixKey` the plaintext passes unchanged. */
  encryptAndHash(plaintext: Uint8Array): Uint8Array {
    const ciphertext = this.#k ? aeadSeal(this.#k, this.#n++, this.#h, plaintext) : plaintext;
    this.mixHash(ciphertext);
    return ciphertext;
  }

  /** The plaintext; undefined when it does not authenticate, and then the state is as before. */
  decryptAndHash(ciphertext: Uint8Array): Uint8Array | undefined {
    let plaintext: Uint8Array = ciphertext;
    if (this.#k) {
      if (ciphertext.length < AEAD_TAG_LENGTH) return undefined;
      const opened = aeadOpen(this.#k, this.#n, this.#h, ciphertext);
      if (!opened) return undefined;
      this.#n++;
      plaintext = opened;
    }
    this.mixHash(ciphertext);
    return plaintext;
  }

  /** Keys of the two transport directions: initiator to responder, then back. */
  split(): { initiator: Uint8Array; responder: Uint8Array } {
    const keys = hkdf(this.#ck, EMPTY, '', 2 * HASH_LENGTH);
    return { initiator: keys.subarray(0, HASH_LENGTH), responder: keys.subarray(HASH_LENGTH) };
  }
}
