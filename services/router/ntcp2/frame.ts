import { ByteWriter } from '@allium/common/bytes/writer.ts';
import { AEAD_TAG_LENGTH, aeadOpen, aeadSealInto } from '../crypto/aead.ts';
import { LengthMask } from '../crypto/siphash.ts';
import type { DirectionKeys } from './transport-keys.ts';

/** bytes of the masked length before each frame */
export const LENGTH_SIZE = 2;

const NO_DATA = new Uint8Array(0);

/** Our direction of the data phase: masked length, then ciphertext and tag, in one allocation per frame. */
export class FrameSealer {
  readonly #key: Uint8Array;
  readonly #mask: LengthMask;
  #frames = 0;

  constructor(keys: DirectionKeys) {
    this.#key = keys.key;
    this.#mask = new LengthMask(keys.sipKey, keys.sipIv);
  }

  /** Frames sealed so far. */
  get frames(): number {
    return this.#frames;
  }

  /** A writer for exactly `length` bytes of blocks, to be handed to `seal` before the next `open`. */
  open(length: number): ByteWriter {
    const out = new ByteWriter(LENGTH_SIZE + length + AEAD_TAG_LENGTH);
    out.u16((length + AEAD_TAG_LENGTH) ^ this.#mask.next());
    return out;
  }

  /** The frame as it goes out; the blocks are encrypted where they stand. */
  seal(out: ByteWriter): Uint8Array {
    out.reserve(AEAD_TAG_LENGTH);
    const frame = out.finish();
    const plaintext = frame.subarray(LENGTH_SIZE, frame.length - AEAD_TAG_LENGTH);
    aeadSealInto(frame.subarray(LENGTH_SIZE), this.#key, this.#frames++, NO_DATA, plaintext);
    return frame;
  }
}

/** The peer's direction. */
export class FrameOpener {
  readonly #key: Uint8Array;
  readonly #mask: LengthMask;
  #frames = 0;

  constructor(keys: DirectionKeys) {
    this.#key = keys.key;
    this.#mask = new LengthMask(keys.sipKey, keys.sipIv);
  }

  /** Valid frames so far; what a Termination block reports. */
  get frames(): number {
    return this.#frames;
  }

  /** Bytes of the frame that follows its two bytes of length; undefined when that is no room for a tag. Once per frame. */
  length(masked: Uint8Array): number | undefined {
    const length = (((masked[0] ?? 0) << 8) | (masked[1] ?? 0)) ^ this.#mask.next();
    return length < AEAD_TAG_LENGTH ? undefined : length;
  }

  /** The blocks, in fresh memory; undefined when the tag is wrong. */
  open(ciphertext: Uint8Array): Uint8Array | undefined {
    const blocks = aeadOpen(this.#key, this.#frames, NO_DATA, ciphertext);
    if (blocks) this.#frames++;
    return blocks;
  }
}
