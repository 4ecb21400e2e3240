import { hostKind } from '@allium/common/net/address-rules.ts';
import { parseIp } from '@allium/common/net/ip-address.ts';

/** Longest CONNECT target that can be an address and a port: `[` 39 characters `]:65535`. */
const MAX_TARGET = 48;

export interface ConnectRules {
  /** test networks only */
  readonly allowPrivateAddresses: boolean;
  /** `address:port` of every relay that may be reached, as `relayKey` writes them */
  readonly relays: ReadonlySet<string>;
}

export type RefusalCode =
  /** not ADDRESS:PORT at all */
  | 'malformed'
  /** a host name: nothing here resolves names, so that nothing can be asked of a name server */
  | 'name'
  /** a private, reserved or overlay address */
  | 'reserved'
  /** not one of the relays that the supervisor knows from Tor */
  | 'not-a-relay';

export type Decision =
  | { readonly kind: 'connect'; readonly host: string; readonly port: number }
  | { readonly kind: 'refuse'; readonly code: RefusalCode };

/** What becomes of a CONNECT: a literal public address and port, or a refusal. Pure. */
export function decideConnect(target: string, rules: ConnectRules): Decision {
  const match = /^(?:\[([^\]]*)\]|([^:[\]]*)):([1-9]\d{0,4})$/.exec(target.slice(0, MAX_TARGET + 1));
  const host = match?.[1] ?? match?.[2] ?? '';
  const port = Number(match?.[3]);
  if (target.length > MAX_TARGET || host === '' || !(port <= 65_535))
    return { kind: 'refuse', code: 'malformed' };
  const kind = hostKind(host);
  if (kind === 'name') return { kind: 'refuse', code: 'name' };
  // a bracketed IPv4 address, or an IPv6 address without brackets, is nobody's form
  if ((match?.[1] !== undefined) !== host.includes(':')) return { kind: 'refuse', code: 'malformed' };
  if (kind !== 'public' && !rules.allowPrivateAddresses) return { kind: 'refuse', code: 'reserved' };
  if (!rules.relays.has(relayKey(parseIp(host) ?? new Uint8Array(), port)))
    return { kind: 'refuse', code: 'not-a-relay' };
  return { kind: 'connect', host, port };
}

/** One spelling for every spelling of an address. */
export function relayKey(ip: Uint8Array, port: number): string {
  return `${Buffer.from(ip).toString('hex')}:${port}`;
}
