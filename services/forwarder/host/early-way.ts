import { socks5Request } from '@allium/common/socks/asking.ts';
import { SocksFailure } from '@allium/common/socks/early-client.ts';
import { SOCKS_COMMAND } from '@allium/common/socks/messages.ts';
import type { SocksParent } from '../syntax/forward-line.ts';
import { loopbackFor } from './client-address.ts';
import { type Hop, isLocal, LOCAL_MS, socketTo } from './dial.ts';
import { EarlyCarrier } from './early-carrier.ts';
import { UpstreamError } from './upstream-error.ts';
import { Wire } from './wire.ts';

/** Reply codes of RFC 1928 6, in the words that the package `socks` has for them. */
const REASONS: readonly string[] = [
  ...['Granted', 'Failure', 'NotAllowed', 'NetworkUnreachable', 'HostUnreachable', 'ConnectionRefused'],
  ...['TTLExpired', 'CommandNotSupported', 'AddressNotSupported'],
];

export interface EarlyWay {
  /** may be written to at once */
  readonly wire: Wire;
  /** resolves when the stream stands; rejects with `UpstreamError` */
  readonly opened: Promise<void>;
}

/** Asks a SOCKS 5 parent for a stream that is written to before it stands. Destroying the wire gives it up. */
export function dialEarly(
  { endpoint, user, password = '' }: SocksParent,
  { host, port }: Hop,
  { timeoutMs, client }: { readonly timeoutMs: number; readonly client: string },
): EarlyWay {
  const local = isLocal(endpoint);
  const socket = socketTo(endpoint, local && 'host' in endpoint ? loopbackFor(client) : undefined);
  socket.on('error', () => {});
  const timer = setTimeout(() => socket.destroy(), local ? Math.min(timeoutMs, LOCAL_MS) : timeoutMs);
  let connected = false;
  socket.once('connect', () => {
    connected = true;
    clearTimeout(timer);
  });
  socket.once('close', () => clearTimeout(timer));
  const login = user === undefined ? undefined : { user: Buffer.from(user), password: Buffer.from(password) };
  const request = socks5Request(SOCKS_COMMAND.connect, host, port);
  const carrier = new EarlyCarrier(socket, { request, login, atOnce: false, replies: 1 });
  const opened = carrier.granted.catch((error: unknown) => {
    socket.destroy();
    throw new UpstreamError({ code: 'socks', reason: connected ? reasonOf(error) : 'not reachable' });
  });
  opened.catch(() => {});
  return { wire: new Wire({ carrier }), opened };
}

function reasonOf(error: unknown): string {
  const refusal = error instanceof SocksFailure && error.detail.code === 'refused' ? error.detail : undefined;
  return refusal === undefined ? 'failed' : (REASONS[refusal.reply] ?? 'Failure');
}
