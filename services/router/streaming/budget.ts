/**
 * Bytes; received data that all streams of one Destination may hold together. A single fast stream needs about 1 MiB
 * (512 packets); the sum keeps thousands of streams from filling the machine.
 */
export const RECEIVE_BUDGET = 64 * 1_048_576;

/** Counts bytes that several buffers share. */
export class ByteBudget {
  readonly limit: number;
  #used = 0;

  constructor(limit = RECEIVE_BUDGET) {
    this.limit = limit;
  }

  get used(): number {
    return this.#used;
  }

  /** False: nothing was taken. */
  take(bytes: number): boolean {
    if (this.#used + bytes > this.limit) return false;
    this.#used += bytes;
    return true;
  }

  give(bytes: number): void {
    this.#used = Math.max(0, this.#used - bytes);
  }
}
