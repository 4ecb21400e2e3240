import type { ByteReader } from '@allium/common/bytes/reader.ts';
import type { ByteWriter } from '@allium/common/bytes/writer.ts';
import { type AckedMessage, BLOCK_TYPE, type NextKeyBlock, type PayloadBlock } from './block-types.ts';
import { cloveSize, readClove, writeClove } from './clove.ts';

/** bytes behind the block's header; ECIES Ratchet, "Options" */
const MIN_OPTIONS_SIZE = 21;
const KEY_LENGTH = 32;
const KEY_PRESENT = 0x01;
const REVERSE = 0x02;
const REQUEST_REVERSE = 0x04;
const MAX_KEY_ID = 32767;

/** Bytes behind the block's type and size. */
export function contentSize(block: PayloadBlock): number {
  switch (block.kind) {
    case 'dateTime':
      return 4;
    case 'termination':
      return 1 + block.data.length;
    case 'options':
      return block.data.length;
    case 'messageNumber':
      return 2;
    case 'nextKey':
      return 3 + (block.publicKey?.length ?? 0);
    case 'ack':
      return 4 * block.acks.length;
    case 'ackRequest':
      return 1;
    case 'clove':
      return cloveSize(block.clove);
    case 'padding':
      return block.length;
  }
}

/** Type, size and content. */
export function writeBlock(out: ByteWriter, block: PayloadBlock): void {
  out.u8(BLOCK_TYPE[block.kind]).u16(contentSize(block));
  switch (block.kind) {
    case 'dateTime':
      out.u32(Math.floor(block.at / 1000));
      break;
    case 'termination':
      out.u8(block.reason).bytes(block.data);
      break;
    case 'options':
      out.bytes(block.data);
      break;
    case 'messageNumber':
      out.u16(block.previous);
      break;
    case 'nextKey':
      writeNextKey(out, block);
      break;
    case 'ack':
      for (const { tagSetId, messageNumber } of block.acks) out.u16(tagSetId).u16(messageNumber);
      break;
    case 'ackRequest':
      out.u8(0);
      break;
    case 'clove':
      writeClove(out, block.clove);
      break;
    case 'padding':
      out.zeros(block.length);
      break;
  }
}

/** The content of one block, all of `input`; undefined for a type that we don't know. Throws `DecodeError`. */
export function readContent(type: number, input: ByteReader): PayloadBlock | undefined {
  switch (type) {
    case BLOCK_TYPE.dateTime:
      return whole(input, { kind: 'dateTime', at: input.u32() * 1000 });
    case BLOCK_TYPE.termination:
      return { kind: 'termination', reason: input.u8(), data: input.rest() };
    case BLOCK_TYPE.options:
      if (input.remaining < MIN_OPTIONS_SIZE) input.fail('short', 'options');
      return { kind: 'options', data: input.rest() };
    case BLOCK_TYPE.messageNumber:
      return whole(input, { kind: 'messageNumber', previous: input.u16() });
    case BLOCK_TYPE.nextKey:
      return whole(input, readNextKey(input));
    case BLOCK_TYPE.ack:
      return { kind: 'ack', acks: readAcks(input) };
    case BLOCK_TYPE.ackRequest:
      // One byte of flags, none defined.
      input.u8();
      return whole(input, { kind: 'ackRequest' });
    case BLOCK_TYPE.clove:
      return { kind: 'clove', clove: readClove(input) };
    case BLOCK_TYPE.padding:
      return { kind: 'padding', length: input.rest().length };
    default:
      return undefined;
  }
}

function whole(input: ByteReader, block: PayloadBlock): PayloadBlock {
  input.expectEnd();
  return block;
}

function writeNextKey(out: ByteWriter, block: NextKeyBlock): void {
  if (block.keyId > MAX_KEY_ID) throw new RangeError(`key id ${block.keyId}`);
  if (block.publicKey && block.publicKey.length !== KEY_LENGTH) throw new RangeError('next key');
  const flags =
    (block.publicKey ? KEY_PRESENT : 0) |
    (block.reverse ? REVERSE : 0) |
    (block.requestReverse ? REQUEST_REVERSE : 0);
  out.u8(flags).u16(block.keyId);
  if (block.publicKey) out.bytes(block.publicKey);
}

function readNextKey(input: ByteReader): NextKeyBlock {
  const flags = input.u8();
  const keyId = input.u16();
  if (keyId > MAX_KEY_ID) input.fail('value', `key id ${keyId}`);
  const block = {
    kind: 'nextKey',
    keyId,
    reverse: (flags & REVERSE) !== 0,
    requestReverse: (flags & REQUEST_REVERSE) !== 0,
  } as const;
  return (flags & KEY_PRESENT) !== 0 ? { ...block, publicKey: input.bytes(KEY_LENGTH) } : block;
}

function readAcks(input: ByteReader): AckedMessage[] {
  if (input.remaining === 0) input.fail('short', 'no ack');
  const acks: AckedMessage[] = [];
  while (input.remaining > 0) acks.push({ tagSetId: input.u16(), messageNumber: input.u16() });
  return acks;
}
