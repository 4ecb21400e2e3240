import { constants, gunzipSync, gzipSync } from 'node:zlib';
import type { Codec } from '@allium/common/bytes/codec.ts';
import { equalBytes } from '@allium/common/bytes/compare.ts';
import { ByteReader } from '@allium/common/bytes/reader.ts';
import { HASH_LENGTH, hashBytes } from '../wire/hash.ts';
import { LEASE_SET_TYPE } from '../wire/lease-set-type.ts';
import { decodeLeaseSet2, type LeaseSet2 } from '../wire/lease-set2.ts';
import { decodeRouterInfo, ROUTER_INFO_MAX_SIZE, type RouterInfo } from '../wire/router-info.ts';
import { type UnreadableLeaseSet, unreadableLeaseSet } from '../wire/unreadable-lease-set.ts';

/** What can be stored. */
export type StoreEntry =
  | { readonly what: 'routerInfo'; readonly routerInfo: RouterInfo }
  | { readonly what: 'leaseSet'; readonly leaseSet: LeaseSet2 };

/** And what may be sent all the same. */
export type SentEntry = StoreEntry | { readonly what: 'unreadable'; readonly leaseSet: UnreadableLeaseSet };

/** Where the receiver's DeliveryStatus goes. */
export interface StoreReply {
  /** message id of the DeliveryStatus, not zero; it also asks a floodfill to flood */
  readonly token: number;
  /** 0: straight to the router `gateway` */
  readonly tunnelId: number;
  /** 32-byte router hash */
  readonly gateway: Uint8Array;
}

/** The entry is verified (but for one that we can't read), owns its memory and belongs to the key. */
export interface DatabaseStore<Entry extends SentEntry = SentEntry> {
  readonly kind: 'databaseStore';
  /** 32-byte hash of the identity or Destination, not the routing key */
  readonly key: Uint8Array;
  /** absent: token 0 */
  readonly reply?: StoreReply;
  readonly entry: Entry;
}

const ROUTER_INFO = 0;
/** Bits 7-4 are reserved and ignored. */
const TYPE_MASK = 0x0f;
/** RFC 1952: no time, XFL 2, no operating system, as Java routers write it. */
const GZIP_HEADER = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 0xff);

/**
 * I2NP, "DatabaseStore". A RouterInfo is compressed, a LeaseSet is the rest of the message. Types that nobody has
 * defined are refused as unsupported.
 */
export const databaseStoreCodec: Codec<DatabaseStore> = {
  structure: 'DatabaseStore',
  size: (value) => HASH_LENGTH + 5 + (value.reply ? 4 + HASH_LENGTH : 0) + packed(value.entry).length,
  write(out, value) {
    out.bytes(value.key);
    out.u8(typeOf(value.entry));
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

/** Whose entry it is said to be and whether that is a router, without a look at the entry. Throws `DecodeError`. */
export function storeHead(payload: Uint8Array): { readonly key: Uint8Array; readonly routerInfo: boolean } {
  const input = new ByteReader(payload, databaseStoreCodec.structure);
  return { key: input.bytes(HASH_LENGTH), routerInfo: (input.u8() & TYPE_MASK) === ROUTER_INFO };
}

/** A DatabaseStore of `entry` under its own key. */
export function storeOf<Entry extends SentEntry>(entry: Entry, reply?: StoreReply): DatabaseStore<Entry> {
  const key = entryKey(entry);
  return reply ? { kind: 'databaseStore', key, reply, entry } : { kind: 'databaseStore', key, entry };
}

/** 32 bytes */
export function entryKey(entry: SentEntry): Uint8Array {
  return hashBytes(entry.what === 'routerInfo' ? entry.routerInfo.hash : entry.leaseSet.hash);
}

function typeOf(entry: SentEntry): number {
  if (entry.what === 'routerInfo') return ROUTER_INFO;
  return entry.what === 'leaseSet' ? LEASE_SET_TYPE.leaseSet2 : entry.leaseSet.type;
}

function readEntry(input: ByteReader, type: number): SentEntry {
  switch (type) {
    case ROUTER_INFO:
      return { what: 'routerInfo', routerInfo: decodeRouterInfo(gunzip(input, input.bytes(input.u16()))) };
    case LEASE_SET_TYPE.leaseSet2:
    case LEASE_SET_TYPE.leaseSet:
    case LEASE_SET_TYPE.encrypted:
    case LEASE_SET_TYPE.meta: {
      const bytes = input.rest();
      const unreadable = unreadableLeaseSet(type, bytes);
      if (unreadable) return { what: 'unreadable', leaseSet: unreadable };
      return { what: 'leaseSet', leaseSet: decodeLeaseSet2(bytes) };
    }
    default:
      return input.fail('unsupported', `type ${type}`);
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

function packed(entry: SentEntry): Uint8Array {
  if (entry.what !== 'routerInfo') return entry.leaseSet.raw;
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
