import type { Codec } from '@allium/common/bytes/codec.ts';
import type { ByteReader } from '@allium/common/bytes/reader.ts';
import { SIGNATURE_TYPE } from '../crypto/signature.ts';
import { CRYPTO_TYPE, cryptoKeyLength, signingKeyLength } from './key-types.ts';

/** bytes of the key fields before a certificate, by which excess key data is measured */
export const CRYPTO_FIELD_LENGTH = 256;
export const SIGNING_FIELD_LENGTH = 128;

/** The certificates that identities of today carry: which keys they hold, and what did not fit before it. */
export interface Certificate {
  /** NULL stands for ElGamal and DSA */
  readonly kind: 'null' | 'key';
  readonly signatureType: number;
  readonly cryptoType: number;
  /** what the 128-byte field has no room for; 4 bytes for ECDSA P-521, empty for all that is in use */
  readonly excess: Uint8Array;
}

export const NULL_CERTIFICATE: Certificate = {
  kind: 'null',
  signatureType: SIGNATURE_TYPE.dsaSha1,
  cryptoType: CRYPTO_TYPE.elGamal,
  excess: new Uint8Array(0),
};

const NULL = 0;
const KEY = 5;
/** signature type and encryption type, two bytes each, in this order */
const KEY_TYPES_LENGTH = 4;

/**
 * Common Structures, "Certificate". The length field must be what the types ask for: data hidden in a
 * certificate would give one key pair any number of hashes. HashCash, Hidden, Signed and Multiple are long unused.
 */
export const certificateCodec: Codec<Certificate> = {
  structure: 'Certificate',
  size: (value) => (value.kind === 'null' ? 3 : 3 + KEY_TYPES_LENGTH + value.excess.length),
  write(out, value) {
    if (value.kind === 'null') out.u8(NULL).u16(0);
    else {
      out.u8(KEY).u16(KEY_TYPES_LENGTH + value.excess.length);
      out.u16(value.signatureType).u16(value.cryptoType).bytes(value.excess);
    }
  },
  read(input) {
    const type = input.u8();
    const length = input.u16();
    switch (type) {
      case NULL:
        if (length !== 0) input.fail('length', 'NULL certificate with data');
        return NULL_CERTIFICATE;
      case KEY:
        return readKeyCertificate(input, length);
      default:
        return input.fail('unsupported', `certificate type ${type}`);
    }
  },
};

function readKeyCertificate(input: ByteReader, length: number): Certificate {
  if (length < KEY_TYPES_LENGTH) input.fail('length', 'key certificate without types');
  const signatureType = input.u16();
  const cryptoType = input.u16();
  const signing = signingKeyLength(signatureType);
  const crypto = cryptoKeyLength(cryptoType);
  if (signing === undefined) return input.fail('unsupported', `signature type ${signatureType}`);
  if (crypto === undefined) return input.fail('unsupported', `encryption type ${cryptoType}`);
  const excess = Math.max(0, signing - SIGNING_FIELD_LENGTH);
  if (length !== KEY_TYPES_LENGTH + excess) input.fail('length', 'excess data in a key certificate');
  return { kind: 'key', signatureType, cryptoType, excess: input.bytes(excess) };
}
