/** Largest correction in ms: beyond it the machine's clock is wrong and a person has to look. */
export const MAX_CORRECTION_MS = 10 * 60_000;
/** The machine's clock moved by more than this (ms) against the monotonic one: suspend, NTP step, or a person. */
const JUMP_MS = 2_000;
/** So much faster or slower the time runs while it follows the peers: no step, and no more than 72 s in an hour. */
export const SLEW_RATE = 0.02;
/** The first correction above this (ms) is a step: nothing depends on the time yet. */
export const STEP_ABOVE_MS = 1_000;
/** Differences from the peers below this (ms) are theirs: they tell whole seconds. */
export const SETTLED_MS = 250;

/** What following the peers has come to. */
export interface Followed {
  /** ms that the time was moved since it was asked last */
  readonly moved: number;
  /** the peers are further away than may be corrected */
  readonly beyond: boolean;
}

/**
 * Network time: the machine's clock plus a correction. It runs on the monotonic clock, so cores never see it step but
 * once at the start; `resync` notices when the machine's clock jumped and starts anew from it.
 */
export class NetworkClock {
  readonly #wall: () => number;
  readonly #monotonic: () => number;
  #origin: number;
  #correction = 0;
  /** what the correction is on its way to change by, and since when */
  #slew = { by: 0, since: 0 };
  #followed = false;

  constructor(wall: () => number = () => Date.now(), monotonic: () => number = () => performance.now()) {
    this.#wall = wall;
    this.#monotonic = monotonic;
    this.#origin = wall() - monotonic();
  }

  /** ms since 1970 */
  now(): number {
    return Math.floor(this.#origin + this.#monotonic() + this.#correction + this.#slewed());
  }

  /** ms */
  get correction(): number {
    return Math.round(this.#correction + this.#slewed());
  }

  /**
   * To be called often. `skew` is the peers' clock minus ours as of the last call, undefined when they do not agree: the
   * time then stays where it is. The first time that they agree it steps there, later it runs there at `SLEW_RATE`.
   */
  follow(skew: number | undefined): Followed {
    const moved = this.#slewed();
    this.#correction += moved;
    this.#slew = { by: 0, since: this.#monotonic() };
    if (skew === undefined) return { moved, beyond: false };
    const rest = skew - moved;
    if (Math.abs(this.#correction + rest) > MAX_CORRECTION_MS) return { moved, beyond: true };
    const first = !this.#followed;
    this.#followed = true;
    if (first && Math.abs(rest) > STEP_ABOVE_MS) {
      this.#correction += rest;
      return { moved: moved + rest, beyond: false };
    }
    if (Math.abs(rest) > SETTLED_MS) this.#slew = { by: rest, since: this.#monotonic() };
    return { moved, beyond: false };
  }

  /** After a jump of the machine's clock: takes it over, forgets the correction, returns the jump in ms. */
  resync(): number {
    const origin = this.#wall() - this.#monotonic();
    const jump = origin - this.#origin;
    if (Math.abs(jump) < JUMP_MS) return 0;
    this.#origin = origin;
    this.#correction = 0;
    this.#slew = { by: 0, since: 0 };
    this.#followed = false;
    return jump;
  }

  #slewed(): number {
    const most = SLEW_RATE * (this.#monotonic() - this.#slew.since);
    return Math.max(-most, Math.min(most, this.#slew.by));
  }
}
