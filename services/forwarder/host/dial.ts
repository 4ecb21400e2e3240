import { connect, type Socket } from 'node:net';
import { keepEarlyBytes } from '@allium/common/net/early-bytes.ts';
import { SocksClient, SocksClientError } from 'socks';
import type { Endpoint } from '../syntax/endpoint.ts';
import type { SocksParent } from '../syntax/forward-line.ts';
import { asUpstreamError, UpstreamError } from './upstream-error.ts';

export interface Hop {
  readonly host: string;
  readonly port: number;
}

/** Opens a stream to a parent. Throws `UpstreamError`. */
export async function dialEndpoint(endpoint: Endpoint, timeoutMs: number): Promise<Socket> {
  const socket =
    'path' in endpoint
      ? connect({ path: endpoint.path })
      : connect({ host: endpoint.host, port: endpoint.port, noDelay: true });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(() => reject(new UpstreamError({ code: 'timeout' })), timeoutMs);
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
  }
}

/** Opens a stream through a SOCKS parent; the name is resolved behind it. Throws `UpstreamError`. */
export async function dialSocks(parent: SocksParent, to: Hop, timeoutMs: number): Promise<Socket> {
  const socket = await dialEndpoint(parent.endpoint, timeoutMs).catch((error: unknown) => {
    const code = asUpstreamError(error).code;
    throw new UpstreamError({
      code: 'socks',
      reason: code === 'timeout' ? 'no connection in time' : 'not reachable',
    });
  });
  try {
    await SocksClient.createConnection({
      proxy: {
        host: '127.0.0.1',
        port: 1,
        type: parent.version === '4a' ? 4 : 5,
        ...(parent.user === undefined ? {} : { userId: parent.user, password: parent.password ?? '' }),
      },
      command: 'connect',
      destination: { host: to.host, port: to.port },
      existing_socket: socket,
      timeout: timeoutMs,
    });
    await keepEarlyBytes(socket);
    return socket;
  } catch (error) {
    discard(socket);
    throw new UpstreamError({ code: 'socks', reason: reasonOf(error) });
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

/** Makes a fresh stream ready for node:http, which reads a flowing socket. A site that speaks first is not HTTP. */
export function readyForHttp(socket: Socket): Socket {
  if (socket.readableLength > 0) {
    discard(socket);
    throw new UpstreamError({ code: 'invalid' });
  }
  return socket.resume();
}
