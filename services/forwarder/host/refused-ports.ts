import { BoundedMap } from '@allium/common/core/bounded-map.ts';

/** Milliseconds that a refusal of CONNECT is remembered: a browser that insists on HTTPS asks again and again. */
export const REFUSED_MS = 180_000;
/** Remembered refusals; the oldest goes first. */
const REFUSED_MAX = 1_000;

/**
 * Where CONNECT was refused lately. Kept per client address, so that no workstation learns from the time of an answer
 * what another one asked for.
 */
export class RefusedPorts {
  readonly #until = new BoundedMap<string, number>(REFUSED_MAX);

  add(client: string, authority: string, now: number): void {
    this.#until.set(`${client} ${authority}`, now + REFUSED_MS);
  }

  has(client: string, authority: string, now: number): boolean {
    return (this.#until.get(`${client} ${authority}`) ?? 0) > now;
  }
}
