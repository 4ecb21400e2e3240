import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { expectLength } from './length.ts';

export const ED25519_KEY_LENGTH = 32;
export const ED25519_SIGNATURE_LENGTH = 64;

/** The public key of a 32-byte seed. */
export function ed25519Public(seed: Uint8Array): Uint8Array {
  return createPublicKey(importSeed(seed)).export({ format: 'raw-public' });
}

/** A 64-byte signature. */
export function ed25519Sign(seed: Uint8Array, message: Uint8Array): Uint8Array {
  return sign(null, message, importSeed(seed));
}

/** False for a wrong signature and for a public key that is no point. */
export function ed25519Verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  expectLength(publicKey, ED25519_KEY_LENGTH, 'Ed25519 public key');
  expectLength(signature, ED25519_SIGNATURE_LENGTH, 'Ed25519 signature');
  const key = createPublicKey({
    key: Buffer.from(publicKey),
    format: 'raw-public',
    asymmetricKeyType: 'ed25519',
  });
  return verify(null, message, key, signature);
}

function importSeed(seed: Uint8Array): KeyObject {
  expectLength(seed, ED25519_KEY_LENGTH, 'Ed25519 seed');
  return createPrivateKey({ key: Buffer.from(seed), format: 'raw-private', asymmetricKeyType: 'ed25519' });
}
