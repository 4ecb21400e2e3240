import { DecodeError } from '@allium/common/bytes/errors.ts';
import { ByteReader } from '@allium/common/bytes/reader.ts';
import { TokenBucket } from '@allium/common/core/token-bucket.ts';
import { type I2npMessage, readShort, SHORT_HEADER_SIZE } from '../i2np/message.ts';
import { decodeRouterInfo } from '../wire/router-info.ts';
import { BLOCK, BLOCK_HEADER_SIZE } from './blocks.ts';
import { ROUTER_INFOS_BURST, ROUTER_INFOS_PER_SECOND } from './limits.ts';
import type { Output } from './types.ts';

/** Why no frame may follow: the peer's Termination block, or blocks that are none. */
export type FrameEnd = { readonly kind: 'terminated'; readonly reason: number } | { readonly kind: 'format' };

const STRUCTURE = 'NTCP2 frame';
const FORMAT: FrameEnd = { kind: 'format' };

/** Bytes of a Termination block's data up to the reason. */
const TERMINATION_DATA = 9;

/**
 * Reads the blocks of one decrypted frame in their order. Unknown blocks, Options (guidelines that we don't need)
 * and Padding are skipped; nothing is copied, so messages live on the frame's own memory.
 */
export class FrameReader {
  readonly #routerInfos = new TokenBucket(ROUTER_INFOS_PER_SECOND, ROUTER_INFOS_BURST);
  #messages = 0;
  #ignored = 0;

  /** I2NP messages so far. */
  get messages(): number {
    return this.#messages;
  }

  /** RouterInfo blocks that were no RouterInfo, or too many. */
  get ignored(): number {
    return this.#ignored;
  }

  /** Appends what the blocks say to `outputs`; returns why the session is over, if it is. */
  read(frame: Uint8Array, now: number, outputs: Output[]): FrameEnd | undefined {
    const input = new ByteReader(frame, STRUCTURE);
    while (input.remaining > 0) {
      if (input.remaining < BLOCK_HEADER_SIZE) return FORMAT;
      const type = input.u8();
      const length = input.u16();
      if (length > input.remaining) return FORMAT;
      const data = input.bytes(length);
      switch (type) {
        case BLOCK.i2np:
          if (length < SHORT_HEADER_SIZE) return FORMAT;
          this.#messages++;
          outputs.push({ kind: 'message', message: messageOf(data) });
          break;
        case BLOCK.routerInfo:
          if (this.#routerInfos.take(now)) this.#routerInfo(data, outputs);
          else this.#ignored++;
          break;
        case BLOCK.dateTime:
          // What it says counts in a handshake only: there it is tied to one question and its answer.
          if (length !== 4) return FORMAT;
          break;
        case BLOCK.termination:
          return length < TERMINATION_DATA ? FORMAT : { kind: 'terminated', reason: data[8] ?? 0 };
        default:
          break;
      }
    }
    return undefined;
  }

  #routerInfo(data: Uint8Array, outputs: Output[]): void {
    try {
      const routerInfo = decodeRouterInfo(data.subarray(1));
      outputs.push({ kind: 'routerInfo', routerInfo, flood: ((data[0] ?? 0) & 1) === 1 });
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.#ignored++;
    }
  }
}

function messageOf(data: Uint8Array): I2npMessage {
  return readShort(new ByteReader(data, STRUCTURE));
}
