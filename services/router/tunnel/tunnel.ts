import { type RandomBytes, randomBelow } from '@allium/common/core/random.ts';
import type { RouterHash } from '../wire/hash.ts';
import type { Lease } from '../wire/lease.ts';
import { type BuiltHop, type PendingRecords, TUNNEL_LIFETIME_S } from './build-request.ts';
import { TunnelEndpoint } from './endpoint.ts';
import { createDecryptLayer, type Layer } from './hop-crypto.ts';
import type { PoolId } from './pool-id.ts';
import type { Direction } from './tunnel-io.ts';
import { TunnelSender } from './tunnel-sender.ts';

const TUNNEL_LIFETIME = TUNNEL_LIFETIME_S * 1000;
/** A replacement is begun this long before the end, milliseconds: builds over Tor fail and are tried again. */
export const REPLACE_BEFORE = 150_000;
/** And up to this much earlier, so that tunnels built together are not replaced together. */
export const REPLACE_SPREAD = 45_000;
/** Not used any more in the last moments: what is sent now must still come through. Milliseconds. */
export const USABLE_MARGIN = 10_000;

/** ms */
export const LEASE_SPREAD = 10_000;

interface TunnelBase {
  /** inbound: the tunnel ID that we receive under. Outbound: a handle of ours. */
  readonly id: number;
  readonly pool: PoolId;
  readonly hops: readonly RouterHash[];
  /** the hop next to us; the tunnel dies with the session to it */
  readonly neighbour: RouterHash;
  /** milliseconds; the hops forget the tunnel then */
  readonly expires: number;
  readonly replaceAt: number;
  /** tests lost in a row */
  failures: number;
  nextTest: number;
  /** ms */
  lastTest: number;
  /** its neighbour's session is lost: used only where nothing else is */
  adrift: boolean;
}

export interface InboundTunnel extends TunnelBase {
  readonly direction: 'inbound';
  readonly lease: Lease;
  /** one hop, built without a tunnel: for build replies until there are real ones, never for leases */
  readonly bootstrap: boolean;
  readonly layers: readonly Layer[];
  readonly endpoint: TunnelEndpoint;
  /** the neighbour is gone: replaced, but still among the leases until the pool tells */
  doomed: boolean;
  /** not among the leases before the pool tells what it has lost */
  untold: boolean;
}

export interface OutboundTunnel extends TunnelBase {
  readonly direction: 'outbound';
  readonly farEnd: RouterHash;
  readonly sender: TunnelSender;
}

export type Tunnel = InboundTunnel | OutboundTunnel;

/** What was asked of the hops. */
export interface TunnelPlan {
  readonly direction: Direction;
  readonly pool: PoolId;
  readonly records: PendingRecords;
  /** see `Tunnel.id` */
  readonly tunnelId: number;
  /** when the build was sent, milliseconds */
  readonly started: number;
  readonly bootstrap: boolean;
}

/** A tunnel that all hops have agreed to. Its time runs from when the build was sent. */
export function establish(build: TunnelPlan, firstTest: number, random: RandomBytes): Tunnel {
  const { hops } = build.records;
  const first = hops[0] as BuiltHop;
  const last = hops.at(-1) as BuiltHop;
  const expires = build.started + TUNNEL_LIFETIME;
  // Both directions take the last hop's layer first: we receive after all of them, and send before all of them.
  const layers = hops.toReversed().map((hop) => createDecryptLayer(hop.keys));
  const base = {
    pool: build.pool,
    hops: hops.map((hop) => hop.router),
    id: build.tunnelId,
    expires,
    replaceAt: expires - REPLACE_BEFORE - randomBelow(random, REPLACE_SPREAD),
    failures: 0,
    nextTest: firstTest,
    lastTest: Number.NEGATIVE_INFINITY,
    adrift: false,
  };
  if (build.direction === 'outbound') {
    const sender = new TunnelSender(first.router, first.receiveTunnelId, layers, random);
    return { ...base, direction: 'outbound', neighbour: first.router, farEnd: last.router, sender };
  }
  return {
    ...base,
    direction: 'inbound',
    neighbour: last.router,
    lease: { gateway: first.router, tunnelId: first.receiveTunnelId, expires: leaseEnd(expires, random) },
    bootstrap: build.bootstrap,
    layers,
    endpoint: new TunnelEndpoint(),
    doomed: false,
    untold: false,
  };
}

/** Whole seconds, up to `LEASE_SPREAD` before the end: a lease shall not tell when its build was sent by our clock. */
function leaseEnd(expires: number, random: RandomBytes): number {
  return Math.floor((expires - randomBelow(random, LEASE_SPREAD)) / 1_000) * 1_000;
}

export function usable(tunnel: Tunnel, now: number): boolean {
  return now < tunnel.expires - USABLE_MARGIN;
}
