import { createHash } from 'node:crypto';
import { parseIp } from '@allium/common/net/ip-address.ts';

/**
 * Where a parent on the loopback is dialled from, so that it tells clients apart by address as if they had come
 * themselves (Tor: IsolateClientAddr): 127 and the last three parts of the client's address. The loopback has all of
 * 127/8; clients are on one network, whose first part is the same.
 */
export function loopbackFor(client: string): string {
  const ip = parseIp(client);
  const tail =
    ip?.length === 4 ? ip.subarray(1) : createHash('sha256').update(client).digest().subarray(0, 3);
  // 127.0.0.0 and 127.255.255.255 are nobody's address.
  const last = Math.min(Math.max(tail[2] ?? 0, 1), 254);
  return `127.${tail[0]}.${tail[1]}.${last}`;
}
