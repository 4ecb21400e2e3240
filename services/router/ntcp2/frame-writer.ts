import type { ByteWriter } from '@allium/common/bytes/writer.ts';
import type { RandomBytes } from '@allium/common/core/random.ts';
import type { I2npMessage } from '../i2np/message.ts';
import {
  BLOCK_HEADER_SIZE,
  blockSize,
  DATE_TIME_BLOCK_SIZE,
  TERMINATION_BLOCK_SIZE,
  writeDateTimeBlock,
  writeI2npBlock,
  writePaddingBlock,
  writeRouterInfoBlock,
  writeTerminationBlock,
} from './blocks.ts';
import { FrameSealer } from './frame.ts';
import { toSeconds } from './handshake.ts';
import { MAX_BLOCK_DATA } from './limits.ts';
import type { DirectionKeys } from './transport-keys.ts';

/** Bytes of padding in a frame, at most: 6 % of a long one, and enough to blur a short one. */
const SHORT_PADDING = 15;
const LONG_PADDING = 255;

/** bytes fetched from the entropy source at a time; a call per frame would cost more than the frame */
const POOL_SIZE = 1024;

const NOTHING = new Uint8Array(0);

/** Builds the frames of our direction. */
export class FrameWriter {
  readonly #sealer: FrameSealer;
  readonly #random: RandomBytes;
  #pool: Uint8Array = NOTHING;

  constructor(keys: DirectionKeys, random: RandomBytes) {
    this.#sealer = new FrameSealer(keys);
    this.#random = random;
  }

  get frames(): number {
    return this.#sealer.frames;
  }

  /** One frame with all of `batch`; `size` is the sum of their blocks and fits into a frame. */
  messages(batch: readonly I2npMessage[], size: number): Uint8Array {
    const padding = this.#padding(size);
    const out = this.#open(size, padding);
    for (const message of batch) writeI2npBlock(out, message);
    return this.#seal(out, padding);
  }

  /** A frame that only says that we are here, and when. */
  keepAlive(now: number): Uint8Array {
    const padding = this.#padding(DATE_TIME_BLOCK_SIZE);
    const out = this.#open(DATE_TIME_BLOCK_SIZE, padding);
    writeDateTimeBlock(out, toSeconds(now));
    return this.#seal(out, padding);
  }

  routerInfo(raw: Uint8Array): Uint8Array {
    const size = blockSize(1 + raw.length);
    const padding = this.#padding(size);
    const out = this.#open(size, padding);
    writeRouterInfoBlock(out, raw, false);
    return this.#seal(out, padding);
  }

  termination(framesReceived: number, reason: number): Uint8Array {
    const padding = this.#padding(TERMINATION_BLOCK_SIZE);
    const out = this.#open(TERMINATION_BLOCK_SIZE, padding);
    writeTerminationBlock(out, framesReceived, reason);
    return this.#seal(out, padding);
  }

  #open(size: number, padding: Uint8Array | undefined): ByteWriter {
    return this.#sealer.open(padding ? size + blockSize(padding.length) : size);
  }

  #seal(out: ByteWriter, padding: Uint8Array | undefined): Uint8Array {
    if (padding) writePaddingBlock(out, padding);
    return this.#sealer.seal(out);
  }

  /** Padding for a frame of `size` bytes of blocks; undefined when it has no room for the block. */
  #padding(size: number): Uint8Array | undefined {
    const room = MAX_BLOCK_DATA - size;
    if (room < 0) return undefined;
    const most = Math.min(Math.max(SHORT_PADDING, size >>> 4), LONG_PADDING, room);
    const byte = this.#take(1)[0] ?? 0;
    return this.#take(Math.floor((byte * (most + 1)) / 256));
  }

  #take(length: number): Uint8Array {
    if (length > this.#pool.length) this.#pool = this.#random(POOL_SIZE);
    const bytes = this.#pool.subarray(0, length);
    this.#pool = this.#pool.subarray(length);
    return bytes;
  }
}

/** bytes of blocks in the largest frame */
export const MAX_CONTENT = MAX_BLOCK_DATA + BLOCK_HEADER_SIZE;
