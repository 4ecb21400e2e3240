import type { Socket } from 'node:net';
import { SocksClient, type SocksClientOptions } from 'socks';

export type SocksDial = Pick<SocksClientOptions, 'destination'> & {
  readonly version: 4 | 5;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
};

/**
 * Asks the SOCKS proxy that `socket` is connected to for a stream. Resolves when the proxy has granted it; rejects with
 * `SocksClientError`, also when the socket is destroyed: the deadline is the caller's.
 */
export function socksConnect(socket: Socket, dial: SocksDial): Promise<void> {
  const { destination, version: type, user, password = '' } = dial;
  const client = new SocksClient({
    // The socket stands already: this address is of no consequence, but the library wants one.
    proxy: { host: '127.0.0.1', port: 1, type, ...(user === undefined ? {} : { userId: user, password }) },
    command: 'connect',
    destination,
    timeout: 1,
  });
  // The library never clears its own timer, which keeps every finished connection in memory until it fires: a client that
  // opens hundreds a second would fill the heap. It fires at once, and does nothing.
  Object.defineProperty(client, 'onEstablishedTimeout', { value: () => {} });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  client.once('established', () => resolve());
  client.once('error', reject);
  client.connect(socket);
  return promise;
}
