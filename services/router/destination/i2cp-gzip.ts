import { crc32, deflateRawSync, gunzipSync } from 'node:zlib';
import { DecodeError } from '@allium/common/bytes/errors.ts';
import { ByteReader } from '@allium/common/bytes/reader.ts';
import { ByteWriter } from '@allium/common/bytes/writer.ts';
import { MAX_PAYLOAD } from './limits.ts';

/** What the gzip header's time and OS fields carry (I2CP, "Format"). */
export interface I2cpFrame {
  /** u16; 0 is "any" */
  readonly fromPort: number;
  /** u16 */
  readonly toPort: number;
  /** `I2CP_PROTOCOL` */
  readonly protocol: number;
  readonly payload: Uint8Array;
}

const STRUCTURE = 'I2CP payload';
const HEADER_LENGTH = 10;
/** header, block type, LEN, NLEN, CRC-32, ISIZE */
const STORED_OVERHEAD = 23;
/** bytes; shorter payloads never shrink (Java's and i2pd's threshold) */
const COMPRESS_FROM = 66;
/** One final stored block (RFC 1951, 3.2.4). */
const STORED_FINAL = 1;
const MAGIC = 0x1f8b;
const DEFLATE = 8;

/** Frames a payload of up to 65,535 bytes. Uncompressed (level 0) unless `compress` makes it shorter. */
export function encodeI2cp(frame: I2cpFrame, compress = false): Uint8Array {
  const { payload } = frame;
  if (payload.length > MAX_PAYLOAD) throw new RangeError(`payload of ${payload.length} bytes`);
  if (compress && payload.length >= COMPRESS_FROM) {
    const deflated = deflateRawSync(payload);
    if (deflated.length < payload.length)
      return assemble(frame, deflated.length, (out) => out.bytes(deflated));
  }
  return assemble(frame, 5 + payload.length, (out) => {
    out
      .u8(STORED_FINAL)
      .u16(swap(payload.length))
      .u16(swap(0xffff - payload.length))
      .bytes(payload);
  });
}

/** Reads any gzip member. Throws `DecodeError`. The payload of a stored one is a view of `bytes`. */
export function decodeI2cp(bytes: Uint8Array): I2cpFrame {
  const input = new ByteReader(bytes, STRUCTURE);
  if (input.u16() !== MAGIC) input.fail('value', 'magic');
  if (input.u8() !== DEFLATE) input.fail('unsupported', 'compression method');
  const flags = input.u8();
  const fromPort = input.u16();
  const toPort = input.u16();
  input.skip(1);
  const protocol = input.u8();
  const payload = flags === 0 && bytes[HEADER_LENGTH] === STORED_FINAL ? stored(input) : inflate(bytes);
  return { fromPort, toPort, protocol, payload };
}

function assemble(frame: I2cpFrame, bodyLength: number, body: (out: ByteWriter) => void): Uint8Array {
  const out = new ByteWriter(HEADER_LENGTH + bodyLength + 8);
  out.u16(MAGIC).u8(DEFLATE).u8(0).u16(frame.fromPort).u16(frame.toPort).u8(0).u8(frame.protocol);
  body(out);
  out.u32(swap32(crc32(frame.payload))).u32(swap32(frame.payload.length));
  return out.finish();
}

/** A single stored block, which is what most peers send: no zlib call, no copy. */
function stored(input: ByteReader): Uint8Array {
  input.skip(1);
  const length = swap(input.u16());
  if (swap(input.u16()) !== 0xffff - length) input.fail('length', 'stored block');
  const payload = input.bytes(length);
  if (swap32(input.u32()) !== crc32(payload)) input.fail('authentication', 'CRC-32');
  if (swap32(input.u32()) !== length) input.fail('length', 'size');
  input.expectEnd();
  return payload;
}

function inflate(bytes: Uint8Array): Uint8Array {
  if (bytes.length < STORED_OVERHEAD - 5) throw new DecodeError('short', STRUCTURE, bytes.length);
  try {
    return gunzipSync(bytes, { maxOutputLength: MAX_PAYLOAD });
  } catch {
    throw new DecodeError('value', STRUCTURE, HEADER_LENGTH, 'gzip');
  }
}

/** gzip's own integers are little-endian. */
function swap(value: number): number {
  return ((value & 0xff) << 8) | (value >>> 8);
}

function swap32(value: number): number {
  return (swap(value & 0xffff) * 0x1_0000 + swap(value >>> 16)) >>> 0;
}
