import { SIGNATURE_TYPES } from '../crypto/signature.ts';

/** Encryption key types of Common Structures, "Key Certificates". */
export const CRYPTO_TYPE = {
  elGamal: 0,
  p256: 1,
  p384: 2,
  p521: 3,
  x25519: 4,
  mlKem512X25519: 5,
  mlKem768X25519: 6,
  mlKem1024X25519: 7,
} as const;

/** bytes of the key; the hybrid types carry their X25519 part only */
const CRYPTO_KEY_LENGTHS: ReadonlyMap<number, number> = new Map<number, number>([
  [CRYPTO_TYPE.elGamal, 256],
  [CRYPTO_TYPE.p256, 64],
  [CRYPTO_TYPE.p384, 96],
  [CRYPTO_TYPE.p521, 132],
  [CRYPTO_TYPE.x25519, 32],
  [CRYPTO_TYPE.mlKem512X25519, 32],
  [CRYPTO_TYPE.mlKem768X25519, 32],
  [CRYPTO_TYPE.mlKem1024X25519, 32],
]);

/** undefined for a type that nobody has defined */
export function cryptoKeyLength(type: number): number | undefined {
  return CRYPTO_KEY_LENGTHS.get(type);
}

/** undefined for a type that we can't verify */
export function signingKeyLength(type: number): number | undefined {
  return SIGNATURE_TYPES.get(type)?.publicKeyLength;
}

/** undefined for a type that we can't verify */
export function signatureLength(type: number): number | undefined {
  return SIGNATURE_TYPES.get(type)?.signatureLength;
}
