import { createCipheriv, createDecipheriv } from 'node:crypto';
import { expectLength } from './length.ts';

export const AEAD_KEY_LENGTH = 32;
export const AEAD_TAG_LENGTH = 16;

const NONCE_LENGTH = 12;
const CIPHER = 'chacha20-poly1305';
const OPTIONS = { authTagLength: AEAD_TAG_LENGTH } as const;

/**
 * ChaCha20-Poly1305 (RFC 8439); ciphertext followed by the 16-byte tag, in one allocation.
 * `nonce` counts messages under this key: on the wire four zero bytes and a u64 LE.
 */
export function aeadSeal(key: Uint8Array, nonce: number, ad: Uint8Array, plaintext: Uint8Array): Uint8Array {
  const out = Buffer.allocUnsafe(plaintext.length + AEAD_TAG_LENGTH);
  aeadSealInto(out, key, nonce, ad, plaintext);
  return out;
}

/** As `aeadSeal`, into `out`, which is `plaintext.length` + 16 bytes long. */
export function aeadSealInto(
  out: Uint8Array,
  key: Uint8Array,
  nonce: number,
  ad: Uint8Array,
  plaintext: Uint8Array,
): void {
  expectLength(key, AEAD_KEY_LENGTH, 'AEAD key');
  expectLength(out, plaintext.length + AEAD_TAG_LENGTH, 'AEAD output');
  const cipher = createCipheriv(CIPHER, key, counterNonce(nonce), OPTIONS);
  if (ad.length > 0) cipher.setAAD(ad, { plaintextLength: plaintext.length });
  out.set(cipher.update(plaintext), 0);
  cipher.final();
  out.set(cipher.getAuthTag(), plaintext.length);
}

/** The plaintext, or undefined when the tag does not fit or there is not even room for one. */
export function aeadOpen(
  key: Uint8Array,
  nonce: number,
  ad: Uint8Array,
  ciphertext: Uint8Array,
): Uint8Array | undefined {
  expectLength(key, AEAD_KEY_LENGTH, 'AEAD key');
  const length = ciphertext.length - AEAD_TAG_LENGTH;
  if (length < 0) return undefined;
  const decipher = createDecipheriv(CIPHER, key, counterNonce(nonce), OPTIONS);
  if (ad.length > 0) decipher.setAAD(ad, { plaintextLength: length });
  decipher.setAuthTag(ciphertext.subarray(length));
  const plaintext = decipher.update(ciphertext.subarray(0, length));
  try {
    decipher.final();
  } catch {
    return undefined;
  }
  return plaintext;
}

/** ChaCha20 without a tag, both directions. `nonce` is 12 bytes, `counter` the number of the first 64-byte block. */
export function chacha20(key: Uint8Array, nonce: Uint8Array, counter: number, data: Uint8Array): Uint8Array {
  expectLength(key, AEAD_KEY_LENGTH, 'ChaCha20 key');
  expectLength(nonce, NONCE_LENGTH, 'ChaCha20 nonce');
  const iv = Buffer.allocUnsafe(16);
  iv.writeUInt32LE(counter, 0);
  iv.set(nonce, 4);
  return createCipheriv('chacha20', key, iv).update(data);
}

/** Four zero bytes and a u64 LE. */
export function counterNonce(counter: number): Uint8Array {
  if (!Number.isSafeInteger(counter) || counter < 0) throw new RangeError(`nonce: ${counter}`);
  const nonce = Buffer.allocUnsafe(NONCE_LENGTH);
  nonce.writeUInt32LE(0, 0);
  nonce.writeUInt32LE(counter % 0x1_0000_0000, 4);
  nonce.writeUInt32LE(Math.floor(counter / 0x1_0000_0000), 8);
  return nonce;
}
