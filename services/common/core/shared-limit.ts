/**
 * One limit for several holders, with fair shares: a holder may take more as long as it holds no more than what is left
 * (dynamic thresholds, as switches share a buffer among their ports: Choudhury and Hahne, 1998).
 * One alone gets half; n greedy ones get 1/(n + 1) each, and as much again stays free for whoever comes next.
 */
export class SharedLimit {
  readonly limit: number;
  #used = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  get used(): number {
    return this.#used;
  }

  share(): Share {
    return new Share(this);
  }

  /** What a share takes or gives back. */
  change(n: number): void {
    this.#used += n;
  }
}

/** What one holder has of a `SharedLimit`. */
export class Share {
  readonly #all: SharedLimit;
  #used = 0;
  #released = false;

  constructor(all: SharedLimit) {
    this.#all = all;
  }

  get used(): number {
    return this.#used;
  }

  /** More than its share is held: others came, or it was added regardless. */
  get over(): boolean {
    return this.#used > this.#all.limit - this.#all.used;
  }

  /** Whether `n` more would be within the share. */
  fits(n: number): boolean {
    return this.#used + n <= this.#all.limit - this.#all.used;
  }

  /** False: nothing was taken. */
  take(n: number): boolean {
    if (!this.fits(n)) return false;
    this.add(n);
    return true;
  }

  /** Regardless of the share: whoever does it makes room afterwards. */
  add(n: number): void {
    const change = Math.max(n, -this.#used);
    if (this.#released) return;
    this.#used += change;
    this.#all.change(change);
  }

  give(n: number): void {
    this.add(-n);
  }

  /** The holder is gone, and with it all that it held; what it still gives back counts no more. */
  release(): void {
    this.give(this.#used);
    this.#released = true;
  }
}
