import { BlockList, isIP } from 'node:net';
import type { AccessRule, AddressRange } from '../syntax/access-line.ts';

export interface Address {
  readonly host: string;
  readonly port: number;
}

/**
 * Privoxy's access lists: last line first, the first hit decides, no hit with any line is "deny". Without `to` only
 * the client is looked at, as on a new connection; with it, lines with a destination must fit that too. A destination
 * that is no address (a Unix socket) fits no line that names one.
 */
export function permitted(rules: readonly AccessRule[], from: Address, to?: Address | 'socket'): boolean {
  if (rules.length === 0) return true;
  for (const rule of rules.toReversed()) {
    if (!inRange(rule.from, from)) continue;
    if (to === undefined || rule.to === undefined) return rule.permit;
    if (to !== 'socket' && inRange(rule.to, to)) return rule.permit;
  }
  return false;
}

function inRange(range: AddressRange, address: Address): boolean {
  const host = address.host.replace(/^::ffff:(?=\d+\.)/i, '');
  const family = isIP(host);
  if (family === 0 || (range.port !== undefined && range.port !== address.port)) return false;
  const list = new BlockList();
  list.addSubnet(range.address, range.prefix, range.family);
  return list.check(host, family === 4 ? 'ipv4' : 'ipv6');
}
