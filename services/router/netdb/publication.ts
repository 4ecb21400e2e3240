import type { SentEntry, StoreEntry } from '../i2np/database-store.ts';
import type { PoolId } from '../tunnel/pool-id.ts';
import type { DestHash, RouterHash } from '../wire/hash.ts';

/** Wait for a floodfill's DeliveryStatus, in ms (i2pd: 1.8 s). */
export const STORE_TIMEOUT = 8_000;
/** Floodfills tried for one publication. */
export const MAX_STORE_TRIES = 6;
/** After the confirmation, until another floodfill is asked (ms): flooding takes a moment ("Storage Verification"). */
export const VERIFY_AFTER = 10_000;
/** Up to so much more (ms), at random, so that stores and checks are not seen as pairs. */
export const VERIFY_JITTER = 5_000;
/** Wait for the answer of the checking query, ms. */
export const VERIFY_TIMEOUT = 8_000;
/** Other floodfills asked to verify one publication. */
export const MAX_VERIFIES = 3;
/** Publications under way: every local Destination, twice around midnight. */
export const MAX_PUBLICATIONS = 256;
/** Queries or stores that could not be sent before we call it a failure; each costs a pause. */
export const MAX_UNSENT = 15;

export type Phase =
  | { readonly kind: 'paused'; readonly until: number }
  | { readonly kind: 'storing'; readonly token: number; readonly to: RouterHash; readonly until: number }
  | { readonly kind: 'settling'; readonly until: number }
  | { readonly kind: 'verifying'; readonly id: number; readonly to: RouterHash; readonly until: number };

export interface Publication {
  readonly entry: StoreEntry;
  readonly pool: PoolId;
  /** 32-byte routing key */
  readonly target: Uint8Array;
  /** the copy for the neighbour day's floodfills: nobody is told of it, nobody verifies it */
  readonly silent: boolean;
  readonly tried: Set<RouterHash>;
  readonly asked: Set<RouterHash>;
  attempts: number;
  verifies: number;
  unsent: number;
  phase: Phase;
}

export function newPublication(
  entry: StoreEntry,
  pool: PoolId,
  target: Uint8Array,
  silent: boolean,
  now: number,
): Publication {
  return {
    entry,
    pool,
    target,
    silent,
    tried: new Set(),
    asked: new Set(),
    attempts: 0,
    verifies: 0,
    unsent: 0,
    phase: { kind: 'paused', until: now },
  };
}

export function hashOf(entry: SentEntry): RouterHash | DestHash {
  return entry.what === 'routerInfo' ? entry.routerInfo.hash : entry.leaseSet.hash;
}

export function publishedOf(entry: StoreEntry): number {
  return entry.what === 'routerInfo' ? entry.routerInfo.published : entry.leaseSet.published;
}

/** Name of the copy for the neighbour day. */
export function nameOfCopy(hash: string): string {
  return `${hash}/neighbour-day`;
}
