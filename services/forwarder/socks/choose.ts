import type { StreamRefusal } from '@allium/common/contracts/streams.ts';
import { SOCKS_COMMAND } from '@allium/common/socks/messages.ts';
import { SOCKS5_REPLY } from '@allium/common/socks/replies.ts';
import type { SocksAsked } from '@allium/common/socks/server.ts';
import { sortHostName } from '@allium/common/text/i2p-name.ts';

/** The port on which names below .i2p are read as HTTP. */
const HTTP_PORT = 80;

export type SocksChoice =
  /** `code`: of SOCKS 5 (RFC 1928 6) */
  | { readonly kind: 'refuse'; readonly code: number }
  | { readonly kind: 'tor' }
  /** `host` is in lower case and without a final dot; `http`: the first byte from either side decides what it is */
  | { readonly kind: 'i2p'; readonly host: string; readonly port: number; readonly http: boolean };

const TOR_COMMANDS: readonly number[] = [
  SOCKS_COMMAND.connect,
  SOCKS_COMMAND.resolve,
  SOCKS_COMMAND.resolvePtr,
];

/** Where a request of a client goes, by its name; `tor` is false at a door for I2P only. */
export function chooseParent(asked: SocksAsked, door: { readonly tor: boolean }): SocksChoice {
  const { host, command, port } = asked.request;
  const kind = host === undefined ? 'outside' : sortHostName(host).kind;
  if (kind === 'invalid') return { kind: 'refuse', code: SOCKS5_REPLY.failure };
  if (kind === 'outside' && !door.tor) return { kind: 'refuse', code: SOCKS5_REPLY.notAllowed };
  const commands = kind === 'outside' ? TOR_COMMANDS : [SOCKS_COMMAND.connect];
  if (!commands.includes(command)) return { kind: 'refuse', code: SOCKS5_REPLY.command };
  if (kind !== 'outside' && host !== undefined) {
    if (port === 0) return { kind: 'refuse', code: SOCKS5_REPLY.failure };
    return { kind: 'i2p', host: host.replace(/\.$/, '').toLowerCase(), port, http: port === HTTP_PORT };
  }
  // Some readers of SOCKS 4 take a zero address for "a name follows": that name would be one nobody looked at.
  const nameless = asked.version === 4 && host === undefined;
  return nameless && isZeroAddress(asked.raw)
    ? { kind: 'refuse', code: SOCKS5_REPLY.failure }
    : { kind: 'tor' };
}

/** In a SOCKS 4 request the address is bytes 4 to 7. */
function isZeroAddress(raw: Uint8Array): boolean {
  return raw.subarray(4, 8).every((byte) => byte === 0);
}

/** The router's private codes are between the router and us: what a client is told, in codes of RFC 1928 6. */
const CLIENT_CODES: Readonly<Record<StreamRefusal, number>> = {
  // not allowed
  'invalid-name': 2,
  // network unreachable
  'not-ready': 3,
  busy: 3,
  // host unreachable
  'unknown-destination': 4,
  'lease-set-not-found': 4,
  // connection refused
  refused: 5,
  reset: 5,
  // TTL expired
  'no-answer': 6,
  timeout: 6,
  unsupported: 1,
  encrypted: 1,
};

export function clientCode(refusal: StreamRefusal): number {
  return CLIENT_CODES[refusal];
}
