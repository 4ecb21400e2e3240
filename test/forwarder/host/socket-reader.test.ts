import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setImmediate, setTimeout } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { connectReading, readerOf } from '../../../services/forwarder/host/socket-reader.ts';
import { listening } from '../../support/tcp.ts';
import { FakeRouter } from '../support/fake-router.ts';
import { startOurs } from '../support/proxies.ts';
import { SITE } from '../support/site-rig.ts';
import { SocksServer } from '../support/socks-server.ts';

const MB = 1 << 20;

/** No piece of it is like another one. */
function pattern(length: number): Buffer {
  const words = Uint32Array.from({ length: length / 4 }, (_, at) => Math.imul(at, 2_654_435_761));
  return Buffer.from(words.buffer);
}

/** In pieces of less than a full buffer, which a proxy goes on to read when its client takes no more. */
async function trickle(socket: Socket, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length; at += 20_000) {
    if (!socket.write(bytes.subarray(at, at + 20_000))) await once(socket, 'drain');
    else await setImmediate();
  }
  socket.end();
}

/** The SHA-256 of the body of a page; the client rests now and then, so that its proxy has to wait for it. */
async function digestThrough(port: number, host: string, path: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.write(`GET http://${host}/${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
  const parts: Buffer[] = [];
  for await (const part of socket) {
    parts.push(part);
    if (parts.length === 1) await setTimeout(1_000);
  }
  const all = Buffer.concat(parts);
  return sha256(all.subarray(all.indexOf('\r\n\r\n') + 4));
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

const SIZES = [4, 4_000, 8_192, 16_384, 16_388, 65_536, 70_000, 12 * MB];

/** A server that sends as many bytes as its path says, without resting. */
async function far(t: ExecutionContext): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', (head: Buffer) => {
      const size = Number(/ \S*?\/(\d+) HTTP/.exec(head.toString('latin1'))?.[1]);
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
      void trickle(socket, pattern(size));
    });
  });
  return await listening(t, server);
}

/** How a page may come: from a proxy, through SOCKS with the request in front, in frames from the router. */
const WAYS: Readonly<Record<string, (t: ExecutionContext, port: number) => Promise<string>>> = {
  'from an HTTP parent': async (_t, port) => `forward .i2p 127.0.0.1:${port}\n`,
  'through SOCKS': async (t, port) => {
    const socks = await SocksServer.start(port);
    t.teardown(() => socks.stop());
    return `forward-socks5t / 127.0.0.1:${socks.port} .\n`;
  },
  'in frames': async (t, port) => {
    const router = await FakeRouter.start(t);
    router.ports.set(80, port);
    router.hosts.set('a.i2p', SITE.base32);
    return `${router.line}forward .i2p 127.0.0.1:4444\n`;
  },
};

for (const [way, config] of Object.entries(WAYS)) {
  test(`pages of many sizes for clients that rest arrive as they were sent, ${way}`, async (t) => {
    const ours = await startOurs(await config(t, await far(t)));
    t.teardown(() => ours.stop());
    const host = way === 'through SOCKS' ? 'a.example' : 'a.i2p';
    const asked = [...SIZES, ...SIZES, 12 * MB, 12 * MB];
    const digests = await Promise.all(asked.map((size) => digestThrough(ours.port, host, String(size))));
    t.deepEqual(
      digests,
      asked.map((size) => sha256(pattern(size))),
    );
  });
}

test('a buffer is read into again only when its bytes are given back', async (t) => {
  const sent = pattern(4 * MB);
  const server = createServer((socket) => void socket.end(sent));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  for (const back of [false, true]) {
    const socket = connectReading({ port: (server.address() as AddressInfo).port, host: '127.0.0.1' });
    const reader = readerOf(socket);
    const held: Buffer[] = [];
    const buffers = new Set<ArrayBufferLike>();
    if (reader === undefined) return t.fail();
    reader.onBytes = (bytes) => {
      held.push(back ? Buffer.from(bytes) : bytes);
      if (bytes.length > 4_096) buffers.add(bytes.buffer);
      if (back) reader.recycle();
    };
    socket.resume();
    await once(socket, 'close');
    t.is(sha256(Buffer.concat(held)), sha256(sent));
    if (back) t.true(buffers.size <= 2, `${buffers.size} buffers`);
    else t.true(buffers.size >= (4 * MB) / 65_536, `${buffers.size} buffers`);
  }
  server.close();
});
