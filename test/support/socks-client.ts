import { connect, type Socket } from 'node:net';
import { SocksClient } from 'socks';
import type { Endpoint } from '../network/fetching.ts';

/** ms: a LeaseSet lookup and several SYNs may have to pass. */
const OPEN_DEADLINE_MS = 90_000;

/**
 * A connection to a name, opened by the `socks` package at a SOCKS5 port or Unix socket. Rejects with what the proxy
 * answered. Write before you read: the package's way of handing over early bytes is not for readers who come late.
 */
export async function openThroughSocks(
  proxy: Endpoint | string,
  host: string,
  port: number,
): Promise<Socket> {
  const { socket } = await SocksClient.createConnection({
    proxy: typeof proxy === 'string' ? { host: '127.0.0.1', port: 1, type: 5 } : { ...proxy, type: 5 },
    command: 'connect',
    destination: { host, port },
    timeout: OPEN_DEADLINE_MS,
    ...(typeof proxy === 'string' ? { existing_socket: connect(proxy) } : {}),
  });
  return socket;
}
