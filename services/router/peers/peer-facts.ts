import { parseIp } from '@allium/common/net/ip-address.ts';
import { hashBytes } from '../wire/hash.ts';
import {
  type BandwidthLetter,
  bandwidth,
  type Congestion,
  congestion,
  familyName,
  isAtLeast,
  isFloodfill,
  isHidden,
  isReachable,
  type Ntcp2Address,
  ntcp2Address,
} from '../wire/router-caps.ts';
import type { RouterInfo } from '../wire/router-info.ts';
import { routerNetworks } from '../wire/router-networks.ts';

/** Oldest API version that we build tunnels through or connect to: Java asks for it in builds. */
export const PEER_VERSION_FLOOR = '0.9.59';
/** i2pd and emissary give a published NTCP2 address this cost; Java gives others. */
const COST_I2PD = 3;

/**
 * Who wrote the router, as far as its addresses tell: i2pd, emissary and go-i2p take connections from Tor exits, Java
 * blocks the exits that it lists (release notes of 2.6.0).
 */
export type Implementation = 'i2pd-like' | 'java-like';

/** What selection needs from a RouterInfo, worked out once. */
export interface PeerFacts {
  /** version, bandwidth letter, key type and caps allow it in a tunnel */
  readonly usable: boolean;
  /** others can connect to it over IPv4: fit for hops that are not next to us, and as inbound gateway */
  readonly reachable: boolean;
  /** addresses that we can ask an exit for, IPv4 first */
  readonly dialable: readonly Ntcp2Address[];
  /** networks of its published addresses: IPv4 /16, IPv6 /32 */
  readonly networks: readonly string[];
  readonly family: string | undefined;
  readonly floodfill: boolean;
  readonly bandwidth: BandwidthLetter | undefined;
  readonly congestion: Congestion | undefined;
  readonly implementation: Implementation;
  /** first 32 bits of its hash: where it stands in an order */
  readonly place: number;
}

const known = new WeakMap<RouterInfo, PeerFacts>();

export function peerFacts(info: RouterInfo): PeerFacts {
  const before = known.get(info);
  if (before) return before;
  const facts = workOut(info);
  known.set(info, facts);
  return facts;
}

function workOut(info: RouterInfo): PeerFacts {
  const letter = bandwidth(info);
  const { networks, ipv4 } = routerNetworks(info);
  const dialable = ntcp2Address(info).filter(({ host }) => !isOverlay(host));
  return {
    usable:
      letter !== undefined &&
      !isHidden(info) &&
      isAtLeast(info, PEER_VERSION_FLOOR) &&
      info.identity.publicKey.length === 32,
    reachable: isReachable(info) && ipv4,
    place: Buffer.from(hashBytes(info.hash)).readUInt32BE(0),
    dialable: dialable.toSorted((a, b) => a.family - b.family),
    networks,
    family: familyName(info),
    floodfill: isFloodfill(info),
    bandwidth: letter,
    congestion: congestion(info),
    implementation: info.addresses.some(
      (address) => address.cost === COST_I2PD && address.transport === 'NTCP2',
    )
      ? 'i2pd-like'
      : 'java-like',
  };
}

/** Yggdrasil (0200::/7), which no exit reaches; other reserved ranges don't pass the NetDB's rules. */
function isOverlay(host: string): boolean {
  const ip = parseIp(host);
  return ip?.length === 16 && (ip[0] ?? 0) >>> 1 === 1;
}
