import { fromBase32, fromBase64, toBase32 } from '@allium/common/bytes/text.ts';
import { type Destination, destinationOf } from '../wire/destination.ts';
import { type DestHash, destHash, hashBytes } from '../wire/hash.ts';

/** What a stream is opened to: a hash (a Base32 name) or the whole Destination (an address book entry). */
export type StreamTarget = { readonly hash: DestHash } | { readonly destination: Destination };

export function targetHash(target: StreamTarget): DestHash {
  return 'hash' in target ? target.hash : target.destination.hash;
}

export function sameTarget(a: StreamTarget, b: StreamTarget): boolean {
  return targetHash(a) === targetHash(b);
}

/** `<52 characters>.b32.i2p` */
export function base32Name(hash: DestHash): string {
  return `${toBase32(hashBytes(hash))}.b32.i2p`;
}

/** `base32` has 52 characters. Throws `DecodeError`: the last character may have set bits that the hash lacks. */
export function targetOfBase32(base32: string): StreamTarget {
  return { hash: destHash(fromBase32(base32)) };
}

/**
 * Characters of a Destination in Base64: 387 bytes and more (Common Structures), plus certificate payloads
 * up to the 100 bytes that the naming rules allow, rounded up to whole groups of four.
 */
export const DESTINATION_BASE64_MIN = 516;
export const DESTINATION_BASE64_MAX = 652;

/** Reads a Destination in I2P's Base64, with or without padding. Throws `DecodeError`. */
export function targetOfBase64(text: string): StreamTarget {
  const padded = text.replace(/=+$/, '').padEnd(Math.ceil(text.replace(/=+$/, '').length / 4) * 4, '=');
  return { destination: destinationOf(fromBase64(padded)) };
}
