import type { RandomBytes } from '@allium/common/core/random.ts';
import type { AckedMessage, NextKeyBlock, PayloadBlock } from '../i2np/block-types.ts';
import { BLOCK_HEADER_SIZE, blocksSize, decodeBlocks, encodeBlocks } from '../i2np/blocks.ts';
import type { GarlicClove } from '../i2np/clove.ts';
import { TWO_TUNNEL_MESSAGES } from './limits.ts';

/** Padding is 0 to 15 bytes (spec, "Padding"). */
const PADDING_MASK = 0x0f;
/** Padding lengths drawn from the entropy source at a time. */
const PADDING_STOCK = 64;

/** What a decrypted payload says, in the order it is acted upon. */
export interface Payload {
  /** milliseconds since the epoch, if the first block is a DateTime */
  readonly dateTime: number | undefined;
  readonly cloves: readonly GarlicClove[];
  readonly nextKeys: readonly NextKeyBlock[];
  readonly acks: readonly AckedMessage[];
  readonly ackRequested: boolean;
  readonly terminated: boolean;
}

/** Throws `DecodeError`. Cloves are views of `bytes`. */
export function readPayload(bytes: Uint8Array): Payload {
  const blocks = decodeBlocks(bytes);
  const first = blocks[0];
  const cloves: GarlicClove[] = [];
  const nextKeys: NextKeyBlock[] = [];
  const acks: AckedMessage[] = [];
  let ackRequested = false;
  let terminated = false;
  for (const block of blocks) {
    if (block.kind === 'clove') cloves.push(block.clove);
    else if (block.kind === 'nextKey') nextKeys.push(block);
    else if (block.kind === 'ack') acks.push(...block.acks);
    else if (block.kind === 'ackRequest') ackRequested = true;
    else if (block.kind === 'termination') terminated = true;
  }
  const dateTime = first?.kind === 'dateTime' ? first.at : undefined;
  return { dateTime, cloves, nextKeys, acks, ackRequested, terminated };
}

/** Writes payloads with padding of random length. */
export class PayloadWriter {
  readonly #random: RandomBytes;
  #stock: Uint8Array = new Uint8Array(0);
  #at = 0;

  constructor(random: RandomBytes) {
    this.#random = random;
  }

  /** `control` comes first: DateTime has to. Throws `RangeError` above 65519 bytes. */
  write(control: readonly PayloadBlock[], cloves: readonly GarlicClove[]): Uint8Array {
    const blocks = [...control];
    for (const clove of cloves) blocks.push({ kind: 'clove', clove });
    const length = this.#paddingFor(blocksSize(blocks));
    if (length >= 0) blocks.push({ kind: 'padding', length });
    return encodeBlocks(blocks);
  }

  /** Bytes of padding, or -1 for no block at all. */
  #paddingFor(size: number): number {
    const room = TWO_TUNNEL_MESSAGES - size - BLOCK_HEADER_SIZE;
    if (room < 0 && room >= -BLOCK_HEADER_SIZE) return -1;
    const length = this.#nextLength();
    return room < 0 ? length : Math.min(room, length);
  }

  #nextLength(): number {
    if (this.#at === this.#stock.length) {
      this.#stock = this.#random(PADDING_STOCK);
      this.#at = 0;
    }
    return (this.#stock[this.#at++] ?? 0) & PADDING_MASK;
  }
}
