/**
 * A process of its own: one HTTP server behind everything that a proxy may have for a parent. It is an HTTP parent for
 * .i2p, a SOCKS parent, and the router's two sockets; each is read as far as it must and then is the server's connection.
 */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { resolveRequest } from '@allium/common/contracts/names.ts';
import { FRAMES } from '@allium/common/contracts/streams.ts';
import { Framed } from '@allium/common/net/framed.ts';
import { SocksServer, type SocksServerOutput } from '@allium/common/socks/server.ts';
import { ok, post, serve } from '@allium/common/unix-json/serve.ts';
import { HOSTS, PAGES, type Parents } from './cells.ts';

const bodies = new Map(
  Object.values(PAGES).map(({ path, bytes }): [string, Buffer] => [path, Buffer.alloc(bytes, 'x')]),
);
const I2P = `http://${HOSTS['.i2p']}`;
const server = createServer((request, response) => {
  const { url = '' } = request;
  // An I2P router's HTTP proxy ends its connection behind each answer, as a stream does.
  const i2p = url.startsWith(I2P);
  const body = bodies.get(i2p ? url.slice(I2P.length) : url);
  response.writeHead(body === undefined ? 404 : 200, {
    // No text: Debian's rules would have Privoxy filter it, which ours does not do.
    'content-type': 'application/octet-stream',
    'content-length': body?.length ?? 0,
    ...(i2p ? { connection: 'close' } : {}),
  });
  response.end(body);
});
// Connections last as long as whoever opened them likes.
server.keepAliveTimeout = 0;

/** Grants whatever is asked for; the connection, or what its frames carry, is then one to the server. */
function lead(socket: Socket): void {
  const core = new SocksServer();
  let framed = false;
  socket.on('error', () => {});
  const act = (output: SocksServerOutput): void => {
    if (output.kind === 'send') socket.write(output.bytes);
    else if (output.kind === 'close') socket.destroy();
    else if (output.kind === 'request') {
      framed = Buffer.from(output.login?.password ?? []).toString('latin1') === FRAMES;
      core.step({ kind: 'granted' }, 0).forEach(act);
    } else if (output.kind === 'relay') {
      socket.off('data', onData);
      if (output.early.length > 0) socket.unshift(output.early);
      server.emit('connection', framed ? new Framed(socket).start() : socket);
    }
  };
  const onData = (bytes: Buffer): void => core.step({ kind: 'bytes', bytes }, 0).forEach(act);
  socket.on('data', onData);
}

async function listening(listener: Server, where: string | 0): Promise<number> {
  if (where === 0) listener.listen(0, '127.0.0.1');
  else listener.listen(where);
  await once(listener, 'listening');
  return where === 0 ? (listener.address() as AddressInfo).port : 0;
}

const folder = mkdtempSync(join(tmpdir(), 'allium-bench-'));
const [streams, names] = [join(folder, 'streams.sock'), join(folder, 'names.sock')];
const resolve = post(resolveRequest, () => ok({ kind: 'found', base32: 'a'.repeat(52) }), { bytes: 8_192 });
await serve({ path: names }, { 'POST /resolve': resolve }, { keepAliveMs: 60_000 });
await listening(createTcpServer({ noDelay: true }, lead), streams);
const parents: Parents = {
  http: await listening(server, 0),
  socks: await listening(createTcpServer({ noDelay: true }, lead), 0),
  streams,
  names,
};
process.once('disconnect', () => {
  rmSync(folder, { recursive: true });
  process.exit();
});
process.send?.(parents);
