import type { I2npMessage } from '../i2np/message.ts';
import type { RouterHash } from '../wire/hash.ts';
import type { Lease } from '../wire/lease.ts';
import type { PoolId } from './pool-id.ts';

/** All that a build needs to know of a router. */
export interface HopInfo {
  readonly hash: RouterHash;
  /** X25519, 32 bytes */
  readonly publicKey: Uint8Array;
}

export type Direction = 'inbound' | 'outbound';

export interface HopRequest {
  readonly direction: Direction;
  /** hops wanted, at least 1 */
  readonly length: number;
  /** first hops that got a build message a moment ago; leaving them out everywhere is simplest */
  readonly exclude: readonly RouterHash[];
  readonly pool: PoolId;
  /** the pool's secret number, which gives its tunnels hops and an order of their own */
  readonly order: number;
}

/**
 * Hops in the order in which messages pass: gateway first for inbound (so the hop next to us is last), the hop next
 * to us first for outbound. An inbound tunnel's last hop must hold a live session with us, an outbound tunnel's first
 * hop must be one that we can dial. undefined: nobody fits at the moment.
 */
export type ChooseHops = (request: HopRequest) => readonly HopInfo[] | undefined;

export interface DirectionConfig {
  /** hops, 1 to 7; zero-hop tunnels don't exist here */
  readonly length: number;
  /** tunnels kept alive, 1 to 16 */
  readonly quantity: number;
}

export interface PoolConfig {
  readonly inbound: DirectionConfig;
  readonly outbound: DirectionConfig;
}

/** Where the far end of an outbound tunnel puts a message. */
export type Target =
  | { readonly kind: 'router'; readonly router: RouterHash }
  | { readonly kind: 'tunnel'; readonly router: RouterHash; readonly tunnelId: number };

export type Delivery = { readonly kind: 'local' } | Target;

/** What happens to tunnels. Each is fed with the time in ms. */
export type TunnelInput =
  /** starts a pool, or changes the wishes of one that exists */
  | { readonly kind: 'createPool'; readonly pool: PoolId; readonly config: PoolConfig }
  | { readonly kind: 'removePool'; readonly pool: PoolId }
  /** types 18, 19 and 25 from a session (`from` = the peer), 25 also out of a router garlic (`from` undefined) */
  | { readonly kind: 'message'; readonly from: RouterHash | undefined; readonly message: I2npMessage }
  /** what leaves or should come through this pool gets lost: its tunnels are tested now, those without a neighbour end */
  | { readonly kind: 'suspect'; readonly pool: PoolId }
  /** a session is up: builds that lacked a hop are tried again */
  | { readonly kind: 'peerUp'; readonly router: RouterHash }
  /** a session is gone, and is being opened again: builds that lean on it end, tunnels wait for `peerUp` or `peerGone` */
  | { readonly kind: 'peerDown'; readonly router: RouterHash }
  /** a session could not be opened: tunnels that lean on it end, inbound ones each pool at a time of its own */
  | { readonly kind: 'peerGone'; readonly router: RouterHash }
  | { readonly kind: 'tick' };

export type HopVerdict =
  /** joined a tunnel */
  | 'accepted'
  /** answered a build request with another code than 0, see `code` */
  | 'declined'
  /** is in a tunnel whose test message came back */
  | 'testPassed'
  /** is in a tunnel that lost two test messages in a row */
  | 'testFailed';

export type DropReason =
  /** the pool does not exist, or has no outbound tunnel */
  | 'noTunnel'
  /** does not fit into 64 fragments */
  | 'oversized';

/** What tunnels want done, and what became of them. In this order. */
export type TunnelOutput =
  /** over the session with this router, dialling it when necessary */
  | { readonly kind: 'toRouter'; readonly router: RouterHash; readonly message: I2npMessage }
  /** came out of one of our inbound tunnels; `message` owns its memory */
  | {
      readonly kind: 'received';
      readonly pool: PoolId;
      readonly tunnelId: number;
      readonly message: I2npMessage;
    }
  /** transit only: as if a peer had handed it to this router over a session */
  | { readonly kind: 'local'; readonly message: I2npMessage }
  | {
      readonly kind: 'poolChanged';
      readonly pool: PoolId;
      /** at least one tunnel in each direction */
      readonly ready: boolean;
      /** inbound tunnels that work, youngest first, at most 16; without bootstrap tunnels */
      readonly leases: readonly Lease[];
      readonly inbound: number;
      readonly outbound: number;
    }
  | {
      readonly kind: 'hopResult';
      readonly router: RouterHash;
      readonly result: HopVerdict;
      readonly code?: number;
    }
  /** a build was answered, whatever its hops said, or nobody answered in time; before its `hopResult`s */
  | {
      readonly kind: 'buildEnded';
      readonly neighbour: RouterHash;
      readonly hops: readonly RouterHash[];
      readonly answered: boolean;
      /** ms */
      readonly started: number;
    }
  | { readonly kind: 'dropped'; readonly pool: PoolId; readonly reason: DropReason }
  | { readonly kind: 'wake'; readonly at: number };

/** One outbound tunnel to ask through and one inbound tunnel for the answer. */
export interface TunnelPair {
  /** handle for `sendThrough` */
  readonly outbound: number;
  readonly inbound: Lease;
}

export interface SendOptions {
  /** messages with equal keys leave through one tunnel as long as it lives */
  readonly stickyKey?: number;
  /** handle from a `TunnelPair`; another tunnel is taken when it is gone */
  readonly outbound?: number;
}

export interface DirectionStatus {
  readonly wanted: number;
  readonly alive: number;
  readonly building: number;
  /** in a row; decides the pause before the next build */
  readonly failures: number;
}

export interface TunnelStatus {
  readonly pools: ReadonlyMap<PoolId, Readonly<Record<Direction, DirectionStatus>>>;
  /** tunnels of others that run through us */
  readonly transit: number;
  /** see `TunnelCounter` */
  readonly counters: Readonly<Record<string, number>>;
}
