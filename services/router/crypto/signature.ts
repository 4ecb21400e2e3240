import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { concatBytes } from '@allium/common/bytes/compare.ts';
import { ed25519Verify } from './ed25519.ts';

/** How a signature type of Common Structures is checked with node:crypto. */
type Scheme =
  | { readonly kind: 'dsa' }
  | { readonly kind: 'ecdsa'; readonly curve: string; readonly digest: string }
  | { readonly kind: 'rsa'; readonly digest: string }
  | { readonly kind: 'ed25519' };

export interface SignatureType {
  readonly name: string;
  /** bytes */
  readonly publicKeyLength: number;
  /** bytes */
  readonly signatureLength: number;
  readonly scheme: Scheme;
}

export const SIGNATURE_TYPE = { dsaSha1: 0, ed25519: 7, redDsa: 11 } as const;

/**
 * The types that we verify. Missing: 8 (Ed25519ph) and 9, 10 (GOST), which nobody uses.
 * A Red25519 signature (11) is checked by the Ed25519 equation: only making one differs.
 */
export const SIGNATURE_TYPES: ReadonlyMap<number, SignatureType> = new Map<number, SignatureType>([
  [0, row('DSA_SHA1', 128, 40, { kind: 'dsa' })],
  [1, row('ECDSA_SHA256_P256', 64, 64, { kind: 'ecdsa', curve: 'P-256', digest: 'sha256' })],
  [2, row('ECDSA_SHA384_P384', 96, 96, { kind: 'ecdsa', curve: 'P-384', digest: 'sha384' })],
  [3, row('ECDSA_SHA512_P521', 132, 132, { kind: 'ecdsa', curve: 'P-521', digest: 'sha512' })],
  [4, row('RSA_SHA256_2048', 256, 256, { kind: 'rsa', digest: 'sha256' })],
  [5, row('RSA_SHA384_3072', 384, 384, { kind: 'rsa', digest: 'sha384' })],
  [6, row('RSA_SHA512_4096', 512, 512, { kind: 'rsa', digest: 'sha512' })],
  [7, row('EdDSA_SHA512_Ed25519', 32, 64, { kind: 'ed25519' })],
  [11, row('RedDSA_SHA512_Ed25519', 32, 64, { kind: 'ed25519' })],
]);

export function supportsSignature(type: number): boolean {
  return SIGNATURE_TYPES.has(type);
}

/**
 * False for a wrong signature, an unknown type, wrong lengths and keys that are no keys: all of them
 * come from outside. `publicKey` has the type's exact length, without padding.
 */
export function verifySignature(
  type: number,
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  const facts = SIGNATURE_TYPES.get(type);
  if (!facts) return false;
  if (publicKey.length !== facts.publicKeyLength || signature.length !== facts.signatureLength) return false;
  try {
    return verifyWith(facts.scheme, publicKey, message, signature);
  } catch {
    // OpenSSL throws for a key that is off its curve or out of range.
    return false;
  }
}

function row(name: string, publicKeyLength: number, signatureLength: number, scheme: Scheme): SignatureType {
  return { name, publicKeyLength, signatureLength, scheme };
}

function verifyWith(
  scheme: Scheme,
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  switch (scheme.kind) {
    case 'ed25519':
      return ed25519Verify(publicKey, message, signature);
    case 'ecdsa':
      return verify(
        scheme.digest,
        message,
        { key: ecKey(scheme.curve, publicKey), dsaEncoding: 'ieee-p1363' },
        signature,
      );
    case 'rsa':
      return verify(scheme.digest, message, rsaKey(publicKey), signature);
    case 'dsa':
      return verify('sha1', message, { key: dsaKey(publicKey), dsaEncoding: 'ieee-p1363' }, signature);
  }
}

/** x then y, big-endian, each half of the bytes. */
function ecKey(curve: string, publicKey: Uint8Array): KeyObject {
  const half = publicKey.length / 2;
  return createPublicKey({
    format: 'jwk',
    key: {
      kty: 'EC',
      crv: curve,
      x: base64url(publicKey.subarray(0, half)),
      y: base64url(publicKey.subarray(half)),
    },
  });
}

/** The modulus alone, big-endian; I2P's exponent is always 65537. */
function rsaKey(modulus: Uint8Array): KeyObject {
  return createPublicKey({ format: 'jwk', key: { kty: 'RSA', n: base64url(modulus), e: 'AQAB' } });
}

function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url');
}

/** I2P's one DSA group (Low-level Cryptography, "DSA"): p 1024 bits, q 160 bits, g. */
const DSA_P =
  '9c05b2aa960d9b97b8931963c9cc9e8c3026e9b8ed92fad0a69cc886d5bf8015fcadae31a0ad18fab3f01b00a358de23' +
  '7655c4964afaa2b337e96ad316b9fb1cc564b5aec5b69a9ff6c3e4548707fef8503d91dd8602e867e6d35d2235c1869c' +
  'e2479c3b9d5401de04e0727fb33d6511285d4cf29538d9e3b6051f5b22cc1c93';
const DSA_Q = 'a5dfc28fef4ca1e286744cd8eed9d29d684046b7';
const DSA_G =
  '0c1f4d27d40093b429e962d7223824e0bbc47e7c832a39236fc683af84889581075ff9082ed32353d4374d7301cda1d2' +
  '3c431f4698599dda02451824ff369752593647cc3ddc197de985e43d136cdcfc6bd5409cd2f450821142a5e6f8eb1c3a' +
  'b5d0484b8129fcf17bce4f7f33321c3cb3dbb14a905e7b2b3e93be4708cbcc82';
/** id-dsa, 1.2.840.10040.4.1 */
const DSA_OID = '2a8648ce380401';

/** Node takes DSA keys as SubjectPublicKeyInfo only. */
function dsaKey(publicKey: Uint8Array): KeyObject {
  const group = der(0x30, integer(hex(DSA_P)), integer(hex(DSA_Q)), integer(hex(DSA_G)));
  const algorithm = der(0x30, der(0x06, hex(DSA_OID)), group);
  const key = der(0x03, Uint8Array.of(0), integer(publicKey));
  return createPublicKey({ key: Buffer.from(der(0x30, algorithm, key)), format: 'der', type: 'spki' });
}

function hex(text: string): Uint8Array {
  return Buffer.from(text, 'hex');
}

function integer(bigEndian: Uint8Array): Uint8Array {
  let start = 0;
  while (start < bigEndian.length - 1 && bigEndian[start] === 0) start++;
  const digits = bigEndian.subarray(start);
  const negative = ((digits[0] ?? 0) & 0x80) !== 0;
  return negative ? der(0x02, Uint8Array.of(0), digits) : der(0x02, digits);
}

/** One DER value of at most 65535 bytes. */
function der(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const body = concatBytes(...parts);
  const n = body.length;
  if (n < 0x80) return concatBytes(Uint8Array.of(tag, n), body);
  if (n < 0x100) return concatBytes(Uint8Array.of(tag, 0x81, n), body);
  return concatBytes(Uint8Array.of(tag, 0x82, n >>> 8, n & 0xff), body);
}
