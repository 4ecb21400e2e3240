import { type RandomBytes, randomBelow } from '@allium/common/core/random.ts';
import { LINGER_BYTES, LINGER_TIME } from './limits.ts';
import type { Close, CloseCode, Stage } from './types.ts';

/** Errors that only a peer outside the protocol makes. Skew is not among them: the wrong clock may be ours. */
const PEER_FAULTS: ReadonlySet<CloseCode> = new Set<CloseCode>([
  'authentication',
  'format',
  'network-id',
  'version',
  'replay',
  'router-info',
]);

export function closeOf(stage: Stage, code: CloseCode, reason?: number): Close {
  const close: Close = { stage, code, peerFault: PEER_FAULTS.has(code) };
  return reason === undefined ? close : { ...close, reason };
}

/**
 * A session that has failed reads on for a random time or number of bytes, so that a prober learns nothing from
 * where it stops (NTCP2, "AEAD Error Handling").
 */
export class Linger {
  readonly close: Close;
  /** the last frame, sent at the end */
  readonly farewell: Uint8Array | undefined;
  /** milliseconds since the epoch */
  readonly until: number;
  #bytesLeft: number;

  constructor(random: RandomBytes, now: number, close: Close, farewell: Uint8Array | undefined) {
    this.close = close;
    this.farewell = farewell;
    this.until = now + randomBelow(random, LINGER_TIME);
    this.#bytesLeft = randomBelow(random, LINGER_BYTES);
  }

  /** Throws `length` bytes away; true when that was enough. */
  swallow(length: number): boolean {
    this.#bytesLeft -= length;
    return this.#bytesLeft < 0;
  }
}
