import { createHash } from 'node:crypto';
import { parseRelayList } from './relay-list.ts';

/**
 * How long a renewal counts, ms. The supervisor renews every 1.5 s as long as it has looked and found nothing in doubt;
 * a loaded machine may take seconds for a look. A killed supervisor closes the uplink within this time.
 */
export const LEASE_MS = 10_000;

const NOBODY: ReadonlySet<string> = new Set();

/**
 * What the supervisor allows: relays that may be reached, and until when. Without a list or without a renewal nothing
 * is. Knows no clock: `now` in ms from any start.
 */
export class Lease {
  #relays = NOBODY;
  #digest: string | undefined;
  #until = Number.NEGATIVE_INFINITY;

  get relays(): ReadonlySet<string> {
    return this.#relays;
  }

  /** Of the list; undefined without one. */
  get digest(): string | undefined {
    return this.#digest;
  }

  /** Takes a new list in place of the old one and returns its digest. Throws `DecodeError`; then nobody is on the list. */
  offer(text: string): string {
    this.#relays = NOBODY;
    this.#digest = undefined;
    this.#relays = parseRelayList(text);
    this.#digest = digestOf(text);
    return this.#digest;
  }

  /** True when the list is the one that the supervisor means; otherwise nothing is renewed. */
  renew(digest: string, now: number): boolean {
    if (digest !== this.#digest) return false;
    this.#until = now + LEASE_MS;
    return true;
  }

  end(): void {
    this.#until = Number.NEGATIVE_INFINITY;
  }

  /** ms until it ends by itself; 0 when it has */
  left(now: number): number {
    return Math.max(0, this.#until - now);
  }
}

/** By which supervisor and uplink know that they mean the same list. */
export function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
