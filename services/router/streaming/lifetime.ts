import { CONNECT_TIMEOUT, IDLE_LIMIT, KEEPALIVE_AFTER, PING_AFTER } from './limits.ts';

/** How long a stream may stay silent. Times in ms. */
export class Lifetime {
  readonly #openedAt: number;
  #heardAt: number;
  #activeAt: number;
  #pingedAt = Number.NEGATIVE_INFINITY;

  constructor(now: number) {
    this.#openedAt = now;
    this.#heardAt = now;
    this.#activeAt = now;
  }

  heard(now: number): void {
    this.#heardAt = now;
    this.#activeAt = now;
  }

  sent(now: number): void {
    this.#activeAt = now;
  }

  /** `open`: the peer has answered. */
  expired(open: boolean, now: number): boolean {
    return now >= (open ? this.#heardAt + IDLE_LIMIT : this.#openedAt + CONNECT_TIMEOUT);
  }

  keepaliveDue(now: number): boolean {
    return now >= this.#activeAt + KEEPALIVE_AFTER;
  }

  /** At every keepalive it is worth a look, so it needs no wake of its own. */
  pingDue(now: number): boolean {
    const due = now >= Math.max(this.#heardAt, this.#pingedAt) + PING_AFTER;
    if (due) this.#pingedAt = now;
    return due;
  }

  wakeAt(open: boolean): number {
    return open ? this.#activeAt + KEEPALIVE_AFTER : this.#openedAt + CONNECT_TIMEOUT;
  }
}
