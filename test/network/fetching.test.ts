import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { fetchThroughSocks } from './fetching.ts';

const PAGE = 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello';

/** A SOCKS5 server that gives one answer to every request, then what `then` writes. */
async function socksServer(
  answer: readonly number[],
  then = '',
): Promise<{ path: string; close: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'socks-'));
  const path = join(folder, 'socks');
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket.on('error', () => {}));
    socket.once('data', () => {
      socket.write(Buffer.from([5, 0]));
      socket.once('data', () => {
        socket.write(Buffer.from(answer));
        if (then !== '') socket.once('data', () => socket.end(then));
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return {
    path,
    close: async () => {
      for (const socket of open) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
      await rm(folder, { recursive: true });
    },
  };
}

for (const [kind, answer] of [
  ['IPv4', [5, 0, 0, 1, 0, 0, 0, 0, 0, 0]],
  ['IPv6', [5, 0, 0, 4, ...new Array<number>(18).fill(0)]],
] as const) {
  test(`a page comes through SOCKS that answers with an empty ${kind} address`, async (t) => {
    const { path, close } = await socksServer(answer, PAGE);
    const got = await fetchThroughSocks(path, 'http://a.test/', 2_000);
    t.is(got.status, 200);
    t.is(got.text, 'hello');
    await close();
  });
}

test('a refusal rejects with its code and leaves the process alive', async (t) => {
  const { path, close } = await socksServer([5, 4, 0, 1, 0, 0, 0, 0, 0, 0]);
  await t.throwsAsync(fetchThroughSocks(path, 'http://a.test/', 2_000), { message: /SOCKS reply 4/ });
  await close();
});

test('silence rejects after the time allowed', async (t) => {
  const { path, close } = await socksServer([]);
  await t.throwsAsync(fetchThroughSocks(path, 'http://a.test/', 300), { message: /no answer from SOCKS/ });
  await close();
});

test('a socket that is not there rejects', async (t) => {
  await t.throwsAsync(fetchThroughSocks('/nowhere/socks', 'http://a.test/', 300), { code: 'ENOENT' });
});
