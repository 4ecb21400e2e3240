import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { FrameReader, frameHead } from '@allium/common/bytes/frames.ts';
import { BrokenOff, Framed } from '@allium/common/net/framed.ts';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';

/** Both ends of a Unix socket. */
async function socketPair(t: ExecutionContext): Promise<[Socket, Socket]> {
  const path = join(tmpdir(), `framed-${process.pid}-${Math.random()}.sock`);
  const server = createServer({ allowHalfOpen: true }).listen(path);
  await once(server, 'listening');
  const near = connect({ path, allowHalfOpen: true });
  const [far] = (await once(server, 'connection')) as [Socket];
  t.teardown(() => {
    for (const socket of [near, far]) socket.destroy();
    server.close();
  });
  return [near, far];
}

/** All that comes up to the end; unlike an iterator it leaves the other direction open. */
async function all(stream: Duplex): Promise<Buffer> {
  const parts: Buffer[] = [];
  stream.on('data', (part: Buffer) => parts.push(part));
  await once(stream, 'end');
  return Buffer.concat(parts);
}

async function framedPair(t: ExecutionContext): Promise<[Framed, Framed]> {
  const [a, b] = await socketPair(t);
  const pair: [Framed, Framed] = [new Framed(a).start(), new Framed(b).start()];
  for (const stream of pair) stream.on('error', () => {});
  return pair;
}

test('frames are read in whatever pieces they come, and nothing behind the end', (t) => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ minLength: 1 })), fc.integer({ min: 1, max: 9 }), (parts, size) => {
      const sent = Buffer.concat([...parts.flatMap((part) => [frameHead(part.length), part]), frameHead(0)]);
      const whole = Buffer.concat([sent, Buffer.from('\0\0\0\x01x')]);
      const reader = new FrameReader();
      const got: Uint8Array[] = [];
      for (let at = 0; at < whole.length; at += size) {
        t.is(reader.ended, at >= sent.length);
        got.push(...reader.push(whole.subarray(at, at + size)));
      }
      t.deepEqual(Buffer.concat(got), Buffer.concat(parts));
    }),
  );
});

test('much goes both ways past a slow reader, and each half-close', async (t) => {
  const [a, b] = await framedPair(t);
  const [there, back] = [Buffer.alloc(3_000_000, 'a'), Buffer.alloc(3_000_000, 'b')];
  a.end(there);
  // Not read yet: what does not fit is held back.
  await new Promise((resolve) => setTimeout(resolve, 50));
  t.true((await all(b)).equals(there));
  t.false(a.readableEnded);
  b.write('');
  b.end(back);
  t.true((await all(a)).equals(back));
});

test('a close without an end breaks off', async (t) => {
  const [a, b] = await framedPair(t);
  a.write('half');
  const [bytes] = (await once(b, 'data')) as [Buffer];
  t.is(bytes.toString(), 'half');
  a.destroy();
  const [error] = (await once(b, 'error')) as [Error];
  t.true(error instanceof BrokenOff);
});

test('who has ended and then breaks off is noticed too', async (t) => {
  const [a, b] = await framedPair(t);
  a.end('all');
  t.is((await all(b)).toString(), 'all');
  a.destroy();
  const [error] = (await once(b, 'error')) as [Error];
  t.true(error instanceof BrokenOff);
});

test('nothing is read before the start', async (t) => {
  const [near, far] = await socketPair(t);
  const framed = new Framed(near).on('error', () => {});
  far.write('plain');
  const [plain] = (await once(near, 'data')) as [Buffer];
  t.is(plain.toString(), 'plain');
  near.pause();
  near.removeAllListeners('data');
  // Asked for by a reader that is too early.
  framed.read(0);
  far.write(Buffer.concat([frameHead(2), Buffer.from('ok'), frameHead(0)]));
  t.is((await all(framed.start())).toString(), 'ok');
});
