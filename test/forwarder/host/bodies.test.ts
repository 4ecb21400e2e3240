import { createHash } from 'node:crypto';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect, createServer as createTcpServer } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import test, { type ExecutionContext } from 'ava';
import { get, pair } from '../support/fixture.ts';
import { startOurs } from '../support/proxies.ts';
import { probe, statusOf } from '../support/raw-client.ts';

const MB = 1 << 20;

function* blocks(total: number): Generator<Buffer> {
  for (let at = 0; at < total; at += 65_536) yield Buffer.alloc(65_536, at / 65_536);
}

function digestOf(total: number): string {
  const hash = createHash('sha256');
  for (const block of blocks(total)) hash.update(block);
  return hash.digest('hex');
}

async function before(t: ExecutionContext, parentPort: number): Promise<number> {
  const ours = await startOurs(`forward .i2p 127.0.0.1:${parentPort}\nkeep-alive-timeout 5\n`);
  t.teardown(() => ours.stop());
  return ours.port;
}

test('20 MB down and 20 MB up arrive whole, chunked or with a length', async (t) => {
  const far = createServer((req, res) => {
    const hash = createHash('sha256');
    req.on('data', (chunk) => hash.update(chunk));
    req.on('end', () => {
      res.setHeader('X-Digest', hash.digest('hex'));
      if (req.url?.includes('length')) res.setHeader('Content-Length', 20 * MB);
      Readable.from(blocks(20 * MB)).pipe(res);
    });
  });
  await new Promise<void>((resolve) => far.listen(0, '127.0.0.1', resolve));
  t.teardown(() => far.close());
  const port = await before(t, (far.address() as AddressInfo).port);
  for (const way of ['length', 'chunked']) {
    const headers = way === 'length' ? { 'Content-Length': 20 * MB } : {};
    const req = request({ host: '127.0.0.1', port, method: 'POST', path: `http://a.i2p/${way}`, headers });
    const answered = new Promise<import('node:http').IncomingMessage>((resolve) =>
      req.once('response', resolve),
    );
    await pipeline(Readable.from(blocks(20 * MB)), req);
    const res = await answered;
    const hash = createHash('sha256');
    for await (const chunk of res) hash.update(chunk);
    t.is(res.headers['x-digest'], digestOf(20 * MB), `${way} up`);
    t.is(hash.digest('hex'), digestOf(20 * MB), `${way} down`);
  }
});

test('a parent that does not read stops the client, not the memory', async (t) => {
  const far = createTcpServer((socket) => void socket.pause());
  await new Promise<void>((resolve) => far.listen(0, '127.0.0.1', resolve));
  const port = await before(t, (far.address() as AddressInfo).port);
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write(`POST http://a.i2p/ HTTP/1.1\r\nHost: a.i2p\r\nContent-Length: ${200 * MB}\r\n\r\n`);
  const filling = setInterval(() => {
    for (let i = 0; i < 16 && socket.writableLength < MB; i++) socket.write(Buffer.alloc(MB));
  }, 5);
  let last = -1;
  for (let still = 0; still < 4; ) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    still = socket.bytesWritten - socket.writableLength === last ? still + 1 : 0;
    last = socket.bytesWritten - socket.writableLength;
  }
  clearInterval(filling);
  t.true(last < 40 * MB, `${last} bytes went`);
  socket.destroy();
  far.close();
});

test('an answer that breaks off breaks the connection of the client too', async (t) => {
  const { port, parent } = await pair(t);
  parent.answer = (_head, socket) => {
    setTimeout(() => socket.destroy(), 50);
    return 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf';
  };
  const reply = await probe(port, get('http://a.i2p/'), { quietMs: 2_000 });
  t.true(reply.closed);
  t.true(reply.text.endsWith('half'));
});

test('a chunked answer that breaks off is not given an end', async (t) => {
  const { port, parent } = await pair(t);
  parent.answer = (_head, socket) => {
    setTimeout(() => socket.destroy(), 50);
    return 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n';
  };
  const reply = await probe(port, get('http://a.i2p/'), { quietMs: 2_000 });
  t.true(reply.closed);
  t.false(reply.text.includes('\r\n0\r\n'));
});

test('a client that leaves takes its request to the parent with it', async (t) => {
  const { port, parent } = await pair(t);
  parent.answer = () => undefined;
  await probe(port, get('http://a.i2p/'), { limitMs: 200 });
  for (let round = 0; round < 40 && parent.open > 0; round++)
    await new Promise((next) => setTimeout(next, 50));
  t.is(parent.open, 0);
});

test('Expect: 100-continue is asked of the parent, and its word passed on', async (t) => {
  const { port, parent } = await pair(t);
  let asked = 0;
  parent.answer = (head) => {
    if (/expect/i.test(head) && asked++ === 0) return 'HTTP/1.1 100 Continue\r\n\r\n';
    return 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok';
  };
  const reply = await probe(
    port,
    'POST http://a.i2p/ HTTP/1.1\r\nHost: a.i2p\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n',
  );
  t.regex(reply.text, /^HTTP\/1\.1 100 Continue\r\n\r\n/);
});

test('a bad chunk size ends the connection and the answer is not mistaken for another one', async (t) => {
  const { port, parent } = await pair(t);
  parent.answer = () => undefined;
  const post = 'POST http://a.i2p/ HTTP/1.1\r\nHost: a.i2p\r\nTransfer-Encoding: chunked\r\n\r\n';
  for (const size of ['zz', '-1', '0x3', '11111111111111111']) {
    const reply = await probe(port, `${post}${size}\r\nabc\r\n0\r\n\r\n${get('http://smuggled.i2p/')}`, {
      limitMs: 3_000,
    });
    t.true(['400', 'nothing'].includes(statusOf(reply)), `${size}: ${reply.text.slice(0, 40)}`);
    t.notRegex(parent.take(), /smuggled/);
  }
});

test('an HTTP/1.0 client that wants to stay is told the truth when the end is not known', async (t) => {
  const { port, parent } = await pair(t);
  parent.answer = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n';
  const bytes = 'GET http://a.i2p/ HTTP/1.0\r\nHost: a.i2p\r\nConnection: keep-alive\r\n\r\n';
  const reply = await probe(port, bytes);
  t.regex(reply.text, /\r\nConnection: close\r\n\r\nok$/);
  t.true(reply.closed);
});

test('an answer in a coding that is not chunks is 502', async (t) => {
  const { port, parent } = await pair(t);
  parent.answer = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\nConnection: close\r\n\r\nxx';
  t.is(statusOf(await probe(port, get('http://a.i2p/'))), '502');
});

test('a body behind an answer of our own is not read as the next request', async (t) => {
  const { port, parent } = await pair(t);
  const smuggled = get('http://a.i2p/smuggled');
  const head = `POST http://nobody.invalid/ HTTP/1.1\r\nHost: nobody.invalid\r\nContent-Length: ${smuggled.length + 5}\r\n\r\n`;
  const reply = await probe(port, [head, smuggled], { quietMs: 500 });
  t.is(reply.text.match(/HTTP\/1\.1/g)?.length, 1);
  t.is(statusOf(reply), '403');
  t.is(parent.take(), '');
});
