import { createPrivateKey, createPublicKey, diffieHellman, type KeyObject } from 'node:crypto';
import type { RandomBytes } from '@allium/common/core/random.ts';
import { expectLength } from './length.ts';

/** X25519 keys, 32 bytes each, little-endian as in RFC 7748. */
export interface KeyPair {
  readonly privateKey: Uint8Array;
  readonly publicKey: Uint8Array;
}

export const X25519_LENGTH = 32;

/**
 * Points of order 1, 2, 4 and 8 in every encoding that fits into 255 bits: with them the secret is all zero, whatever the
 * other key is (RFC 7748 section 6.1, and the table at https://cr.yp.to/ecdh.html#validate).
 */
const LOW_ORDER: ReadonlySet<string> = new Set([
  '00'.repeat(32),
  `01${'00'.repeat(31)}`,
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  `ec${'ff'.repeat(30)}7f`,
  `ed${'ff'.repeat(30)}7f`,
  `ee${'ff'.repeat(30)}7f`,
]);

/** Whether nobody can share a secret with this public key. Cheap: a look at the bytes. */
export function isLowOrder(publicKey: Uint8Array): boolean {
  const point = Buffer.from(publicKey);
  // the top bit is not part of the point
  point[X25519_LENGTH - 1] = (point.at(-1) ?? 0) & 0x7f;
  return LOW_ORDER.has(point.toString('hex'));
}

export function x25519KeyPair(random: RandomBytes): KeyPair {
  const privateKey = Uint8Array.from(random(X25519_LENGTH));
  return { privateKey, publicKey: x25519Public(privateKey) };
}

/** The public key of a private key. */
export function x25519Public(privateKey: Uint8Array): Uint8Array {
  return createPublicKey(importPrivate(privateKey)).export({ format: 'raw-public' });
}

/**
 * The shared secret, 32 bytes; undefined when it would be all zero, which a peer's low-order point gives.
 * A `publicKey` of another length is our fault: decoders have cut it out.
 */
export function x25519(privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array | undefined {
  expectLength(publicKey, X25519_LENGTH, 'X25519 public key');
  const ours = importPrivate(privateKey);
  const theirs = createPublicKey({
    key: Buffer.from(publicKey),
    format: 'raw-public',
    asymmetricKeyType: 'x25519',
  });
  let secret: Uint8Array;
  try {
    secret = diffieHellman({ privateKey: ours, publicKey: theirs });
  } catch {
    // OpenSSL itself refuses an all-zero result; both keys are well-formed here, so nothing else can fail.
    return undefined;
  }
  return secret.every((byte) => byte === 0) ? undefined : secret;
}

function importPrivate(privateKey: Uint8Array): KeyObject {
  expectLength(privateKey, X25519_LENGTH, 'X25519 private key');
  return createPrivateKey({
    key: Buffer.from(privateKey),
    format: 'raw-private',
    asymmetricKeyType: 'x25519',
  });
}
