/** A process of its own, so that its work is not the load's: an HTTP server and a SOCKS server that leads to it. */
import { subscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { SocksServer } from '../../forwarder/support/socks-server.ts';
import { PAGES } from './cells.ts';

// Else a request in two pieces waits 40 ms in the SOCKS server for the first one's acknowledgement.
for (const channel of ['net.client.socket', 'net.server.socket'])
  subscribe(channel, (message) => (message as { readonly socket: Socket }).socket.setNoDelay(true));

const bodies = new Map(
  Object.values(PAGES).map(({ path, bytes }): [string, Buffer] => [path, Buffer.alloc(bytes, 'x')]),
);
const server = createServer((request, response) => {
  const body = bodies.get(request.url ?? '');
  response.writeHead(body === undefined ? 404 : 200, {
    'content-type': 'text/plain',
    'content-length': body?.length ?? 0,
  });
  response.end(body);
});
// Connections last as long as whoever opened them likes.
server.keepAliveTimeout = 0;
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const { port } = server.address() as AddressInfo;
const socks = await SocksServer.start(port);
process.once('disconnect', () => process.exit());
process.send?.({ http: port, socks: socks.port });
