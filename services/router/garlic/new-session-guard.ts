import { BoundedMap } from '@allium/common/core/bounded-map.ts';
import { FairBucket } from '@allium/common/core/fair-bucket.ts';
import {
  ATTEMPTS_BURST,
  ATTEMPTS_PER_SECOND,
  MAX_REPLAY_ENTRIES,
  NEW_SESSION_MAX_AGE,
  NEW_SESSION_MAX_AHEAD,
  NEW_SESSIONS_BURST,
  NEW_SESSIONS_PER_SECOND,
} from './limits.ts';

/**
 * What stands between strangers and the cost of a New Session: rates, in which the tunnels that bring them have fair
 * shares, a time window, and a memory of ephemeral keys. The memory holds decoded keys, since a replayer may change the two free bits of the representative.
 */
export class NewSessionGuard {
  readonly #attempts: FairBucket;
  readonly #opened: FairBucket;
  /** ephemeral key → until when a message with it could pass as fresh */
  readonly #seen = new BoundedMap<string, number>(MAX_REPLAY_ENTRIES);

  constructor(perSecond: number = NEW_SESSIONS_PER_SECOND, burst: number = NEW_SESSIONS_BURST) {
    this.#attempts = new FairBucket(
      Math.max(perSecond, ATTEMPTS_PER_SECOND),
      Math.max(burst, ATTEMPTS_BURST),
    );
    this.#opened = new FairBucket(perSecond, burst);
  }

  get size(): number {
    return this.#seen.size;
  }

  /** Whether one more attempt is affordable; takes it if so. `source`: the tunnel that brought it. */
  admit(source: number, now: number): boolean {
    return this.#attempts.take(source, now);
  }

  /** Whether one more session is affordable, now that it is known to be one; takes it if so. */
  afford(source: number, now: number): boolean {
    return this.#opened.take(source, now);
  }

  seen(ephemeralKey: Uint8Array): boolean {
    return this.#seen.has(nameOf(ephemeralKey));
  }

  /** Whether a DateTime is within the window: five minutes back, two ahead. */
  timely(dateTime: number, now: number): boolean {
    return dateTime >= now - NEW_SESSION_MAX_AGE && dateTime <= now + NEW_SESSION_MAX_AHEAD;
  }

  /** Only for what has authenticated, so that garbage cannot push real keys out. */
  remember(ephemeralKey: Uint8Array, dateTime: number): void {
    this.#seen.set(nameOf(ephemeralKey), dateTime + NEW_SESSION_MAX_AGE);
  }

  sweep(now: number): void {
    this.#seen.prune((until) => now > until);
  }
}

function nameOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1');
}
