import { createHash, createHmac } from 'node:crypto';

/** SHA-256 over the parts one after the other; 32 bytes. */
export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
}

/** HMAC-SHA256 over the parts one after the other; 32 bytes. */
export function hmacSha256(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  const hmac = createHmac('sha256', key);
  for (const part of parts) hmac.update(part);
  return hmac.digest();
}

/** RFC 5869 stops at this many 32-byte blocks. */
const MAX_HKDF_BLOCKS = 255;

/**
 * HKDF-SHA256 (RFC 5869), extract and expand. `info` is ASCII text as the specifications spell it.
 * With an empty `ikm` or `info` it is what I2P's texts write as HKDF(ck, ZEROLEN, …).
 */
export function hkdf(salt: Uint8Array, ikm: Uint8Array, info: string, length: number): Uint8Array {
  const blocks = Math.ceil(length / 32);
  if (!(blocks >= 1 && blocks <= MAX_HKDF_BLOCKS)) throw new RangeError(`hkdf: ${length} bytes`);
  const key = hmacSha256(salt, ikm);
  const label = Buffer.from(info, 'latin1');
  const out = Buffer.allocUnsafe(blocks * 32);
  let previous: Uint8Array = Buffer.alloc(0);
  for (let i = 0; i < blocks; i++) {
    previous = hmacSha256(key, previous, label, Uint8Array.of(i + 1));
    out.set(previous, i * 32);
  }
  return out.subarray(0, length);
}
