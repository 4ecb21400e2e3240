import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { encode } from '@allium/common/bytes/codec.ts';
import { ByteReader } from '@allium/common/bytes/reader.ts';
import { readContent } from '@allium/router/i2np/block-codec.ts';
import { BLOCK_TYPE } from '@allium/router/i2np/block-types.ts';
import { blocksSize, decodeBlocks, encodeBlocks } from '@allium/router/i2np/blocks.ts';
import { decodeBody, encodeBody, type I2npBody } from '@allium/router/i2np/body.ts';
import { readBuildRecords } from '@allium/router/i2np/build-records.ts';
import { readClove } from '@allium/router/i2np/clove.ts';
import { databaseLookupCodec } from '@allium/router/i2np/database-lookup.ts';
import { databaseSearchReplyCodec } from '@allium/router/i2np/database-search-reply.ts';
import { databaseStoreCodec } from '@allium/router/i2np/database-store.ts';
import { deliveryStatusCodec } from '@allium/router/i2np/delivery-status.ts';
import { readHashes } from '@allium/router/i2np/hashes.ts';
import {
  decodeLong,
  decodeShort,
  encodeLong,
  longMessageCodec,
  readShort,
} from '@allium/router/i2np/message.ts';
import { openOneTime, sealOneTime } from '@allium/router/i2np/one-time-garlic.ts';
import {
  dataCodec,
  garlicCodec,
  outboundTunnelBuildReplyCodec,
  shortTunnelBuildCodec,
  tunnelDataCodec,
  tunnelGatewayCodec,
} from '@allium/router/i2np/opaque.ts';
import { openForRouter, sealForRouter } from '@allium/router/i2np/router-garlic.ts';
import { hashBytes } from '@allium/router/wire/hash.ts';
import { decodeLeaseSet2 } from '@allium/router/wire/lease-set2.ts';
import { decodeRouterInfo } from '@allium/router/wire/router-info.ts';
import { Chance } from '../engine/chance.ts';
import { promise, type Targets } from '../engine/target.ts';
import {
  DESTINATION,
  NOW,
  oddLeaseSet,
  oddRouterInfo,
  ROUTER,
  signedLeaseSet,
  signedRouterInfo,
} from './forge.ts';
import { checkRouterInfo, codecTarget } from './wire.ts';

const HASH = Buffer.from(hashBytes(ROUTER.identity.hash));
const REPLY = { key: Buffer.alloc(32, 5), tag: Buffer.alloc(8, 6) };
const fixed = new Chance('i2np');

/** A DatabaseStore of whatever entry, under the key that fits it. */
export function storeMessage(chance: Chance, entry: Uint8Array, type: 0 | 3): Buffer {
  const identity = entry.subarray(0, 391);
  const key = createHash('sha256').update(identity).digest();
  const token = chance.oneIn(2) ? Buffer.alloc(4) : Buffer.concat([chance.bytes(4), chance.bytes(36)]);
  const packed = gzipSync(entry, { level: 1 });
  const body = type === 3 ? [entry] : [Buffer.of(packed.length >> 8, packed.length & 255), packed];
  return Buffer.concat([
    chance.oneIn(9) ? HASH : key,
    Buffer.of(type | (chance.oneIn(9) ? 0x10 : 0)),
    token,
    ...body,
  ]);
}

function oddStore(chance: Chance): Buffer {
  if (chance.oneIn(8))
    return storeMessage(chance, Buffer.alloc(chance.below(200_000)), 0).subarray(0, 65_535);
  return chance.oneIn(2)
    ? storeMessage(chance, oddRouterInfo(chance), 0)
    : storeMessage(chance, oddLeaseSet(chance), 3);
}

/** What is inside of a store is signed again. */
function mendedStore(input: Uint8Array): Buffer {
  const rest = input.subarray(37);
  return (input[32] ?? 0) % 2 === 0
    ? storeMessage(fixed, signedRouterInfo(rest), 0)
    : storeMessage(fixed, signedLeaseSet(rest), 3);
}

const MESSAGE = { type: 20, id: 7, expires: NOW + 10_000, payload: Buffer.from('data') };
export const BLOCKS = encodeBlocks([
  { kind: 'dateTime', at: NOW },
  { kind: 'nextKey', keyId: 1, reverse: false, requestReverse: true, publicKey: Buffer.alloc(32, 9) },
  { kind: 'ack', acks: [{ tagSetId: 0, messageNumber: 3 }] },
  { kind: 'ackRequest' },
  { kind: 'clove', clove: { delivery: { kind: 'local' }, message: MESSAGE } },
  { kind: 'clove', clove: { delivery: { kind: 'tunnel', hash: HASH, tunnelId: 4 }, message: MESSAGE } },
  { kind: 'clove', clove: { delivery: { kind: 'router', hash: HASH }, message: MESSAGE } },
  { kind: 'padding', length: 5 },
]);

const BLOCK_LENGTHS = [0, 1, 2, 3, 4, 8, 21, 35, 60] as const;
const RIGHT_LENGTHS = new Map<number, number>([
  [BLOCK_TYPE.dateTime, 4],
  [BLOCK_TYPE.termination, 9],
  [BLOCK_TYPE.options, 21],
  [BLOCK_TYPE.messageNumber, 2],
  [BLOCK_TYPE.nextKey, 35],
  [BLOCK_TYPE.ack, 8],
  [BLOCK_TYPE.ackRequest, 1],
  [BLOCK_TYPE.clove, 14],
]);

/** Blocks by their types and lengths, sometimes a great many of one kind. */
export function oddBlocks(chance: Chance): Buffer {
  const types = [...Object.values(BLOCK_TYPE), 1, 255];
  const block = (): Buffer => {
    const type = chance.pick(types) ?? 0;
    const length = chance.oneIn(3) ? chance.pick(BLOCK_LENGTHS) : (RIGHT_LENGTHS.get(type) ?? 0);
    return Buffer.concat([Buffer.of(type, 0, length), chance.bytes(length)]);
  };
  if (chance.oneIn(10)) return Buffer.concat(Array<Buffer>(chance.below(1_500)).fill(block()));
  return Buffer.concat(Array.from({ length: chance.below(6) }, block));
}

/** A body of this kind, more or less. */
export function oddBody(chance: Chance): { readonly type: number; readonly payload: Buffer } {
  const hashes = Array.from({ length: chance.below(18) }, () => chance.bytes(32));
  const [key, from] = [chance.bytes(32), HASH];
  const bodies: readonly I2npBody[] = [
    { kind: 'databaseLookup', key, from, lookup: 'exploratory', exclude: hashes, reply: REPLY },
    { kind: 'databaseLookup', key, from, lookup: 'any', exclude: [], replyTunnelId: chance.u32() },
    { kind: 'databaseSearchReply', key, peers: hashes.slice(0, 16), from },
    { kind: 'deliveryStatus', messageId: chance.u32(), timestamp: NOW },
    { kind: 'garlic', data: chance.bytes(chance.below(200)) },
    {
      kind: 'garlic',
      data:
        sealForRouter(ROUTER.encryption.publicKey, oddBlocks(chance).subarray(0, 30_000), chance.random) ??
        key,
    },
    { kind: 'tunnelData', tunnelId: chance.u32(), data: chance.bytes(1_024) },
    { kind: 'tunnelGateway', tunnelId: chance.u32(), data: encodeLong(MESSAGE) },
    { kind: 'data', data: chance.bytes(chance.below(100)) },
    { kind: 'shortTunnelBuild', records: Array.from({ length: 4 }, () => chance.bytes(218)) },
    { kind: 'outboundTunnelBuildReply', records: Array.from({ length: 4 }, () => chance.bytes(218)) },
  ];
  if (chance.oneIn(4)) return { type: 1, payload: oddStore(chance) };
  const body = encodeBody(chance.pick(bodies) as I2npBody);
  return { type: chance.oneIn(12) ? chance.below(30) : body.type, payload: Buffer.from(body.payload) };
}

const anyBody = (chance: Chance): Buffer => {
  const { type, payload } = oddBody(chance);
  return Buffer.concat([Buffer.of(type), payload]);
};

/** The checksum of a long header, and its size. */
function mendedLong(input: Uint8Array): Buffer {
  const out = Buffer.concat([input, Buffer.alloc(Math.max(0, 16 - input.length))]);
  out.writeUInt16BE((out.length - 16) & 0xffff, 13);
  out[15] = createHash('sha256').update(out.subarray(16)).digest()[0] ?? 0;
  return out;
}

/** The length that stands in front of all that follows. */
const withLength32 = (input: Uint8Array): Buffer => {
  const out = Buffer.alloc(4 + input.length);
  out.writeUInt32BE(input.length, 0);
  out.set(input, 4);
  return out.subarray(0, Math.max(4, out.length));
};

const RECORDS = Buffer.concat([Buffer.of(4), Buffer.alloc(4 * 218, 3)]);

export const TARGETS: Targets = {
  'router/i2np/block-codec readContent': {
    run: (input) => readContent(input[0] ?? 0, new ByteReader(input.subarray(1), 'block')),
    make: (chance) =>
      Buffer.concat([Buffer.of(chance.pick(Object.values(BLOCK_TYPE)) ?? 0), chance.bytes(chance.below(60))]),
    longest: 512,
  },
  'router/i2np/blocks decodeBlocks': {
    run(input) {
      const blocks = decodeBlocks(input);
      promise(blocks.length <= 256, 'at most 256 blocks');
      promise(blocksSize(blocks) <= input.length, 'no more than there was');
      return blocks;
    },
    seeds: () => [BLOCKS],
    make: oddBlocks,
    longest: 20_000,
  },
  'router/i2np/body decodeBody': {
    run(input) {
      const body = decodeBody({ type: input[0] ?? 0, payload: input.subarray(1) });
      if (body.kind === 'databaseSearchReply') promise(body.peers.length <= 16, 'at most 16 peers');
      if (body.kind === 'databaseLookup') promise(body.exclude.length <= 512, 'at most 512 excluded');
      return body;
    },
    make: anyBody,
    longest: 20_000,
  },
  'router/i2np/build-records readBuildRecords': {
    run: (input) => {
      const records = readBuildRecords(new ByteReader(input, 'records'));
      promise(records.length >= 1 && records.length <= 8, '1 to 8 records');
      promise(
        records.every((record) => record.length === 218),
        'whole records',
      );
      return records;
    },
    seeds: () => [RECORDS],
  },
  'router/i2np/clove readClove': {
    run: (input) => readClove(new ByteReader(input, 'clove')),
    seeds: () => [Buffer.concat([Buffer.of(0x60), HASH, Buffer.alloc(13), Buffer.from('x')])],
    longest: 256,
  },
  'router/i2np/database-lookup databaseLookupCodec': codecTarget(databaseLookupCodec, {
    // reserved flags are read over
    exact: false,
    make: (chance) => {
      const exclude = Array.from({ length: chance.below(5) }, () => chance.bytes(32));
      return encode(databaseLookupCodec, {
        kind: 'databaseLookup',
        key: HASH,
        from: HASH,
        lookup: 'any',
        exclude,
        reply: REPLY,
      });
    },
    longest: 18_000,
  }),
  'router/i2np/database-search-reply databaseSearchReplyCodec': codecTarget(databaseSearchReplyCodec, {
    exact: false,
    seeds: () => [Buffer.concat([HASH, Buffer.of(2), HASH, HASH, HASH])],
    longest: 9_000,
  }),
  'router/i2np/database-store databaseStoreCodec': codecTarget(databaseStoreCodec, {
    // gzip has many ways to say the same
    exact: false,
    make: oddStore,
    mend: mendedStore,
    longest: 70_000,
  }),
  'router/i2np/database-store databaseStoreCodec (entries)': {
    run(input) {
      if (input[0] === 0) return checkRouterInfo(decodeRouterInfo(input.subarray(1)));
      return decodeLeaseSet2(input.subarray(1));
    },
    make: (chance) =>
      chance.oneIn(2)
        ? Buffer.concat([Buffer.of(0), oddRouterInfo(chance)])
        : Buffer.concat([Buffer.of(3), oddLeaseSet(chance)]),
  },
  'router/i2np/delivery-status deliveryStatusCodec': codecTarget(deliveryStatusCodec, {
    seeds: () => [Buffer.concat([Buffer.of(0, 0, 0, 1, 0, 0, 1), Buffer.alloc(5)])],
    longest: 32,
  }),
  'router/i2np/hashes readHashes': {
    run: (input) => readHashes(new ByteReader(input.subarray(1), 'hashes'), input[0] ?? 0),
    seeds: () => [Buffer.concat([Buffer.of(2), HASH, HASH])],
    longest: 9_000,
  },
  'router/i2np/message decodeLong': {
    run: decodeLong,
    seeds: () => [encodeLong(MESSAGE)],
    mend: mendedLong,
  },
  'router/i2np/message decodeShort': { run: decodeShort, seeds: () => [Buffer.alloc(12, 1)] },
  'router/i2np/message longMessageCodec': codecTarget(longMessageCodec, {
    seeds: () => [encodeLong(MESSAGE)],
    mend: mendedLong,
  }),
  'router/i2np/message readShort': {
    run: (input) => readShort(new ByteReader(input, 'message')),
    seeds: () => [Buffer.alloc(12, 1)],
  },
  'router/i2np/one-time-garlic openOneTime': {
    run: (input) => openOneTime(REPLY, input),
    seeds: () => [sealOneTime(REPLY, BLOCKS)],
    longest: 1_024,
  },
  'router/i2np/one-time-garlic openOneTime (sealed)': {
    run(input) {
      const opened = openOneTime(REPLY, sealOneTime(REPLY, input));
      promise(opened !== undefined && Buffer.from(opened).equals(input), 'what was sealed is opened');
      return decodeBlocks(opened ?? input);
    },
    make: oddBlocks,
    seeds: () => [BLOCKS],
  },
  'router/i2np/opaque dataCodec': codecTarget(dataCodec, { mend: withLength32 }),
  'router/i2np/opaque garlicCodec': codecTarget(garlicCodec, { mend: withLength32 }),
  'router/i2np/opaque outboundTunnelBuildReplyCodec': codecTarget(outboundTunnelBuildReplyCodec, {
    seeds: () => [RECORDS],
  }),
  'router/i2np/opaque shortTunnelBuildCodec': codecTarget(shortTunnelBuildCodec, { seeds: () => [RECORDS] }),
  'router/i2np/opaque tunnelDataCodec': codecTarget(tunnelDataCodec, {
    seeds: () => [Buffer.alloc(1_028, 2)],
  }),
  'router/i2np/opaque tunnelGatewayCodec': codecTarget(tunnelGatewayCodec, {
    seeds: () => [Buffer.concat([Buffer.of(0, 0, 0, 9, 0, 3), Buffer.from('abc')])],
  }),
  'router/i2np/router-garlic openForRouter': {
    run: (input) => openForRouter(ROUTER, input),
    seeds: () => [sealForRouter(ROUTER.encryption.publicKey, BLOCKS, fixed.random) ?? HASH],
    longest: 1_024,
  },
  'router/i2np/router-garlic openForRouter (sealed)': {
    run(input) {
      const sealed = sealForRouter(ROUTER.encryption.publicKey, input, fixed.random);
      const opened = openForRouter(ROUTER, sealed ?? input);
      promise(opened !== undefined && Buffer.from(opened).equals(input), 'what was sealed is opened');
      return decodeBlocks(opened ?? input);
    },
    make: oddBlocks,
    seeds: () => [BLOCKS, DESTINATION.destination.raw],
  },
};
