import { type Share, SharedLimit } from '@allium/common/core/shared-limit.ts';
import type { CoreShares } from '../destination/destination-core.ts';
import type { StreamShares } from '../streaming/manager.ts';

/** Session tags of all Destinations. With its session a tag costs up to 470 bytes, so 15 MB: 1,300 sessions. */
export const MAX_TAGS = 32_768;
/** LeaseSets of others, about 4 kB each with what belongs to them: 8 MB. */
export const MAX_REMOTES = 2_048;
/** Bytes that wait for a LeaseSet to be sent to. */
export const MAX_WAITING_BYTES = 4 * 1_048_576;
/** Streams, each of which may hold a few kilobytes even when idle. */
export const MAX_STREAMS = 4_096;
/** Bytes received that nobody has consumed. A single fast stream needs 1 MiB (512 packets). */
export const MAX_RECEIVED_BYTES = 8 * 1_048_576;
/**
 * Bytes written that no peer has acknowledged. Past it writers wait with a little in hand instead of 256 kB; what is in
 * flight goes on.
 */
export const MAX_SENT_BYTES = 8 * 1_048_576;

/** What one Destination may hold of the router's memory. */
export interface DestinationShares extends CoreShares, StreamShares {}

/** The memory that all local Destinations have together, in fair shares: one that is attacked does not starve the others. */
export class Budget {
  readonly #limits: Readonly<Record<keyof DestinationShares, SharedLimit>> = {
    tags: new SharedLimit(MAX_TAGS),
    remotes: new SharedLimit(MAX_REMOTES),
    waiting: new SharedLimit(MAX_WAITING_BYTES),
    streams: new SharedLimit(MAX_STREAMS),
    received: new SharedLimit(MAX_RECEIVED_BYTES),
    sent: new SharedLimit(MAX_SENT_BYTES),
  };

  /** How much is in use, for the status. */
  get used(): Readonly<Record<keyof DestinationShares, number>> {
    return this.#each(({ used }) => used);
  }

  share(): DestinationShares {
    return this.#each((limit) => limit.share());
  }

  /** Its Destination is gone. */
  static release(shares: DestinationShares): void {
    for (const share of Object.values(shares) as Share[]) share.release();
  }

  #each<T>(make: (limit: SharedLimit) => T): Record<keyof DestinationShares, T> {
    const made = Object.entries(this.#limits).map(([name, limit]) => [name, make(limit)]);
    return Object.fromEntries(made) as Record<keyof DestinationShares, T>;
  }
}
