import { fromBase64 } from '@allium/common/bytes/text.ts';
import { parseIp } from '@allium/common/net/ip-address.ts';
import type { RouterAddress } from './router-address.ts';
import type { RouterInfo } from './router-info.ts';
import { NTCP2_IV_LENGTH } from './router-keys.ts';

/** Where an NTCP2 initiator can connect to. */
export interface Ntcp2Address {
  /** IP literal, as published */
  readonly host: string;
  readonly port: number;
  /** `s`, 32 bytes */
  readonly staticKey: Uint8Array;
  /** `i`, 16 bytes */
  readonly iv: Uint8Array;
  readonly family: 4 | 6;
}

export type BandwidthLetter = 'K' | 'L' | 'M' | 'N' | 'O' | 'P' | 'X';
/** D medium, E high congestion, G refuses all tunnels (proposal 162) */
export type Congestion = 'D' | 'E' | 'G';

const BANDWIDTH = ['X', 'P', 'O', 'N', 'M', 'L', 'K'] as const;
const CONGESTION = ['G', 'E', 'D'] as const;
const PORT = /^[1-9]\d{0,4}$/;
const VERSION = /^\d{1,4}(?:\.\d{1,6}){0,3}$/;

/** Published, complete and well-formed NTCP2 addresses; whether they may be used (private ranges) is the caller's. */
export function ntcp2Address(info: RouterInfo): Ntcp2Address[] {
  return info.addresses.flatMap((address) => {
    const found = connectable(address);
    return found ? [found] : [];
  });
}

/** `s` of every NTCP2 address, published or not: what message 3 of a handshake must prove. */
export function ntcp2StaticKeys(info: RouterInfo): Uint8Array[] {
  return info.addresses.flatMap((address) => {
    const key = isNtcp2(address) ? key64(address.options.get('s'), 32) : undefined;
    return key ? [key] : [];
  });
}

/** `caps` of the router, empty when it has none. */
export function routerCaps(info: RouterInfo): string {
  return info.options.get('caps') ?? '';
}

export function isFloodfill(info: RouterInfo): boolean {
  return routerCaps(info).includes('f');
}

export function isReachable(info: RouterInfo): boolean {
  return routerCaps(info).includes('R');
}

export function isUnreachable(info: RouterInfo): boolean {
  return routerCaps(info).includes('U');
}

export function isHidden(info: RouterInfo): boolean {
  return routerCaps(info).includes('H');
}

/** The highest letter: fast routers repeat a lower one for old readers. */
export function bandwidth(info: RouterInfo): BandwidthLetter | undefined {
  const caps = routerCaps(info);
  return BANDWIDTH.find((letter) => caps.includes(letter));
}

/** The gravest letter; undefined when the router reports none. */
export function congestion(info: RouterInfo): Congestion | undefined {
  const caps = routerCaps(info);
  return CONGESTION.find((letter) => caps.includes(letter));
}

/** Network id; undefined when missing or no number, which peers take for an unreachable router. */
export function netId(info: RouterInfo): number | undefined {
  const text = info.options.get('netId');
  return text !== undefined && /^\d{1,3}$/.test(text) ? Number(text) : undefined;
}

/** API version (`router.version`), empty when missing. */
export function apiVersion(info: RouterInfo): string {
  return info.options.get('router.version') ?? '';
}

/** Name in `family`; the signature behind it is not checked here. */
export function familyName(info: RouterInfo): string | undefined {
  return info.options.get('family');
}

/** Negative, zero or positive, number by number; what is no version sorts below all versions. */
export function compareVersions(a: string, b: string): number {
  const left = numbersOf(a);
  const right = numbersOf(b);
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** The router speaks at least this API version. */
export function isAtLeast(info: RouterInfo, version: string): boolean {
  return compareVersions(apiVersion(info), version) >= 0;
}

function numbersOf(version: string): number[] {
  return VERSION.test(version) ? version.split('.').map(Number) : [-1];
}

function isNtcp2(address: RouterAddress): boolean {
  // Routers that serve old readers too publish `NTCP` with a `v`.
  if (address.transport !== 'NTCP2' && address.transport !== 'NTCP') return false;
  return (address.options.get('v') ?? '').split(',').includes('2');
}

function connectable(address: RouterAddress): Ntcp2Address | undefined {
  if (!isNtcp2(address)) return undefined;
  const { options } = address;
  const host = options.get('host') ?? '';
  const ip = parseIp(host);
  const port = options.get('port') ?? '';
  const staticKey = key64(options.get('s'), 32);
  const iv = key64(options.get('i'), NTCP2_IV_LENGTH);
  if (!ip || !staticKey || !iv || !PORT.test(port) || Number(port) > 65535) return undefined;
  return { host, port: Number(port), staticKey, iv, family: ip.length === 4 ? 4 : 6 };
}

function key64(text: string | undefined, length: number): Uint8Array | undefined {
  if (text === undefined || text.length !== 4 * Math.ceil(length / 3)) return undefined;
  try {
    const bytes = fromBase64(text);
    return bytes.length === length ? bytes : undefined;
  } catch {
    return undefined;
  }
}
