import { fromBase64, toBase64 } from '@allium/common/bytes/text.ts';

/** bytes of a SHA-256 hash */
export const HASH_LENGTH = 32;

declare const kind: unique symbol;

/** SHA-256 of a RouterIdentity in I2P's Base64, 44 characters: the key of every map of routers. */
export type RouterHash = string & { readonly [kind]: 'router' };

/** SHA-256 of a Destination in I2P's Base64, 44 characters: the key of every map of Destinations. */
export type DestHash = string & { readonly [kind]: 'destination' };

/** `bytes` is the 32-byte hash itself; another length is our fault (`RangeError`). */
export function routerHash(bytes: Uint8Array): RouterHash {
  return hashText(bytes) as RouterHash;
}

/** `bytes` is the 32-byte hash itself; another length is our fault (`RangeError`). */
export function destHash(bytes: Uint8Array): DestHash {
  return hashText(bytes) as DestHash;
}

const HASH_TEXT = /^[A-Za-z0-9~-]{43}=$/;

/** Whether a row's key could be the hash of a router. */
export function isRouterHash(text: string): text is RouterHash {
  return HASH_TEXT.test(text);
}

/** The 32 bytes in memory of their own. */
export function hashBytes(hash: RouterHash | DestHash): Uint8Array {
  return fromBase64(hash);
}

function hashText(bytes: Uint8Array): string {
  if (bytes.length !== HASH_LENGTH) throw new RangeError(`hash of ${bytes.length} bytes`);
  return toBase64(bytes);
}
