import { isIP } from 'node:net';
import type { Notes, Place } from './notes.ts';

/** An address with a prefix and perhaps a port. */
export interface AddressRange {
  readonly address: string;
  readonly family: 'ipv4' | 'ipv6';
  readonly prefix: number;
  readonly port?: number;
}

export interface AccessRule extends Place {
  readonly permit: boolean;
  readonly from: AddressRange;
  /** absent: wherever the request goes */
  readonly to?: AddressRange;
}

/** Reads `permit-access` and `deny-access`: `src[:port][/mask] [dst[:port][/mask]]`. Names are refused. */
export function parseAccess(
  permit: boolean,
  words: readonly string[],
  place: Place,
  notes: Notes,
): AccessRule | undefined {
  const [source, target] = words;
  if (source === undefined || words.length > 2) {
    notes.refuse(place, 'needs a source and perhaps a destination');
    return undefined;
  }
  const from = parseRange(source, place, notes);
  const to = target === undefined || target === '.' ? undefined : parseRange(target, place, notes);
  if (from === undefined || (target !== undefined && target !== '.' && to === undefined)) return undefined;
  return { ...place, permit, from, ...(to === undefined ? {} : { to }) };
}

function parseRange(text: string, place: Place, notes: Notes): AddressRange | undefined {
  const parts = /^(?:\[([^\]]+)\]|([^:/]+)|([0-9a-f:]*::?[0-9a-f:]*))(?::(\d{1,5}))?(?:\/([\d.]+))?$/i.exec(
    text,
  );
  const written = parts?.[1] ?? parts?.[2] ?? parts?.[3];
  const address = written === 'localhost' ? '127.0.0.1' : written;
  const family = address === undefined ? 0 : isIP(address);
  if (address === undefined || family === 0) {
    notes.refuse(place, `"${text}" is no address: names could resolve to anything`);
    return undefined;
  }
  const port = parts?.[4] === undefined ? undefined : Number(parts[4]);
  const prefix = prefixOf(parts?.[5], family);
  if (prefix === undefined || (port !== undefined && (port < 1 || port > 65_535))) {
    notes.refuse(place, `"${text}" has a wrong ${prefix === undefined ? 'mask' : 'port'}`);
    return undefined;
  }
  return { address, family: family === 4 ? 'ipv4' : 'ipv6', prefix, ...(port === undefined ? {} : { port }) };
}

function prefixOf(mask: string | undefined, family: number): number | undefined {
  const bits = family === 4 ? 32 : 128;
  if (mask === undefined) return bits;
  if (/^\d{1,3}$/.test(mask)) return Number(mask) <= bits ? Number(mask) : undefined;
  if (family !== 4 || isIP(mask) !== 4) return undefined;
  const binary = mask
    .split('.')
    .map((octet) => Number(octet).toString(2).padStart(8, '0'))
    .join('');
  return /^1*0*$/.test(binary) ? binary.replaceAll('0', '').length : undefined;
}
