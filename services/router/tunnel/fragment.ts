import { DecodeError } from '@allium/common/bytes/errors.ts';
import { ByteReader } from '@allium/common/bytes/reader.ts';
import { sha256 } from '../crypto/hash.ts';
import { HASH_LENGTH, hashBytes, type RouterHash, routerHash } from '../wire/hash.ts';
import { DATA_OFFSET, IV_OFFSET, TUNNEL_MESSAGE_SIZE } from './hop-crypto.ts';
import type { Delivery } from './tunnel-io.ts';

/** Room for instructions and fragments: 1008 bytes less checksum (4) and the zero byte. */
export const TUNNEL_PAYLOAD_SIZE = 1003;
const CHECKSUM_OFFSET = DATA_OFFSET;
const CHECKSUM_SIZE = 4;
export const PADDING_OFFSET = CHECKSUM_OFFSET + CHECKSUM_SIZE;

/** Fragment numbers have 6 bits. */
export const MAX_FRAGMENTS = 64;

/** Header bytes: flag, message ID, size. */
export const FOLLOW_ON_HEADER = 7;
/** More header bytes of a first fragment that others follow: the message ID. */
export const MESSAGE_ID_SIZE = 4;

const FOLLOW_ON = 0x80;
const DELAY = 0x10;
const FRAGMENTED = 0x08;
const EXTENDED = 0x04;
/** Delivery types inside tunnels; garlic cloves number them otherwise. */
const TYPES = ['local', 'tunnel', 'router'] as const;

export type Fragment =
  | {
      readonly kind: 'first';
      readonly delivery: Delivery;
      /** undefined: the message is whole */
      readonly messageId: number | undefined;
      readonly body: Uint8Array;
    }
  | {
      readonly kind: 'followOn';
      readonly messageId: number;
      /** 1 to 63 */
      readonly number: number;
      readonly last: boolean;
      readonly body: Uint8Array;
    };

/** Header bytes of a whole message; 3, 35 or 39. */
export function firstHeaderSize(delivery: Delivery): number {
  if (delivery.kind === 'local') return 3;
  return delivery.kind === 'router' ? 35 : 39;
}

/** Writes the header of a first fragment and returns the offset behind it. `messageId` when more fragments follow. */
export function writeFirstHeader(
  out: Buffer,
  at: number,
  delivery: Delivery,
  size: number,
  messageId: number | undefined,
): number {
  let next = out.writeUInt8(
    (TYPES.indexOf(delivery.kind) << 5) | (messageId === undefined ? 0 : FRAGMENTED),
    at,
  );
  if (delivery.kind === 'tunnel') next = out.writeUInt32BE(delivery.tunnelId, next);
  if (delivery.kind !== 'local') {
    out.set(hashBytes(delivery.router), next);
    next += HASH_LENGTH;
  }
  if (messageId !== undefined) next = out.writeUInt32BE(messageId, next);
  return out.writeUInt16BE(size, next);
}

export function writeFollowOnHeader(
  out: Buffer,
  at: number,
  part: {
    readonly messageId: number;
    readonly number: number;
    readonly last: boolean;
    readonly size: number;
  },
): number {
  let next = out.writeUInt8(FOLLOW_ON | (part.number << 1) | (part.last ? 1 : 0), at);
  next = out.writeUInt32BE(part.messageId, next);
  return out.writeUInt16BE(part.size, next);
}

/** First 4 bytes of SHA-256 over everything behind the zero byte, then the IV. */
export function checksumOf(message: Uint8Array, start: number): Uint8Array {
  return sha256(message.subarray(start), message.subarray(IV_OFFSET, DATA_OFFSET)).subarray(0, CHECKSUM_SIZE);
}

export function writeChecksum(message: Uint8Array, start: number): void {
  message.set(checksumOf(message, start), CHECKSUM_OFFSET);
}

/**
 * The fragments of a decrypted tunnel message, as views into it. Throws `DecodeError`: 'authentication' when the
 * checksum does not fit, which is what a flipped bit anywhere in the tunnel looks like.
 */
export function readFragments(message: Buffer): Fragment[] {
  const zero = message.indexOf(0, PADDING_OFFSET);
  if (zero < 0) throw new DecodeError('value', 'tunnel message', TUNNEL_MESSAGE_SIZE, 'no zero byte');
  const checksum = message.subarray(CHECKSUM_OFFSET, PADDING_OFFSET);
  if (checksum.compare(checksumOf(message, zero + 1)) !== 0) {
    throw new DecodeError('authentication', 'tunnel message', CHECKSUM_OFFSET);
  }
  const input = new ByteReader(message.subarray(zero + 1), 'tunnel message');
  const fragments: Fragment[] = [];
  while (input.remaining > 0) fragments.push(readFragment(input));
  return fragments;
}

function readFragment(input: ByteReader): Fragment {
  const flag = input.u8();
  if ((flag & FOLLOW_ON) !== 0) {
    const number = (flag >> 1) & 0x3f;
    if (number === 0) input.fail('value', 'follow-on fragment 0');
    const messageId = input.u32();
    return { kind: 'followOn', messageId, number, last: (flag & 1) === 1, body: readBody(input) };
  }
  const delivery = readDelivery(input, (flag >> 5) & 3);
  if ((flag & DELAY) !== 0) input.skip(1);
  const messageId = (flag & FRAGMENTED) === 0 ? undefined : input.u32();
  if ((flag & EXTENDED) !== 0) input.skip(input.u8());
  return { kind: 'first', delivery, messageId, body: readBody(input) };
}

function readDelivery(input: ByteReader, type: number): Delivery {
  const kind = TYPES[type];
  if (!kind) return input.fail('value', 'delivery type 3');
  if (kind === 'local') return { kind };
  if (kind === 'router') return { kind, router: readHash(input) };
  const tunnelId = input.u32();
  return { kind, tunnelId, router: readHash(input) };
}

function readHash(input: ByteReader): RouterHash {
  return routerHash(input.bytes(HASH_LENGTH));
}

function readBody(input: ByteReader): Uint8Array {
  const size = input.u16();
  if (size === 0) input.fail('length', 'empty fragment');
  return input.bytes(size);
}
