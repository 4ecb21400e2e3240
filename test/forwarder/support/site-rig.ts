import { createServer, type RequestListener, type Server } from 'node:http';
import { connect, type Socket, type Server as TcpServer } from 'node:net';
import { toBase64 } from '@allium/common/bytes/text.ts';
import type { ExecutionContext } from 'ava';
import type { Limits } from '../../../services/forwarder/host/context.ts';
import { FakeRouter } from './fake-router.ts';
import { destinationOf } from './names-table.ts';
import { type OurProxy, startOurs } from './proxies.ts';

export const SITE = destinationOf('the site');
export const SITE_B32 = `${SITE.base32}.b32.i2p`;
export const SITE_BASE64 = toBase64(SITE.raw);

export interface SiteRig {
  readonly router: FakeRouter;
  readonly ours: OurProxy;
  readonly site: Server;
  readonly proxy: { readonly host: string; readonly port: number };
}

/** A site named `site.i2p`, its I2P port 80 served by `listener`, and the forwarder in front of it. */
export async function siteRig(
  t: ExecutionContext,
  listener: RequestListener,
  limits: Partial<Limits> = {},
  config = 'keep-alive-timeout 5\ntolerate-pipelining 1\n',
): Promise<SiteRig> {
  const router = await FakeRouter.start(t);
  const site = createServer(listener);
  router.ports.set(80, await listening(t, site));
  router.hosts.set('site.i2p', SITE.base32);
  const ours = await startOurs(`${router.line}forward / 127.0.0.1:4444\n${config}`, {}, limits);
  t.teardown(() => ours.stop());
  return { router, ours, site, proxy: { host: '127.0.0.1', port: ours.port } };
}

/** Listens on a port of the system's choice until the test ends. */
export async function listening(t: ExecutionContext, server: TcpServer): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not TCP');
  return address.port;
}

/** Sends raw bytes and gives all that comes until the other side closes, or for `ms`. */
export async function exchange(
  where: { host: string; port: number },
  text: string,
  ms = 4_000,
): Promise<string> {
  const socket = connect({ ...where, allowHalfOpen: true });
  const parts: Buffer[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  socket.on('data', (part: Buffer) => parts.push(part));
  socket.once('end', resolve);
  socket.once('close', () => resolve());
  socket.on('error', () => resolve());
  const timer = setTimeout(resolve, ms);
  socket.write(text, 'latin1');
  await promise;
  clearTimeout(timer);
  socket.destroy();
  return Buffer.concat(parts).toString('latin1');
}

/** Waits until `condition` holds; fails the test when it does not within `ms`. */
export async function until(t: ExecutionContext, condition: () => boolean, ms = 20_000): Promise<void> {
  const end = Date.now() + ms;
  while (!condition()) {
    if (Date.now() > end) return t.fail('waited in vain');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  t.pass();
}
