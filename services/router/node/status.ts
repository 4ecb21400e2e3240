import type { Counters } from '@allium/common/observe/counters.ts';
import type { NetDbCore } from '../netdb/netdb-core.ts';
import { EXPLORATORY } from '../tunnel/pool-id.ts';
import type { TunnelCore } from '../tunnel/tunnel-core.ts';
import type { TunnelStatus } from '../tunnel/tunnel-io.ts';
import type { Destinations } from './destinations.ts';
import type { LocalDestination } from './local-destination.ts';
import type { DestinationId } from './node-io.ts';
import type { Peering } from './peering.ts';
import type { Sessions } from './sessions.ts';

/** How far a router has come. Each stage needs the one before it. */
export const STAGES = ['tor', 'peers', 'tunnels', 'ready'] as const;
export type NodeStage = (typeof STAGES)[number];

/** Figures: no hashes, keys, addresses or names. */
export interface NodeStatus {
  /** what the router is working at; `ready` once every Destination has tunnels both ways */
  readonly stage: NodeStage;
  readonly sessions: {
    readonly connected: number;
    readonly open: number;
    /** handshakes that ended because a clock, theirs or ours, is off by more than a minute */
    readonly skewed: number;
    readonly counters: object;
  };
  readonly netdb: {
    readonly routers: number;
    readonly floodfills: number;
    readonly usable: number;
    readonly counters: object;
  };
  readonly tunnels: TunnelStatus;
  readonly destinations: ReadonlyMap<DestinationId, Readonly<Record<string, number | boolean>>>;
  /** what all Destinations hold together, see `Budget` */
  readonly held: Readonly<Record<string, number>>;
  /** per stage, how dials, handshakes, builds and tests ended */
  readonly peers: object;
  readonly messages: object;
  readonly counters: object;
  /** peers' clocks minus ours, ms; undefined while fewer than five have spoken */
  readonly clockSkew: number | undefined;
}

export interface StatusParts {
  readonly sessions: Sessions;
  readonly netdb: NetDbCore;
  readonly peering: Peering;
  readonly tunnel: TunnelCore;
  readonly destinations: Pick<Destinations, 'all' | 'held'>;
  readonly counters: { readonly node: Counters; readonly messages: Counters };
  readonly clockSkew: number | undefined;
}

export function nodeStatus(parts: StatusParts): NodeStatus {
  const { sessions, netdb, peering, tunnel, destinations, counters } = parts;
  const connected = sessions.connected().length;
  const tunnels = tunnel.status();
  return {
    stage: stageOf(connected, sessions.counters.get('established'), tunnels, destinations.all),
    sessions: {
      connected,
      open: sessions.size,
      skewed: sessions.counters.get('closed-created-skew'),
      counters: sessions.counters.toJSON(),
    },
    netdb: {
      routers: netdb.routers.size,
      floodfills: netdb.routers.floodfillCount,
      usable: peering.usable(),
      counters: netdb.counters.toJSON(),
    },
    tunnels,
    destinations: new Map([...destinations.all].map(([id, local]) => [id, local.status])),
    held: destinations.held,
    peers: peering.profiles.counters.toJSON(),
    messages: counters.messages.toJSON(),
    counters: counters.node.toJSON(),
    clockSkew: parts.clockSkew,
  };
}

function stageOf(
  connected: number,
  established: number,
  tunnels: TunnelStatus,
  destinations: ReadonlyMap<DestinationId, LocalDestination>,
): NodeStage {
  if (connected === 0) return established === 0 ? 'tor' : 'peers';
  const pool = tunnels.pools.get(EXPLORATORY);
  if (!pool || pool.inbound.alive === 0 || pool.outbound.alive === 0) return 'tunnels';
  return [...destinations.values()].every((local) => local.ready) ? 'ready' : 'tunnels';
}
