import { type Codec, decode, encode } from '@allium/common/bytes/codec.ts';
import { ByteReader } from '@allium/common/bytes/reader.ts';
import { ByteWriter } from '@allium/common/bytes/writer.ts';
import { sha256 } from '../crypto/hash.ts';

/** I2NP, "Messages". 21 to 24 are the long tunnel builds of ElGamal times, which nobody sends to us. */
export const I2NP_TYPE = {
  databaseStore: 1,
  databaseLookup: 2,
  databaseSearchReply: 3,
  deliveryStatus: 10,
  garlic: 11,
  tunnelData: 18,
  tunnelGateway: 19,
  data: 20,
  tunnelBuild: 21,
  tunnelBuildReply: 22,
  variableTunnelBuild: 23,
  variableTunnelBuildReply: 24,
  shortTunnelBuild: 25,
  outboundTunnelBuildReply: 26,
} as const;

/** Any message, its body still in bytes. What is decoded views its input: whoever stores it copies. */
export interface I2npMessage {
  /** `I2NP_TYPE`, or one that we don't know */
  readonly type: number;
  /** u32 */
  readonly id: number;
  /** milliseconds since the epoch; whole seconds under a short header */
  readonly expires: number;
  readonly payload: Uint8Array;
}

/** bytes */
export const LONG_HEADER_SIZE = 16;
export const SHORT_HEADER_SIZE = 9;

/** bytes; what the size field of a long header can say */
export const MAX_PAYLOAD = 0xffff;

/** ms; the last second that a short header can say. Whoever claims a later one means no end at all. */
const MAX_EXPIRES = 0xffff_ffff * 1_000;

/** I2NP, "I2NP message header", standard form: inside TunnelGateway and tunnel messages. */
export const longMessageCodec: Codec<I2npMessage> = {
  structure: 'I2NPMessage',
  size: (value) => LONG_HEADER_SIZE + value.payload.length,
  write(out, value) {
    out.u8(value.type).u32(value.id).u64(value.expires).u16(value.payload.length);
    out.u8(checksum(value.payload)).bytes(value.payload);
  },
  read(input) {
    const type = input.u8();
    const id = input.u32();
    const expires = readExpires(input);
    const size = input.u16();
    const expected = input.u8();
    const payload = input.bytes(size);
    if (checksum(payload) !== expected) input.fail('authentication', 'checksum');
    return { type, id, expires, payload };
  },
};

/** Milliseconds of a long header, within what a short one can say: messages are passed on under the other. */
export function readExpires(input: ByteReader): number {
  return Math.min(input.u64(), MAX_EXPIRES);
}

export function encodeLong(message: I2npMessage): Uint8Array {
  return encode(longMessageCodec, message);
}

/** Throws `DecodeError`, also for trailing bytes. */
export function decodeLong(bytes: Uint8Array): I2npMessage {
  return decode(longMessageCodec, bytes);
}

/** Bytes of the short form. */
export function shortSize(message: I2npMessage): number {
  return SHORT_HEADER_SIZE + message.payload.length;
}

/** I2NP, "I2NP message header", 9-byte form: NTCP2 blocks and ratchet cloves, which know the length. */
export function writeShort(out: ByteWriter, message: I2npMessage): void {
  out
    .u8(message.type)
    .u32(message.id)
    .u32(Math.round(message.expires / 1000))
    .bytes(message.payload);
}

/** Takes all that is left for the payload. Throws `DecodeError`. */
export function readShort(input: ByteReader): I2npMessage {
  const type = input.u8();
  const id = input.u32();
  return { type, id, expires: input.u32() * 1000, payload: input.rest() };
}

export function encodeShort(message: I2npMessage): Uint8Array {
  const out = new ByteWriter(shortSize(message));
  writeShort(out, message);
  return out.finish();
}

/** Throws `DecodeError` for less than a header. */
export function decodeShort(bytes: Uint8Array): I2npMessage {
  return readShort(new ByteReader(bytes, 'I2NPMessage'));
}

function checksum(payload: Uint8Array): number {
  return sha256(payload)[0] ?? 0;
}
