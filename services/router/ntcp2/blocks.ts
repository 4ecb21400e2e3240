import type { ByteReader } from '@allium/common/bytes/reader.ts';
import type { ByteWriter } from '@allium/common/bytes/writer.ts';
import { type I2npMessage, shortSize, writeShort } from '../i2np/message.ts';

/** Block types of NTCP2, "Unencrypted data". */
export const BLOCK = {
  dateTime: 0,
  options: 1,
  routerInfo: 2,
  i2np: 3,
  termination: 4,
  padding: 254,
} as const;

/** bytes: type and length */
export const BLOCK_HEADER_SIZE = 3;

/** Bytes of whole blocks. */
export const DATE_TIME_BLOCK_SIZE = BLOCK_HEADER_SIZE + 4;
export const OPTIONS_BLOCK_SIZE = BLOCK_HEADER_SIZE + 12;
export const TERMINATION_BLOCK_SIZE = BLOCK_HEADER_SIZE + 9;

/** 4.4 fixed-point ratios of padding to data: we add up to 6 % and don't mind up to 100 %. No dummy traffic, no delay. */
const PADDING_RATIOS = [0x00, 0x01, 0x00, 0x10] as const;

export function blockSize(dataLength: number): number {
  return BLOCK_HEADER_SIZE + dataLength;
}

/** bytes of the block that carries `message` */
export function i2npBlockSize(message: I2npMessage): number {
  return BLOCK_HEADER_SIZE + shortSize(message);
}

export function writeI2npBlock(out: ByteWriter, message: I2npMessage): void {
  out.u8(BLOCK.i2np).u16(shortSize(message));
  writeShort(out, message);
}

/** `seconds` since the epoch, rounded. */
export function writeDateTimeBlock(out: ByteWriter, seconds: number): void {
  out.u8(BLOCK.dateTime).u16(4).u32(seconds);
}

export function writeOptionsBlock(out: ByteWriter): void {
  out.u8(BLOCK.options).u16(12);
  for (const ratio of PADDING_RATIOS) out.u8(ratio);
  out.zeros(8);
}

/** `routerInfo` as it is signed, not compressed. */
export function writeRouterInfoBlock(out: ByteWriter, routerInfo: Uint8Array, flood: boolean): void {
  out
    .u8(BLOCK.routerInfo)
    .u16(1 + routerInfo.length)
    .u8(flood ? 1 : 0)
    .bytes(routerInfo);
}

/** `framesReceived` is the number of valid frames of the peer. */
export function writeTerminationBlock(out: ByteWriter, framesReceived: number, reason: number): void {
  out.u8(BLOCK.termination).u16(9).u64(framesReceived).u8(reason);
}

/** Must be the last block. */
export function writePaddingBlock(out: ByteWriter, padding: Uint8Array): void {
  out.u8(BLOCK.padding).u16(padding.length).bytes(padding);
}

/** Type and length of the next block; undefined when either it or its data would run over the end of the frame. */
export function readBlockHeader(input: ByteReader): { type: number; length: number } | undefined {
  if (input.remaining < BLOCK_HEADER_SIZE) return undefined;
  const type = input.u8();
  const length = input.u16();
  return length > input.remaining ? undefined : { type, length };
}
