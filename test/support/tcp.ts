import { connect, type Server, type Socket } from 'node:net';
import type { ExecutionContext } from 'ava';

/** Listens on a port of the system's choice until the test ends. */
export async function listening(t: ExecutionContext, server: Server): Promise<number> {
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
