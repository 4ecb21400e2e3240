import { BoundedMap } from '@allium/common/core/bounded-map.ts';

/** Networks whose clocks are remembered; the one heard longest ago makes room. */
const MAX_SAMPLES = 64;
/** Networks that must agree before our clock follows them. */
export const QUORUM = 10;
/**
 * Clocks agree that differ by no more than this (ms): peers tell whole seconds, and half a round trip is a guess. It is
 * also the most that fewer than `QUORUM` liars can be off the honest one without whom they have no quorum.
 */
export const AGREEMENT_MS = 2_000;
/** A handshake that took longer (ms) tells the time too badly. */
export const MAX_ROUND_TRIP_MS = 4_000;
/** Our own clock may drift by half a second meanwhile. Milliseconds. */
export const MAX_AGE_MS = 2 * 3_600_000;

/** What a handshake that we began told of the peer's clock. */
export interface ClockSample {
  /** of the address that we dialled, IPv4 /16 or IPv6 /32: the peers of one may be one party */
  readonly network: string;
  /** the peer's clock minus ours, ms */
  readonly skew: number;
  /** ms */
  readonly roundTrip: number;
}

/**
 * How far the peers' clocks are from ours. One sample a network, so that many peers of one party are one voice; counted
 * only while most voices agree, and at least `QUORUM` of them.
 */
export class ClockSkew {
  readonly #samples = new BoundedMap<string, { readonly skew: number; readonly at: number }>(MAX_SAMPLES);

  add({ network, skew, roundTrip }: ClockSample, now: number): void {
    if (roundTrip > MAX_ROUND_TRIP_MS) return;
    this.#samples.set(network, { skew, at: now });
  }

  /** After our clock was moved by `by` ms because of the samples: they stay true. */
  moved(by: number): void {
    for (const [network, { skew, at }] of [...this.#samples.entries()]) {
      this.#samples.set(network, { skew: skew - by, at: at + by });
    }
  }

  /** After our clock jumped for another reason, at an unknown moment. */
  clear(): void {
    this.#samples.clear();
  }

  /** The middle (ms) of what most of the peers say within `AGREEMENT_MS`; undefined without a quorum. */
  agreed(now: number): number | undefined {
    const all = [...this.#samples.values()]
      .filter(({ at }) => now - at <= MAX_AGE_MS)
      .map(({ skew }) => skew)
      .sort((a, b) => a - b);
    let best: number[] = [];
    for (const [first, skew] of all.entries()) {
      const within = all.slice(first).filter((other) => other - skew <= AGREEMENT_MS);
      if (within.length > best.length) best = within;
    }
    if (best.length < QUORUM || best.length * 2 <= all.length) return undefined;
    return best[best.length >> 1];
  }
}
