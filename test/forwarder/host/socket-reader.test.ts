import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setImmediate, setTimeout } from 'node:timers/promises';
import test from 'ava';
import { connectReading, readerOf } from '../../../services/forwarder/host/socket-reader.ts';
import { startOurs } from '../support/proxies.ts';

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
async function digestThrough(port: number, path: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.write(`GET http://a.i2p/${path} HTTP/1.1\r\nHost: a.i2p\r\nConnection: close\r\n\r\n`);
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

test('pages of many sizes for clients that rest arrive as they were sent', async (t) => {
  const sizes = [4, 4_000, 8_192, 16_384, 16_388, 65_536, 70_000, 12 * MB];
  const far = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', (head: Buffer) => {
      const size = Number(/a\.i2p\/(\d+)/.exec(head.toString('latin1'))?.[1]);
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
      void trickle(socket, pattern(size));
    });
  });
  far.listen(0, '127.0.0.1');
  await once(far, 'listening');
  const ours = await startOurs(`forward .i2p 127.0.0.1:${(far.address() as AddressInfo).port}\n`);
  const asked = [...sizes, ...sizes, 12 * MB, 12 * MB];
  const digests = await Promise.all(asked.map((size) => digestThrough(ours.port, String(size))));
  t.deepEqual(
    digests,
    asked.map((size) => sha256(pattern(size))),
  );
  await ours.stop();
  far.close();
});

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
