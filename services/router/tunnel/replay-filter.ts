import { IV_OFFSET, IV_SIZE, TUNNEL_MESSAGE_SIZE } from './hop-crypto.ts';

/** Entries of one generation; two exist. At 2 MB/s of transit a generation covers half a minute, at 100 kB/s ten minutes. */
export const REPLAY_GENERATION = 65_536;

const IV_END = IV_OFFSET + IV_SIZE;

/**
 * Tells tunnel messages that were here before, by IV XOR first block: so swapping the two is recognised as well
 * (tunnel-implementation, Participant Processing). Bounded: the older half is forgotten when the younger is full.
 */
export class ReplayFilter {
  readonly #generation: number;
  #young = new Set<string>();
  #old = new Set<string>();

  constructor(generation: number = REPLAY_GENERATION) {
    this.#generation = generation;
  }

  /** true when this tunnel message is new; it is known from now on */
  admit(message: Uint8Array): boolean {
    if (message.length !== TUNNEL_MESSAGE_SIZE) return false;
    const mixed = Buffer.allocUnsafe(IV_SIZE);
    for (let i = 0; i < IV_SIZE; i++) {
      mixed[i] = (message[IV_OFFSET + i] as number) ^ (message[IV_END + i] as number);
    }
    return this.admitKey(mixed.toString('latin1'));
  }

  admitKey(key: string): boolean {
    if (this.#young.has(key) || this.#old.has(key)) return false;
    this.#young.add(key);
    if (this.#young.size >= this.#generation) {
      this.#old = this.#young;
      this.#young = new Set();
    }
    return true;
  }
}
