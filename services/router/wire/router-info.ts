import type { Codec } from '@allium/common/bytes/codec.ts';
import { copyOf } from '@allium/common/bytes/compare.ts';
import { DecodeError } from '@allium/common/bytes/errors.ts';
import { ByteReader } from '@allium/common/bytes/reader.ts';
import { ByteWriter } from '@allium/common/bytes/writer.ts';
import { ED25519_SIGNATURE_LENGTH, ed25519Sign } from '../crypto/ed25519.ts';
import { verifySignature } from '../crypto/signature.ts';
import type { RouterHash } from './hash.ts';
import { signatureLength } from './key-types.ts';
import { mappingCodec } from './mapping.ts';
import { type RouterAddress, routerAddressCodec } from './router-address.ts';
import { type RouterIdentity, viewRouterIdentity } from './router-identity.ts';
import type { RouterKeys } from './router-keys.ts';

export type { RouterKeys } from './router-keys.ts';

/** bytes; i2pd drops what is longer, so nobody's RouterInfo is */
export const ROUTER_INFO_MAX_SIZE = 3072;

/** Two families, two transports and some spare; real routers publish at most six. */
export const MAX_ROUTER_ADDRESSES = 16;

/** Owns its memory; every array inside is a view of `raw`. Its signature is valid. */
export interface RouterInfo {
  readonly raw: Uint8Array;
  readonly identity: RouterIdentity;
  readonly hash: RouterHash;
  /** milliseconds since the epoch */
  readonly published: number;
  readonly addresses: readonly RouterAddress[];
  readonly options: ReadonlyMap<string, string>;
}

export interface RouterInfoContent {
  /** milliseconds since the epoch */
  readonly published: number;
  readonly addresses: readonly RouterAddress[];
  readonly options: ReadonlyMap<string, string>;
}

interface Parsed extends RouterInfoContent {
  readonly identity: RouterIdentity;
  readonly signed: Uint8Array;
  readonly signature: Uint8Array;
}

const STRUCTURE = 'RouterInfo';

/** Common Structures, "RouterInfo". Reading verifies the signature and copies the structure once. */
export const routerInfoCodec: Codec<RouterInfo> = {
  structure: STRUCTURE,
  size: (value) => value.raw.length,
  write: (out, value) => void out.bytes(value.raw),
  read(input) {
    const start = input.position;
    parse(input);
    return decodeRouterInfo(input.since(start));
  },
};

/** Structure, size and signature are checked, else `DecodeError`; dates, network and version are the caller's. */
export function decodeRouterInfo(bytes: Uint8Array): RouterInfo {
  if (bytes.length > ROUTER_INFO_MAX_SIZE) throw new DecodeError('length', STRUCTURE, 0, 'too long');
  const raw = copyOf(bytes);
  const input = new ByteReader(raw, STRUCTURE);
  const { identity, published, addresses, options, signed, signature } = parse(input);
  input.expectEnd();
  if (!verifySignature(identity.signatureType, identity.signingKey, signed, signature)) {
    input.fail('authentication', 'signature');
  }
  return { raw, identity, hash: identity.hash, published, addresses, options };
}

/** Signed by `keys`. More than 3072 bytes throw `RangeError`. */
export function createRouterInfo(keys: RouterKeys, content: RouterInfoContent): RouterInfo {
  const { published, addresses, options } = content;
  const unsigned =
    keys.identity.raw.length +
    10 +
    addresses.reduce((sum, address) => sum + routerAddressCodec.size(address), 0) +
    mappingCodec.size(options);
  const size = unsigned + ED25519_SIGNATURE_LENGTH;
  if (size > ROUTER_INFO_MAX_SIZE || addresses.length > MAX_ROUTER_ADDRESSES) {
    throw new RangeError(`RouterInfo of ${size} bytes and ${addresses.length} addresses`);
  }
  const out = new ByteWriter(size);
  out.bytes(keys.identity.raw).u64(published).u8(addresses.length);
  for (const address of addresses) routerAddressCodec.write(out, address);
  out.u8(0);
  mappingCodec.write(out, options);
  const signature = out.reserve(ED25519_SIGNATURE_LENGTH);
  const raw = out.finish();
  signature.set(ed25519Sign(keys.signingSeed, raw.subarray(0, unsigned)));
  return decodeRouterInfo(raw);
}

function parse(input: ByteReader): Parsed {
  const start = input.position;
  const identity = viewRouterIdentity(input);
  const published = input.u64();
  const count = input.u8();
  if (count > MAX_ROUTER_ADDRESSES) input.fail('length', `${count} addresses`);
  const addresses: RouterAddress[] = [];
  for (let i = 0; i < count; i++) addresses.push(routerAddressCodec.read(input));
  if (input.u8() !== 0) input.fail('unsupported', 'RouterInfo with peers');
  const options = mappingCodec.read(input);
  const signed = input.since(start);
  const signature = input.bytes(signatureLength(identity.signatureType) ?? 0);
  return { identity, published, addresses, options, signed, signature };
}
