import type { Codec } from '@allium/common/bytes/codec.ts';
import { copyOf } from '@allium/common/bytes/compare.ts';
import { ByteReader } from '@allium/common/bytes/reader.ts';
import { sha256 } from '../crypto/hash.ts';
import { type RouterHash, routerHash } from './hash.ts';
import { readKeysAndCert } from './keys-and-cert.ts';

export interface RouterIdentity {
  readonly raw: Uint8Array;
  readonly hash: RouterHash;
  readonly cryptoType: number;
  /** 32 bytes for X25519, else the type's own length (ElGamal 256) */
  readonly publicKey: Uint8Array;
  readonly signatureType: number;
  readonly signingKey: Uint8Array;
}

const STRUCTURE = 'RouterIdentity';

/** DSA, the three ECDSA and Ed25519: RSA is forbidden to routers since 0.9.28, RedDSA always was. */
const ROUTER_SIGNATURE_TYPES: ReadonlySet<number> = new Set([0, 1, 2, 3, 7]);

/** Common Structures, "RouterIdentity". What it reads owns its memory. */
export const routerIdentityCodec: Codec<RouterIdentity> = {
  structure: STRUCTURE,
  size: (value) => value.raw.length,
  write: (out, value) => void out.bytes(value.raw),
  read: (input) => routerIdentityOf(copyOf(readKeysAndCert(input).raw)),
};

/** The identity that `raw` is, all of it; keeps `raw`. */
export function routerIdentityOf(raw: Uint8Array): RouterIdentity {
  const input = new ByteReader(raw, STRUCTURE);
  const identity = viewRouterIdentity(input);
  input.expectEnd();
  return identity;
}

/** Reads an identity inside a greater structure that owns the memory; all parts are views. */
export function viewRouterIdentity(input: ByteReader): RouterIdentity {
  const keys = readKeysAndCert(input);
  if (!ROUTER_SIGNATURE_TYPES.has(keys.signatureType)) {
    input.fail('unsupported', `router with signature type ${keys.signatureType}`);
  }
  return { ...keys, hash: routerHash(sha256(keys.raw)) };
}
