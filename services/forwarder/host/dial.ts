import type { Socket } from 'node:net';
import { keepEarlyBytes } from '@allium/common/net/early-bytes.ts';
import { socksConnect } from '@allium/common/socks/client.ts';
import { SocksClientError } from 'socks';
import type { Endpoint } from '../syntax/endpoint.ts';
import type { SocksParent } from '../syntax/forward-line.ts';
import { loopbackFor } from './client-address.ts';
import { connectReading } from './socket-reader.ts';
import { asUpstreamError, UpstreamError } from './upstream-error.ts';

export interface Hop {
  readonly host: string;
  readonly port: number;
}

/**
 * Milliseconds to connect to a parent on this machine; it takes none, but a firewall that closes the loopback leaves no
 * other sign.
 */
export const LOCAL_MS = 5_000;

export interface DialBounds {
  readonly timeoutMs: number;
  /** the client is gone */
  readonly signal?: AbortSignal | undefined;
}

/** Opens a stream to a parent, perhaps from an address of the loopback. Throws `UpstreamError`. */
export async function dialEndpoint(
  endpoint: Endpoint,
  { timeoutMs, signal }: DialBounds,
  localAddress?: string,
): Promise<Socket> {
  const socket = socketTo(endpoint, localAddress);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(
    () => reject(new UpstreamError({ code: 'timeout' })),
    isLocal(endpoint) ? Math.min(timeoutMs, LOCAL_MS) : timeoutMs,
  );
  const gone = (): void => reject(new UpstreamError({ code: 'closed' }));
  signal?.addEventListener('abort', gone);
  if (signal?.aborted === true) gone();
  socket.once('connect', resolve);
  socket.once('error', () => reject(new UpstreamError({ code: 'connect' })));
  try {
    await promise;
    return socket;
  } catch (error) {
    discard(socket);
    throw error;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', gone);
  }
}

/** Begins to connect; nobody listens for its errors yet. */
export function socketTo(endpoint: Endpoint, localAddress?: string): Socket {
  if ('path' in endpoint) return connectReading({ path: endpoint.path });
  const { host, port } = endpoint;
  return connectReading({
    host,
    port,
    noDelay: true,
    ...(localAddress === undefined ? {} : { localAddress }),
  });
}

export function isLocal(endpoint: Endpoint): boolean {
  return 'path' in endpoint || endpoint.host.startsWith('127.');
}

export interface SocksDial extends DialBounds {
  /** address of the workstation */
  readonly client: string;
}

/**
 * Opens a stream through a SOCKS parent; the name is resolved behind it. A parent on the loopback sees an address of its
 * own for each client. Throws `UpstreamError`.
 */
export async function dialSocks(
  parent: SocksParent,
  to: Hop,
  { timeoutMs, client, signal }: SocksDial,
): Promise<Socket> {
  const { endpoint } = parent;
  const local = 'host' in endpoint && isLocal(endpoint) ? loopbackFor(client) : undefined;
  const socket = await dialEndpoint(endpoint, { timeoutMs, signal }, local).catch((error: unknown) => {
    const code = asUpstreamError(error).code;
    throw new UpstreamError({
      code: 'socks',
      reason: code === 'timeout' ? 'no connection in time' : 'not reachable',
    });
  });
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    socket.destroy();
  }, timeoutMs);
  const gone = (): void => void socket.destroy();
  signal?.addEventListener('abort', gone);
  try {
    const { user, password } = parent;
    await socksConnect(socket, { destination: to, version: parent.version === '4a' ? 4 : 5, user, password });
    await keepEarlyBytes(socket);
    return socket;
  } catch (error) {
    discard(socket);
    throw new UpstreamError({ code: 'socks', reason: late ? 'no answer in time' : reasonOf(error) });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', gone);
  }
}

/** The library says "… rejected connection - (HostUnreachable)"; only that word is kept. */
function reasonOf(error: unknown): string {
  if (!(error instanceof SocksClientError)) return 'failed';
  return (
    /\((\w+)\)|- (\w+)$/
      .exec(error.message)
      ?.slice(1)
      .find((word) => word !== undefined) ?? 'failed'
  );
}

function discard(socket: Socket): void {
  socket.on('error', () => {});
  socket.destroy();
}
