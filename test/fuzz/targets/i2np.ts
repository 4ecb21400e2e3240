import { createHash } from 'node:crypto';
import { encode } from '@allium/common/bytes/codec.ts';
import { ByteReader } from '@allium/common/bytes/reader.ts';
import { readContent } from '@allium/router/i2np/block-codec.ts';
import { BLOCK_TYPE } from '@allium/router/i2np/block-types.ts';
import { blocksSize, decodeBlocks } from '@allium/router/i2np/blocks.ts';
import { decodeBody } from '@allium/router/i2np/body.ts';
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
import { decodeLeaseSet2 } from '@allium/router/wire/lease-set2.ts';
import { decodeRouterInfo } from '@allium/router/wire/router-info.ts';
import { Chance } from '../engine/chance.ts';
import { promise, type Targets } from '../engine/target.ts';
import { DESTINATION, oddLeaseSet, oddRouterInfo, ROUTER } from './forge.ts';
import { BLOCKS, HASH, MESSAGE, mendedStore, oddBlocks, oddBody, oddStore } from './forge-messages.ts';
import { checkRouterInfo, codecTarget } from './wire.ts';

const REPLY = { key: Buffer.alloc(32, 5), tag: Buffer.alloc(8, 6) };
const fixed = new Chance('i2np');

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
  'router/i2np/message readExpires': 'a part of longMessageCodec',
  'router/i2np/message longMessageCodec': codecTarget(longMessageCodec, {
    // an expiration that a short header cannot say is read as the last that it can
    exact: false,
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
