import { parseIp } from '@allium/common/net/ip-address.ts';
import type { RouterInfo } from './router-info.ts';

/** What its published addresses say of who runs a router, and who can reach it. */
export interface RouterNetworks {
  /** of its published addresses: IPv4 /16, IPv6 /32. Routers of one network may be one party's */
  readonly networks: readonly string[];
  /** it names an IPv4 address and port of a transport that others connect to */
  readonly ipv4: boolean;
}

const known = new WeakMap<RouterInfo, RouterNetworks>();

export function routerNetworks(info: RouterInfo): RouterNetworks {
  const before = known.get(info);
  if (before) return before;
  const hosts = info.addresses.map(({ transport, options }) => ({
    ip: parseIp(options.get('host') ?? ''),
    open: /^(NTCP2?|SSU2?)$/.test(transport) && options.has('port'),
  }));
  const made = {
    networks: [...new Set(hosts.flatMap(({ ip }) => (ip ? [networkOf(ip)] : [])))],
    ipv4: hosts.some(({ ip, open }) => open && ip?.length === 4),
  };
  known.set(info, made);
  return made;
}

/** Of a host as RouterInfos name it; undefined when it is no IP literal. */
export function networkOfHost(host: string): string | undefined {
  const ip = parseIp(host);
  return ip && networkOf(ip);
}

/** The part of an address that one party is likely to hold as a whole. */
function networkOf(ip: Uint8Array): string {
  return ip.length === 4 ? `4/${ip[0]}.${ip[1]}` : `6/${Buffer.from(ip.subarray(0, 4)).toString('hex')}`;
}
