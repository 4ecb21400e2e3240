/** Largest correction in ms: beyond it the machine's clock is wrong and a person has to look. */
export const MAX_CORRECTION_MS = 10 * 60_000;
/** The machine's clock moved by more than this (ms) against the monotonic one: suspend, NTP step, or a person. */
const JUMP_MS = 2_000;

/**
 * Network time: the machine's clock plus a correction. It runs on the monotonic clock, so cores never see it step;
 * `resync` notices when the machine's clock jumped and starts anew from it.
 */
export class NetworkClock {
  readonly #wall: () => number;
  readonly #monotonic: () => number;
  #origin: number;
  #correction = 0;

  constructor(wall: () => number = () => Date.now(), monotonic: () => number = () => performance.now()) {
    this.#wall = wall;
    this.#monotonic = monotonic;
    this.#origin = wall() - monotonic();
  }

  /** ms since 1970 */
  now(): number {
    return Math.floor(this.#origin + this.#monotonic() + this.#correction);
  }

  get correction(): number {
    return this.#correction;
  }

  /** Moves the time by `byMs`; false when the sum would be above the limit. */
  correct(byMs: number): boolean {
    const sum = this.#correction + byMs;
    if (Math.abs(sum) > MAX_CORRECTION_MS) return false;
    this.#correction = sum;
    return true;
  }

  /** After a jump of the machine's clock: takes it over, forgets the correction, returns the jump in ms. */
  resync(): number {
    const origin = this.#wall() - this.#monotonic();
    const jump = origin - this.#origin;
    if (Math.abs(jump) < JUMP_MS) return 0;
    this.#origin = origin;
    this.#correction = 0;
    return jump;
  }
}
