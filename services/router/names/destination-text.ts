import { DecodeError } from '@allium/common/bytes/errors.ts';
import { fromBase32, fromBase64, toBase32 } from '@allium/common/bytes/text.ts';
import { sortHostName } from '@allium/common/text/i2p-name.ts';
import { destinationOf } from '../wire/destination.ts';
import { type DestHash, destHash, hashBytes } from '../wire/hash.ts';

/**
 * Characters of a Destination in Base64: 387 bytes and more (Common Structures), plus certificate payloads
 * up to the 100 bytes that the naming rules allow, rounded up to whole groups of four.
 */
const DESTINATION_BASE64_MIN = 516;
const DESTINATION_BASE64_MAX = 652;
const BASE32_TEXT = /^[a-z2-7]{52}$/i;

/** The 52 characters in front of `.b32.i2p`. */
export function base32Of(hash: DestHash): string {
  return toBase32(hashBytes(hash));
}

/** `<52 characters>.b32.i2p` */
export function base32Name(hash: DestHash): string {
  return `${base32Of(hash)}.b32.i2p`;
}

/** `base32` has 52 characters. Undefined when the last one has set bits that a hash lacks. */
export function hashOfBase32(base32: string): DestHash | undefined {
  return unlessMalformed(() => destHash(fromBase32(base32)));
}

export type DestinationText =
  | { readonly kind: 'hash'; readonly hash: DestHash }
  /** the name of an encrypted LeaseSet (b33) */
  | { readonly kind: 'encrypted' }
  | { readonly kind: 'bad'; readonly why: string };

/**
 * Reads what stands for a Destination in hosts files and address helpers: I2P's Base64, with or without padding, or
 * a Base32 name, with or without `.b32.i2p`. Never throws.
 */
export function readDestination(text: string): DestinationText {
  if (BASE32_TEXT.test(text)) return hashOr(hashOfBase32(text), 'not a Base32 name');
  const name = sortHostName(text);
  if (name.kind === 'encrypted') return name;
  if (name.kind === 'base32') return hashOr(hashOfBase32(name.base32), 'not a Base32 name');
  // Links often lack the padding, at most two characters.
  if (text.length < DESTINATION_BASE64_MIN - 2) return { kind: 'bad', why: 'the destination is too short' };
  if (text.length > DESTINATION_BASE64_MAX) return { kind: 'bad', why: 'the destination is too long' };
  const bare = text.replace(/={1,2}$/, '');
  const padded = bare.padEnd(Math.ceil(bare.length / 4) * 4, '=');
  return hashOr(
    unlessMalformed(() => destinationOf(fromBase64(padded)).hash),
    'not a destination',
  );
}

function hashOr(hash: DestHash | undefined, why: string): DestinationText {
  return hash === undefined ? { kind: 'bad', why } : { kind: 'hash', hash };
}

function unlessMalformed(read: () => DestHash): DestHash | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}
