import { createPrivateKey, createPublicKey, diffieHellman, type KeyObject } from 'node:crypto';
import type { RandomBytes } from '@allium/common/core/random.ts';
import { expectLength } from './length.ts';

/** X25519 keys, 32 bytes each, little-endian as in RFC 7748. */
export interface KeyPair {
  readonly privateKey: Uint8Array;
  readonly publicKey: Uint8Array;
}

export const X25519_LENGTH = 32;

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
