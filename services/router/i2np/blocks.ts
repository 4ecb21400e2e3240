import { ByteReader } from '@allium/common/bytes/reader.ts';
import { ByteWriter } from '@allium/common/bytes/writer.ts';
import { contentSize, readContent, writeBlock } from './block-codec.ts';
import type { PayloadBlock } from './block-types.ts';

/** bytes of a payload: 65535 less the AEAD tag */
export const MAX_PAYLOAD_SIZE = 65519;
/** Blocks in one payload, known or not; real ones have a handful, an attacker's could have 20,000. */
export const MAX_BLOCKS = 256;

/** bytes of type and size */
export const BLOCK_HEADER_SIZE = 3;

/** Bytes that `encodeBlocks` will give. */
export function blocksSize(blocks: readonly PayloadBlock[]): number {
  let size = 0;
  for (const block of blocks) size += BLOCK_HEADER_SIZE + contentSize(block);
  return size;
}

/**
 * ECIES Ratchet, "Payload": the blocks in the given order. An order that the specification forbids, or more than
 * 65519 bytes, throw `RangeError`.
 */
export function encodeBlocks(blocks: readonly PayloadBlock[]): Uint8Array {
  const size = blocksSize(blocks);
  if (size > MAX_PAYLOAD_SIZE || blocks.length > MAX_BLOCKS) throw new RangeError(`payload of ${size} bytes`);
  if (misplaced(blocks)) throw new RangeError('block behind Padding or Termination');
  const out = new ByteWriter(size);
  for (const block of blocks) writeBlock(out, block);
  return out.finish();
}

/**
 * All blocks that we know, in order; unknown ones count as padding and are left out. Throws `DecodeError`, also for
 * a block behind Padding or Termination. What a message may carry at its stage (DateTime first in a New Session) is
 * the caller's to check. Arrays in the blocks are views.
 */
export function decodeBlocks(payload: Uint8Array): PayloadBlock[] {
  const input = new ByteReader(payload, 'Payload');
  const blocks: PayloadBlock[] = [];
  for (let count = 0; input.remaining > 0; count++) {
    if (count === MAX_BLOCKS) input.fail('length', 'too many blocks');
    const type = input.u8();
    const block = readContent(type, new ByteReader(input.bytes(input.u16()), 'Block'));
    if (block) blocks.push(block);
  }
  if (misplaced(blocks)) input.fail('value', 'block behind Padding or Termination');
  return blocks;
}

/** Padding comes last and once; behind a Termination there is nothing else. */
function misplaced(blocks: readonly PayloadBlock[]): boolean {
  const padding = blocks.findIndex(({ kind }) => kind === 'padding');
  const end = padding < 0 ? blocks.length : padding;
  const termination = blocks.findIndex(({ kind }) => kind === 'termination');
  return (padding >= 0 && padding !== blocks.length - 1) || (termination >= 0 && termination !== end - 1);
}
