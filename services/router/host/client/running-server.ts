import type { AddressInfo, Server, Socket } from 'node:net';
import type { Stop } from '@allium/common/lifecycle/lifecycle.ts';
import { type ListenAddress, listen } from '@allium/common/lifecycle/listen.ts';

/** A listening local protocol. */
export interface RunningServer {
  /** where it listens; the port is the real one when 0 was asked for */
  readonly address: ListenAddress;
  /** Closes the listener and cuts every connection. */
  readonly stop: Stop;
}

/** Listens with `server` and keeps account of its connections. Throws `ListenError`. */
export async function runServer(server: Server, address: ListenAddress): Promise<RunningServer> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await listen(server, address);
  return {
    address: boundAddress(server.address(), address),
    stop: async () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
      await promise;
    },
  };
}

function boundAddress(bound: AddressInfo | string | null, asked: ListenAddress): ListenAddress {
  return bound === null || typeof bound === 'string' ? asked : { host: bound.address, port: bound.port };
}
