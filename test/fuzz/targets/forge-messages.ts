/** I2NP messages and ratchet payloads of the right shape, with odd contents. */
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { BLOCK_TYPE } from '@allium/router/i2np/block-types.ts';
import { encodeBlocks } from '@allium/router/i2np/blocks.ts';
import { encodeBody, type I2npBody } from '@allium/router/i2np/body.ts';
import { encodeLong } from '@allium/router/i2np/message.ts';
import { sealForRouter } from '@allium/router/i2np/router-garlic.ts';
import { hashBytes } from '@allium/router/wire/hash.ts';
import { Chance } from '../engine/chance.ts';
import { NOW, oddLeaseSet, oddRouterInfo, ROUTER, signedLeaseSet, signedRouterInfo } from './forge.ts';

export const HASH = Buffer.from(hashBytes(ROUTER.identity.hash));
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

/** Of whatever may be in it, and sometimes of what grows very much. */
export function oddStore(chance: Chance): Buffer {
  if (chance.oneIn(8))
    return storeMessage(chance, Buffer.alloc(chance.below(200_000)), 0).subarray(0, 65_535);
  return chance.oneIn(2)
    ? storeMessage(chance, oddRouterInfo(chance), 0)
    : storeMessage(chance, oddLeaseSet(chance), 3);
}

/** What is inside of a store is signed again. */
export function mendedStore(input: Uint8Array): Buffer {
  const rest = input.subarray(37);
  return (input[32] ?? 0) % 2 === 0
    ? storeMessage(fixed, signedRouterInfo(rest), 0)
    : storeMessage(fixed, signedLeaseSet(rest), 3);
}

/** Any message. */
export const MESSAGE = { type: 20, id: 7, expires: NOW + 10_000, payload: Buffer.from('data') };
/** A payload with a block of each kind. */
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
