import { parseIp } from './ip-address.ts';

/**
 * IPv4 ranges that no host on the Internet can have (IANA special-purpose registry): network and prefix length.
 * Whoever names one to us would have us knock at a stranger's private network, or at our own.
 */
const RESERVED_V4: readonly (readonly [number, number])[] = [
  [0x00000000, 8],
  [0x0a000000, 8], // 10/8
  [0x64400000, 10], // 100.64/10, carrier NAT
  [0x7f000000, 8],
  [0xa9fe0000, 16], // 169.254/16
  [0xac100000, 12], // 172.16/12
  [0xc0000000, 24], // 192.0.0/24
  [0xc0000200, 24], // documentation
  [0xc0586300, 24], // 192.88.99/24, 6to4 relays
  [0xc0a80000, 16], // 192.168/16
  [0xc6120000, 15], // 198.18/15, benchmarks
  [0xc6336400, 24], // documentation
  [0xcb007100, 24], // documentation
  [0xe0000000, 3], // multicast and reserved
];

export type HostKind =
  | 'public'
  | 'reserved'
  /** Yggdrasil, 0200::/7: i2pd routers publish it beside their public address; no exit can reach it */
  | 'overlay'
  /** not an IP literal */
  | 'name';

/** What an address, given as text, is. */
export function hostKind(host: string): HostKind {
  const ip = parseIp(host);
  if (!ip) return 'name';
  return ip.length === 4 ? kindOfV4(ip) : kindOfV6(ip);
}

function kindOfV4(ip: Uint8Array): HostKind {
  const address = word(ip, 0) * 0x1_0000 + word(ip, 2);
  for (const [network, prefix] of RESERVED_V4) {
    const size = 2 ** (32 - prefix);
    if (address >= network && address < network + size) return 'reserved';
  }
  return 'public';
}

/** Only 2000::/3 is handed out, and parts of it are not for hosts. */
function kindOfV6(ip: Uint8Array): HostKind {
  const first = word(ip, 0);
  const second = word(ip, 2);
  if (first >>> 9 === 1) return 'overlay';
  if (first >>> 13 !== 1) return 'reserved';
  // 2001::/23: Teredo, ORCHID and other protocols; 2001:db8::/32: documentation
  if (first === 0x2001 && (second < 0x200 || second === 0xdb8)) return 'reserved';
  // 2002::/16: 6to4; 3fff::/20: documentation
  if (first === 0x2002 || (first === 0x3fff && second < 0x1000)) return 'reserved';
  return 'public';
}

function word(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}
