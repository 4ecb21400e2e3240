import { DecodeError } from '@allium/common/bytes/errors.ts';
import { MAX_RELAYS } from '@allium/common/contracts/uplink.ts';
import { parseIp } from '@allium/common/net/ip-address.ts';
import { relayKey } from './decide.ts';

/** Reads `ADDRESS:PORT` or `[ADDRESS]:PORT` lines. Throws `DecodeError` (offset: the line) on any other line. */
export function parseRelayList(text: string): ReadonlySet<string> {
  const relays = new Set<string>();
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim();
    if (line === '') continue;
    const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):([1-9]\d{0,4})$/.exec(line);
    const host = match?.[1] ?? match?.[2] ?? '';
    const port = Number(match?.[3]);
    const ip = parseIp(host);
    if (ip === undefined || !(port <= 65_535)) throw new DecodeError('value', 'relay list', index + 1);
    if (relays.size >= MAX_RELAYS) throw new DecodeError('length', 'relay list', index + 1);
    relays.add(relayKey(ip, port));
  }
  return relays;
}
