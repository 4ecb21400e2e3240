import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import test from 'ava';
import { startDelayRelay, UNDER_WAY_LIMIT } from './delay-relay.ts';

const DELAY = 60;

async function withRelay(server: Server, use: (path: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'delay-'));
  const to = join(folder, 'to');
  await new Promise<void>((resolve) => server.listen(to, resolve));
  const relay = await startDelayRelay({ from: join(folder, 'from'), to, delay: DELAY });
  try {
    await use(relay.path);
  } finally {
    await relay.close();
    await new Promise<void>((resolve) => server.close(() => resolve()));
    await rm(folder, { recursive: true });
  }
}

const echo = () => createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket));

test('a question and its answer take twice the delay', async (t) => {
  await withRelay(echo(), async (path) => {
    const started = performance.now();
    const socket = connect({ path, allowHalfOpen: true });
    socket.end('hello');
    t.is(await text(socket), 'hello');
    const took = performance.now() - started;
    t.true(took >= 2 * DELAY - 2, `${took} ms`);
  });
});

test('megabytes arrive in order and whole, far faster than one chunk a delay', async (t) => {
  await withRelay(echo(), async (path) => {
    const sent = randomBytes(3 * UNDER_WAY_LIMIT);
    const started = performance.now();
    const socket = connect({ path, allowHalfOpen: true });
    socket.end(sent);
    const got = await buffer(socket);
    const took = performance.now() - started;
    t.is(got.length, sent.length);
    t.is(createHash('sha256').update(got).digest('hex'), createHash('sha256').update(sent).digest('hex'));
    // 64 KiB a chunk: one chunk a delay would take 23 s
    t.true(took < 8_000, `${took} ms`);
  });
});

test('a reader who stops reading stops the writer within the bound', async (t) => {
  const heldBack = new Set<Socket>();
  const deaf = createServer((socket) => heldBack.add(socket.pause()));
  await withRelay(deaf, async (path) => {
    const socket = connect(path);
    const chunk = Buffer.alloc(1024 * 1024);
    const enough = 8 * UNDER_WAY_LIMIT;
    let written = 0;
    const deadline = performance.now() + 1_500;
    while (written < enough && performance.now() < deadline) {
      const flushed = new Promise<boolean>((resolve) => socket.write(chunk, () => resolve(true)));
      const stuck = new Promise<boolean>((resolve) => setTimeout(resolve, 500, false));
      if (!(await Promise.race([flushed, stuck]))) break;
      written += chunk.length;
    }
    socket.destroy();
    for (const one of heldBack) one.destroy();
    t.true(written < 2 * UNDER_WAY_LIMIT, `${written} bytes were taken`);
  });
});

test('a far end that does not answer closes the near one', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'delay-'));
  const relay = await startDelayRelay({
    from: join(folder, 'from'),
    to: join(folder, 'nobody'),
    delay: DELAY,
  });
  const socket = connect(relay.path);
  await new Promise((resolve) => socket.once('error', resolve).once('close', resolve));
  t.true(socket.destroyed);
  await relay.close();
  await rm(folder, { recursive: true });
});
