import { createHash, createHmac, hkdfSync, hash as oneShot } from 'node:crypto';

/** SHA-256 over the parts one after the other; 32 bytes. */
export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts;
  // one call into the library for the common case: twice as fast on short inputs
  if (only !== undefined && parts.length === 1) return oneShot('sha256', only, 'buffer');
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
  if (!(length >= 1 && length <= MAX_HKDF_BLOCKS * 32)) throw new RangeError(`hkdf: ${length} bytes`);
  return new Uint8Array(hkdfSync('sha256', ikm, salt, Buffer.from(info, 'latin1'), length));
}
