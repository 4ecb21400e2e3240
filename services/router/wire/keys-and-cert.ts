import { concatBytes } from '@allium/common/bytes/compare.ts';
import type { ByteReader } from '@allium/common/bytes/reader.ts';
import { ByteWriter } from '@allium/common/bytes/writer.ts';
import type { RandomBytes } from '@allium/common/core/random.ts';
import { SIGNATURE_TYPE } from '../crypto/signature.ts';
import {
  type Certificate,
  CRYPTO_FIELD_LENGTH,
  certificateCodec,
  SIGNING_FIELD_LENGTH,
} from './certificate.ts';
import { cryptoKeyLength, signingKeyLength } from './key-types.ts';

/** bytes before the certificate */
export const KEYS_LENGTH = CRYPTO_FIELD_LENGTH + SIGNING_FIELD_LENGTH;

/** What a RouterIdentity and a Destination have in common; all parts are views of the input. */
export interface KeysAndCert {
  readonly raw: Uint8Array;
  readonly cryptoType: number;
  /** exact length of its type */
  readonly publicKey: Uint8Array;
  readonly signatureType: number;
  /** exact length of its type */
  readonly signingKey: Uint8Array;
}

/**
 * Common Structures, "KeysAndCert": the encryption key at the start of its field, the signing key at the end
 * of its own, padding between, what does not fit in the certificate. The length follows from the certificate.
 */
export function readKeysAndCert(input: ByteReader): KeysAndCert {
  const start = input.position;
  const keys = input.bytes(KEYS_LENGTH);
  const certificate = certificateCodec.read(input);
  const { cryptoType, signatureType } = certificate;
  const cryptoLength = cryptoKeyLength(cryptoType) ?? CRYPTO_FIELD_LENGTH;
  return {
    raw: input.since(start),
    cryptoType,
    publicKey: keys.subarray(0, cryptoLength),
    signatureType,
    signingKey: signingKeyOf(keys, certificate),
  };
}

/**
 * Ed25519 identities of ours. The unused bytes are 32 random ones repeated (proposal 161), so that the structure
 * compresses; `publicKey` is empty for a Destination, whose encryption field is unused.
 */
export function writeKeysAndCert(
  cryptoType: number,
  publicKey: Uint8Array,
  signingKey: Uint8Array,
  random: RandomBytes,
): Uint8Array {
  const certificate: Certificate = {
    kind: 'key',
    signatureType: SIGNATURE_TYPE.ed25519,
    cryptoType,
    excess: new Uint8Array(0),
  };
  const out = new ByteWriter(KEYS_LENGTH + certificateCodec.size(certificate));
  out.bytes(publicKey);
  const padding = out.reserve(KEYS_LENGTH - publicKey.length - signingKey.length);
  const seed = random(32);
  for (let at = 0; at < padding.length; at++) padding[at] = seed[at % seed.length] ?? 0;
  out.bytes(signingKey);
  certificateCodec.write(out, certificate);
  return out.finish();
}

function signingKeyOf(keys: Uint8Array, certificate: Certificate): Uint8Array {
  const length = signingKeyLength(certificate.signatureType) ?? SIGNING_FIELD_LENGTH;
  if (length <= SIGNING_FIELD_LENGTH) return keys.subarray(KEYS_LENGTH - length);
  return concatBytes(keys.subarray(CRYPTO_FIELD_LENGTH), certificate.excess);
}
