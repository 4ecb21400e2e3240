import type { ByteReader } from '@allium/common/bytes/reader.ts';
import { verifySignature } from '../crypto/signature.ts';
import type { Destination } from './destination.ts';
import { signatureLength, signingKeyLength } from './key-types.ts';

/** A transient signing key that the Destination's own key vouches for. */
export interface OfflineSignature {
  /** milliseconds since the epoch */
  readonly expires: number;
  readonly signatureType: number;
  readonly signingKey: Uint8Array;
}

/**
 * Common Structures, "OfflineSignature" (also in streaming and datagrams). Verified against `signer`, else
 * `DecodeError('authentication')`; whether it has expired is the caller's question. Parts are views.
 */
export function readOfflineSignature(
  input: ByteReader,
  signer: Pick<Destination, 'signatureType' | 'signingKey'>,
): OfflineSignature {
  const start = input.position;
  const expires = input.u32() * 1000;
  const signatureType = input.u16();
  const keyLength = signingKeyLength(signatureType);
  const length = signatureLength(signer.signatureType);
  if (keyLength === undefined || length === undefined) {
    return input.fail('unsupported', `signature type ${signatureType}`);
  }
  const signingKey = input.bytes(keyLength);
  const signed = input.since(start);
  const signature = input.bytes(length);
  if (!verifySignature(signer.signatureType, signer.signingKey, signed, signature)) {
    input.fail('authentication', 'offline signature');
  }
  return { expires, signatureType, signingKey };
}
