import { type RandomBytes, randomBelow } from '@allium/common/core/random.ts';

/** Most that chance adds to an expiration, ms. */
export const EXPIRATION_SPREAD_MS = 3_000;

/**
 * When a message that lives for `lifetime` ms expires: up to 4 s later, by chance. Whoever reads it would else learn our
 * clock to the millisecond, which is the same for all that this machine sends.
 */
export function expiration(now: number, lifetime: number, random: RandomBytes): number {
  return Math.ceil((now + lifetime) / 1_000) * 1_000 + randomBelow(random, EXPIRATION_SPREAD_MS + 1);
}
