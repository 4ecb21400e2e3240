import type { Codec } from '@allium/common/bytes/codec.ts';
import type { ByteReader } from '@allium/common/bytes/reader.ts';
import type { ByteWriter } from '@allium/common/bytes/writer.ts';
import { HASH_LENGTH } from '../wire/hash.ts';
import { readHashes } from './hashes.ts';

/** I2NP, "DatabaseLookup": range of the size field */
export const MAX_EXCLUDED_PEERS = 512;

/** bytes of a one-time reply key and of its tag */
export const REPLY_KEY_LENGTH = 32;
export const REPLY_TAG_LENGTH = 8;

export type LookupType = 'any' | 'leaseSet' | 'routerInfo' | 'exploratory';

export interface ReplyKey {
  /** 32 bytes */
  readonly key: Uint8Array;
  /** 8 bytes */
  readonly tag: Uint8Array;
}

export interface DatabaseLookup {
  readonly kind: 'databaseLookup';
  /** 32-byte hash of the identity or Destination, not the routing key */
  readonly key: Uint8Array;
  /** 32-byte hash of the router that gets the answer: who asks, or the gateway of `replyTunnelId` */
  readonly from: Uint8Array;
  /** absent: the answer goes straight to `from` */
  readonly replyTunnelId?: number;
  readonly lookup: LookupType;
  /** 32-byte router hashes that the answer should not name; at most 512 */
  readonly exclude: readonly Uint8Array[];
  /** the answer is encrypted with this one-time key (ECIES) */
  readonly reply?: ReplyKey;
}

const DELIVERY = 0x01;
const ENCRYPTED = 0x02;
const TYPE_SHIFT = 2;
const ECIES = 0x10;

/** Index is the value of bits 3-2. */
const LOOKUP_TYPES = ['any', 'leaseSet', 'routerInfo', 'exploratory'] as const;

/**
 * I2NP, "DatabaseLookup". Answers encrypted for ElGamal (bit 1), and the never defined mode of both bits, are
 * refused as unsupported: no router of today asks for them.
 */
export const databaseLookupCodec: Codec<DatabaseLookup> = {
  structure: 'DatabaseLookup',
  size(value) {
    const tunnel = value.replyTunnelId === undefined ? 0 : 4;
    const reply = value.reply ? REPLY_KEY_LENGTH + 1 + REPLY_TAG_LENGTH : 0;
    return 2 * HASH_LENGTH + 1 + tunnel + 2 + value.exclude.length * HASH_LENGTH + reply;
  },
  write(out, value) {
    if (value.exclude.length > MAX_EXCLUDED_PEERS) throw new RangeError('too many excluded peers');
    out.bytes(value.key).bytes(value.from).u8(flagsOf(value));
    if (value.replyTunnelId !== undefined) out.u32(value.replyTunnelId);
    out.u16(value.exclude.length);
    for (const hash of value.exclude) out.bytes(hash);
    if (value.reply) writeReply(out, value.reply);
  },
  read(input) {
    const key = input.bytes(HASH_LENGTH);
    const from = input.bytes(HASH_LENGTH);
    const flags = input.u8();
    if ((flags & ENCRYPTED) !== 0) input.fail('unsupported', 'answer for ElGamal');
    const lookup = LOOKUP_TYPES[(flags >>> TYPE_SHIFT) & 3] ?? 'any';
    const tunnel = (flags & DELIVERY) !== 0 ? { replyTunnelId: input.u32() } : undefined;
    const count = input.u16();
    if (count > MAX_EXCLUDED_PEERS) input.fail('length', `${count} excluded peers`);
    const exclude = readHashes(input, count);
    const reply = (flags & ECIES) !== 0 ? { reply: readReply(input) } : undefined;
    return { kind: 'databaseLookup', key, from, ...tunnel, lookup, exclude, ...reply };
  },
};

function flagsOf(value: DatabaseLookup): number {
  const delivery = value.replyTunnelId === undefined ? 0 : DELIVERY;
  return delivery | (LOOKUP_TYPES.indexOf(value.lookup) << TYPE_SHIFT) | (value.reply ? ECIES : 0);
}

function writeReply(out: ByteWriter, reply: ReplyKey): void {
  if (reply.key.length !== REPLY_KEY_LENGTH || reply.tag.length !== REPLY_TAG_LENGTH) {
    throw new RangeError('reply key or tag of wrong length');
  }
  out.bytes(reply.key).u8(1).bytes(reply.tag);
}

function readReply(input: ByteReader): ReplyKey {
  const key = input.bytes(REPLY_KEY_LENGTH);
  const tags = input.u8();
  if (tags !== 1) input.fail('value', `${tags} reply tags`);
  return { key, tag: input.bytes(REPLY_TAG_LENGTH) };
}
