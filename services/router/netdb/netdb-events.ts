import type { DatabaseLookup, ReplyKey } from '../i2np/database-lookup.ts';
import type { DatabaseSearchReply } from '../i2np/database-search-reply.ts';
import type { DatabaseStore, StoreEntry } from '../i2np/database-store.ts';
import type { DeliveryStatus } from '../i2np/delivery-status.ts';
import type { PoolId } from '../tunnel/pool-id.ts';
import type { DestHash, RouterHash } from '../wire/hash.ts';
import type { LeaseSet2 } from '../wire/lease-set2.ts';
import type { RouterInfo } from '../wire/router-info.ts';

export type Sought = 'routerInfo' | 'leaseSet';

/** What happens to the NetDB. Each is fed with the time in ms. */
export type NetDbInput =
  /** rows of the `router_info` table, once, before anything else */
  | { readonly kind: 'load'; readonly rows: Iterable<{ readonly key: string; readonly value: Uint8Array }> }
  /** a RouterInfo of a reseed bundle, days old perhaps; or what a peer said of itself within a session */
  | { readonly kind: 'add' | 'introduced'; readonly routerInfo: RouterInfo }
  /** Find a LeaseSet through the tunnels of `pool`, for its owner; `refresh` asks although it is known, or was just not found. */
  | {
      readonly kind: 'lookup';
      readonly hash: DestHash;
      readonly pool: PoolId;
      readonly refresh: boolean;
    }
  /** a tunnel of ours goes through this router */
  | { readonly kind: 'used'; readonly router: RouterHash }
  /** the pool is gone, and who asked by it */
  | { readonly kind: 'cancelPool'; readonly pool: PoolId }
  /**
   * A DatabaseStore for the router. `query`: id of the query whose one-time reply key opened it, if node knows;
   * `from`: the session it came over, absent for tunnels.
   */
  | {
      readonly kind: 'store';
      readonly body: DatabaseStore;
      readonly from?: RouterHash;
      readonly query?: number;
    }
  | { readonly kind: 'searchReply'; readonly body: DatabaseSearchReply; readonly query?: number }
  /** `token` is the message id of a DeliveryStatus that came out of a tunnel of `pool` */
  | { readonly kind: 'deliveryStatus'; readonly token: number; readonly pool: PoolId }
  /** node could not send a query or a publication (no tunnel, no session); `id` is its id or token */
  | { readonly kind: 'unsent'; readonly id: number }
  /** another router asks us; answered only by floodfills */
  | { readonly kind: 'databaseLookup'; readonly body: DatabaseLookup }
  /** publish a LeaseSet through the tunnels of `pool`, and again with every newer one */
  | { readonly kind: 'publish'; readonly leaseSet: LeaseSet2; readonly pool: PoolId }
  | { readonly kind: 'unpublish'; readonly hash: DestHash }
  /** publish our own RouterInfo; ignored unless configured */
  | { readonly kind: 'publishRouter'; readonly routerInfo: RouterInfo }
  | { readonly kind: 'tick' };

export type LookupFailure =
  /** every floodfill that answered did not know it */
  | 'not-found'
  /** it exists, and is of a kind that we can't read */
  | 'unreadable'
  /** nobody answered in time */
  | 'timeout'
  /** we know no floodfill to ask */
  | 'no-floodfill'
  /** queries could not be sent: no tunnels */
  | 'unsent'
  /** too many lookups at once */
  | 'busy';

export interface NetDbQuery {
  readonly kind: 'query';
  readonly id: number;
  readonly to: RouterInfo;
  readonly pool: PoolId;
  readonly what: Sought | 'exploratory';
  /** 32-byte hashes */
  readonly key: Uint8Array;
  readonly exclude: readonly Uint8Array[];
}

/** What a floodfill sends back; node adds the route. `tunnelId` present: to that tunnel of gateway `to`. */
export interface NetDbReply {
  readonly kind: 'reply';
  readonly to: RouterHash;
  readonly tunnelId?: number;
  /** encrypt as an existing-session message with this 32-byte key and 8-byte tag (ECIES Router Messages) */
  readonly encrypt?: ReplyKey;
  readonly body: DatabaseStore | DatabaseSearchReply | DeliveryStatus;
}

/** What the NetDB wants sent or kept, and what it found. */
export type NetDbOutput =
  | NetDbQuery
  /** send a DatabaseStore with reply token `token`; node adds the reply tunnel, garlic and route */
  | {
      readonly kind: 'storeAt';
      readonly token: number;
      readonly to: RouterInfo;
      readonly pool: PoolId;
      readonly entry: StoreEntry;
    }
  | { readonly kind: 'foundLeaseSet'; readonly pool: PoolId; readonly leaseSet: LeaseSet2 }
  | {
      readonly kind: 'lookupFailed';
      readonly pool: PoolId;
      readonly hash: DestHash;
      readonly reason: LookupFailure;
    }
  /** a floodfill confirmed the entry; `verified` follows when another one has it too (LeaseSets only) */
  | {
      readonly kind: 'published';
      readonly hash: RouterHash | DestHash;
      readonly at: RouterHash;
      readonly attempts: number;
    }
  | { readonly kind: 'verified'; readonly hash: DestHash; readonly at: RouterHash }
  | {
      readonly kind: 'publishFailed';
      readonly hash: RouterHash | DestHash;
      readonly reason: 'unconfirmed' | 'unverified' | 'no-floodfill' | 'busy';
    }
  /** a RouterInfo that is new to us or newer than what we had */
  | { readonly kind: 'learned'; readonly routerInfo: RouterInfo; readonly first: boolean }
  | NetDbReply
  /** send straight to `to`, reply token 0 */
  | { readonly kind: 'flood'; readonly to: RouterInfo; readonly entry: StoreEntry }
  | { readonly kind: 'persist'; readonly key: RouterHash; readonly value: Uint8Array }
  | { readonly kind: 'forget'; readonly key: RouterHash }
  | { readonly kind: 'wake'; readonly at: number };
