import { constants, gunzipSync, gzipSync } from 'node:zlib';
import type { Codec } from '@allium/common/bytes/codec.ts';
import { equalBytes } from '@allium/common/bytes/compare.ts';
import type { ByteReader } from '@allium/common/bytes/reader.ts';
import { HASH_LENGTH, hashBytes } from '../wire/hash.ts';
import { LEASE_SET_TYPE, refuseLeaseSet } from '../wire/lease-set-type.ts';
import { decodeLeaseSet2, LEASE_SET_MAX_SIZE, type LeaseSet2 } from '../wire/lease-set2.ts';
import { decodeRouterInfo, ROUTER_INFO_MAX_SIZE, type RouterInfo } from '../wire/router-info.ts';

export type StoreEntry =
  | { readonly what: 'routerInfo'; readonly routerInfo: RouterInfo }
  | { readonly what: 'leaseSet'; readonly leaseSet: LeaseSet2 };

/** Where the receiver's DeliveryStatus goes. */
export interface StoreReply {
  /** message id of the DeliveryStatus, not zero; it also asks a floodfill to flood */
  readonly token: number;
  /** 0: straight to the router `gateway` */
  readonly tunnelId: number;
  /** 32-byte router hash */
  readonly gateway: Uint8Array;
}

/** The entry is verified, owns its memory and belongs to the key. */
export interface DatabaseStore {
  readonly kind: 'databaseStore';
  /** 32-byte hash of the identity or Destination, not the routing key */
  readonly key: Uint8Array;
  /** absent: token 0 */
  readonly reply?: StoreReply;
  readonly entry: StoreEntry;
}

const ROUTER_INFO = 0;
/** Bits 7-4 are reserved and ignored. */
const TYPE_MASK = 0x0f;
/** RFC 1952: no time, XFL 2, no operating system, as Java routers write it. */
const GZIP_HEADER = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 0xff);

/**
 * I2NP, "DatabaseStore". A RouterInfo is compressed, a LeaseSet2 is the rest of the message. LeaseSets of
 * other types are refused as unsupported.
 */
export const databaseStoreCodec: Codec<DatabaseStore> = {
  structure: 'DatabaseStore',
  size: (value) => HASH_LENGTH + 5 + (value.reply ? 4 + HASH_LENGTH : 0) + packed(value.entry).length,
  write(out, value) {
    out.bytes(value.key);
    out.u8(value.entry.what === 'routerInfo' ? ROUTER_INFO : LEASE_SET_TYPE.leaseSet2);
    out.u32(value.reply?.token ?? 0);
    if (value.reply) out.u32(value.reply.tunnelId).bytes(value.reply.gateway);
    out.bytes(packed(value.entry));
  },
  read(input) {
    const key = input.bytes(HASH_LENGTH);
    const type = input.u8() & TYPE_MASK;
    const token = input.u32();
    const reply =
      token === 0 ? undefined : { token, tunnelId: input.u32(), gateway: input.bytes(HASH_LENGTH) };
    const entry = readEntry(input, type);
    if (!equalBytes(key, entryKey(entry))) input.fail('value', 'key of another entry');
    return reply ? { kind: 'databaseStore', key, reply, entry } : { kind: 'databaseStore', key, entry };
  },
};

/** A DatabaseStore of `entry` under its own key. */
export function storeOf(entry: StoreEntry, reply?: StoreReply): DatabaseStore {
  const key = entryKey(entry);
  return reply ? { kind: 'databaseStore', key, reply, entry } : { kind: 'databaseStore', key, entry };
}

/** 32 bytes */
export function entryKey(entry: StoreEntry): Uint8Array {
  return hashBytes(entry.what === 'routerInfo' ? entry.routerInfo.hash : entry.leaseSet.hash);
}

function readEntry(input: ByteReader, type: number): StoreEntry {
  switch (type) {
    case ROUTER_INFO:
      return { what: 'routerInfo', routerInfo: decodeRouterInfo(gunzip(input, input.bytes(input.u16()))) };
    case LEASE_SET_TYPE.leaseSet2:
      if (input.remaining > LEASE_SET_MAX_SIZE) input.fail('length', 'LeaseSet2 too long');
      return { what: 'leaseSet', leaseSet: decodeLeaseSet2(input.rest()) };
    default:
      return refuseLeaseSet(type);
  }
}

/** Never gives more than a RouterInfo may have, whatever the input would grow to. */
function gunzip(input: ByteReader, bytes: Uint8Array): Uint8Array {
  try {
    return gunzipSync(bytes, { maxOutputLength: ROUTER_INFO_MAX_SIZE });
  } catch {
    return input.fail('value', 'gzip');
  }
}

/** `size` and `write` both need the compressed form: one RouterInfo's is kept as long as it lives. */
const compressed = new WeakMap<RouterInfo, Uint8Array>();

function packed(entry: StoreEntry): Uint8Array {
  if (entry.what === 'leaseSet') return entry.leaseSet.raw;
  const known = compressed.get(entry.routerInfo);
  if (known) return known;
  const body = gzipSync(entry.routerInfo.raw, { level: constants.Z_BEST_COMPRESSION });
  body.set(GZIP_HEADER);
  const out = Buffer.allocUnsafe(2 + body.length);
  out.writeUInt16BE(body.length, 0);
  out.set(body, 2);
  compressed.set(entry.routerInfo, out);
  return out;
}
