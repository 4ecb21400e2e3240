import { DecodeError } from '@allium/common/bytes/errors.ts';
import { ByteReader } from '@allium/common/bytes/reader.ts';
import { ByteWriter } from '@allium/common/bytes/writer.ts';
import { verifySignature } from '../crypto/signature.ts';
import { type Destination, viewDestination } from './destination.ts';
import type { DestHash } from './hash.ts';
import type { Signer } from './identity.ts';
import { cryptoKeyLength, signatureLength } from './key-types.ts';
import { LEASE2_SIZE, type Lease, leaseCodec } from './lease.ts';
import { LEASE_SET_TYPE } from './lease-set-type.ts';
import { mappingCodec } from './mapping.ts';
import { type OfflineSignature, readOfflineSignature } from './offline-signature.ts';

export type { Lease } from './lease.ts';

/** bytes; i2pd's limit, and far above 16 leases with every key type */
export const LEASE_SET_MAX_SIZE = 4096;
/** Common Structures, "LeaseSet2" */
export const MAX_LEASES = 16;
/** Eight types are defined; one of each. */
export const MAX_ENCRYPTION_KEYS = 8;

/** Flags of the LeaseSet2Header. */
export const LEASE_SET2_FLAG = { offline: 0x01, unpublished: 0x02, blinded: 0x04 } as const;

export interface LeaseSetKey {
  /** `CRYPTO_TYPE`, or one that we don't know */
  readonly type: number;
  readonly key: Uint8Array;
}

/** Owns its memory; every array inside is a view of `raw`. Its signatures are valid. */
export interface LeaseSet2 {
  /** without the leading type byte */
  readonly raw: Uint8Array;
  readonly destination: Destination;
  readonly hash: DestHash;
  /** milliseconds since the epoch, whole seconds */
  readonly published: number;
  /** milliseconds since the epoch, whole seconds */
  readonly expires: number;
  /** not to be stored by floodfills, flooded or looked up */
  readonly unpublished: boolean;
  readonly offline?: OfflineSignature;
  readonly options: ReadonlyMap<string, string>;
  /** in the owner's order of preference; unknown types are kept */
  readonly encryptionKeys: readonly LeaseSetKey[];
  /** 1 to 16 */
  readonly leases: readonly Lease[];
}

const STRUCTURE = 'LeaseSet2';

export interface LeaseSetContent {
  /** milliseconds since the epoch; two publications need different seconds, or floodfills ignore the second */
  readonly published: number;
  /** milliseconds since the epoch; by default the last lease's */
  readonly expires?: number;
  /** 1 to 16 */
  readonly leases: readonly Lease[];
  readonly unpublished?: boolean;
  readonly options?: ReadonlyMap<string, string>;
  /** in the owner's order of preference, 1 to 8 */
  readonly encryptionKeys: readonly LeaseSetKey[];
}

const NO_OPTIONS: ReadonlyMap<string, string> = new Map();

/**
 * Common Structures, "LeaseSet2". Structure, limits and both signatures are checked, else `DecodeError`;
 * dates are the caller's.
 */
export function decodeLeaseSet2(bytes: Uint8Array): LeaseSet2 {
  if (bytes.length > LEASE_SET_MAX_SIZE) throw new DecodeError('length', STRUCTURE, 0, 'too long');
  // The signature covers the type byte, so it stands in front of our copy.
  const owned = new Uint8Array(1 + bytes.length);
  owned[0] = LEASE_SET_TYPE.leaseSet2;
  owned.set(bytes, 1);
  const raw = owned.subarray(1);
  const input = new ByteReader(raw, STRUCTURE);
  const header = readHeader(input);
  const options = mappingCodec.read(input);
  const encryptionKeys = readKeys(input);
  const leases = readLeases(input);
  const signer = header.offline ?? header.destination;
  const signed = owned.subarray(0, 1 + input.position);
  const signature = input.bytes(signatureLength(signer.signatureType) ?? 0);
  input.expectEnd();
  if (!verifySignature(signer.signatureType, signer.signingKey, signed, signature)) {
    input.fail('authentication', 'signature');
  }
  return { raw, ...header, hash: header.destination.hash, options, encryptionKeys, leases };
}

/** No or too many leases, over 4096 bytes, or an end before the beginning throw `RangeError`. */
export function createLeaseSet2(signer: Signer, content: LeaseSetContent): LeaseSet2 {
  const { leases, options = NO_OPTIONS, encryptionKeys } = content;
  if (leases.length < 1 || leases.length > MAX_LEASES) throw new RangeError(`${leases.length} leases`);
  const size = sizeOf(signer, content, options);
  if (size - 1 > LEASE_SET_MAX_SIZE) throw new RangeError(`LeaseSet2 of ${size - 1} bytes`);
  const out = new ByteWriter(size);
  out.u8(LEASE_SET_TYPE.leaseSet2).bytes(signer.destination.raw);
  writeHeader(out, content, signer.offlineSection);
  mappingCodec.write(out, options);
  out.u8(encryptionKeys.length);
  for (const { type, key } of encryptionKeys) out.u16(type).u16(key.length).bytes(key);
  out.u8(leases.length);
  for (const lease of leases) leaseCodec.write(out, lease);
  const signature = out.reserve(signer.signatureLength);
  const bytes = out.finish();
  signature.set(signer.sign(bytes.subarray(0, bytes.length - signature.length)));
  return decodeLeaseSet2(bytes.subarray(1));
}

type Header = Pick<LeaseSet2, 'destination' | 'published' | 'expires' | 'unpublished' | 'offline'>;

function readHeader(input: ByteReader): Header {
  const destination = viewDestination(input);
  const published = input.u32() * 1000;
  const expires = published + input.u16() * 1000;
  const flags = input.u16();
  const header = {
    destination,
    published,
    expires,
    unpublished: (flags & LEASE_SET2_FLAG.unpublished) !== 0,
  };
  if ((flags & LEASE_SET2_FLAG.offline) === 0) return header;
  return { ...header, offline: readOfflineSignature(input, destination) };
}

function readKeys(input: ByteReader): LeaseSetKey[] {
  const count = input.u8();
  if (count < 1 || count > MAX_ENCRYPTION_KEYS) input.fail('length', `${count} encryption keys`);
  const keys: LeaseSetKey[] = [];
  for (let i = 0; i < count; i++) {
    const type = input.u16();
    const length = input.u16();
    if (length !== (cryptoKeyLength(type) ?? length)) input.fail('length', `key of type ${type}`);
    keys.push({ type, key: input.bytes(length) });
  }
  return keys;
}

function readLeases(input: ByteReader): Lease[] {
  const count = input.u8();
  if (count < 1 || count > MAX_LEASES) input.fail('length', `${count} leases`);
  const leases: Lease[] = [];
  for (let i = 0; i < count; i++) leases.push(leaseCodec.read(input));
  return leases;
}

function sizeOf(
  { destination, offlineSection, signatureLength: signature }: Signer,
  { leases, encryptionKeys }: LeaseSetContent,
  options: ReadonlyMap<string, string>,
): number {
  const keySizes = encryptionKeys.reduce((sum, { key }) => sum + 4 + key.length, 0);
  const header = 1 + destination.raw.length + 8 + (offlineSection?.length ?? 0);
  const lists = 1 + keySizes + 1 + leases.length * LEASE2_SIZE;
  return header + mappingCodec.size(options) + lists + signature;
}

function writeHeader(out: ByteWriter, content: LeaseSetContent, offline: Uint8Array | undefined): void {
  const published = Math.floor(content.published / 1000);
  const last = content.expires ?? Math.max(...content.leases.map((lease) => lease.expires));
  const lifetime = Math.floor(last / 1000) - published;
  if (!(lifetime >= 0 && lifetime <= 0xffff)) throw new RangeError(`LeaseSet2 for ${lifetime} seconds`);
  const unpublished = content.unpublished ? LEASE_SET2_FLAG.unpublished : 0;
  out
    .u32(published)
    .u16(lifetime)
    .u16(unpublished | (offline ? LEASE_SET2_FLAG.offline : 0));
  if (offline) out.bytes(offline);
}
