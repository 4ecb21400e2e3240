import { connect } from 'node:net';
import test from 'ava';
import { recordedEntropy } from '../../../support/entropy.ts';
import { exchange, startRig } from './fake-i2p.ts';

const HOST = 'Host: site.i2p\r\n';

/** Requests that two readers could cut differently, or that no strict reader takes; none may reach the site. */
const BAD_REQUESTS: readonly (readonly [title: string, bytes: string, status: number])[] = [
  [
    'a length beside chunks',
    `POST http://site.i2p/ HTTP/1.1\r\n${HOST}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    400,
  ],
  [
    'chunks beside a length',
    `POST http://site.i2p/ HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n`,
    400,
  ],
  [
    'two lengths',
    `POST http://site.i2p/ HTTP/1.1\r\n${HOST}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd`,
    400,
  ],
  [
    'two equal lengths',
    `POST http://site.i2p/ HTTP/1.1\r\n${HOST}Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc`,
    400,
  ],
  ['a list of lengths', `POST http://site.i2p/ HTTP/1.1\r\n${HOST}Content-Length: 3, 3\r\n\r\nabc`, 400],
  ['a signed length', `POST http://site.i2p/ HTTP/1.1\r\n${HOST}Content-Length: +3\r\n\r\nabc`, 400],
  ['a negative length', `POST http://site.i2p/ HTTP/1.1\r\n${HOST}Content-Length: -1\r\n\r\n`, 400],
  [
    'an unknown coding',
    `POST http://site.i2p/ HTTP/1.1\r\n${HOST}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`,
    400,
  ],
  [
    'two codings',
    `POST http://site.i2p/ HTTP/1.1\r\n${HOST}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
    400,
  ],
  ['a folded header', `GET http://site.i2p/ HTTP/1.1\r\n${HOST}X: a\r\n b\r\n\r\n`, 400],
  ['a header without a colon', `GET http://site.i2p/ HTTP/1.1\r\n${HOST}X\r\n\r\n`, 400],
  ['a space before the colon', `GET http://site.i2p/ HTTP/1.1\r\n${HOST}X : a\r\n\r\n`, 400],
  ['a NUL in a header', `GET http://site.i2p/ HTTP/1.1\r\n${HOST}X: a\0b\r\n\r\n`, 400],
  ['a bare CR in a header', `GET http://site.i2p/ HTTP/1.1\r\n${HOST}X: a\rb\r\n\r\n`, 400],
  ['a space in the URL', `GET http://site.i2p/a b HTTP/1.1\r\n${HOST}\r\n`, 400],
  ['origin form', `GET / HTTP/1.1\r\n${HOST}\r\n`, 400],
  ['asterisk form', `OPTIONS * HTTP/1.1\r\n${HOST}\r\n`, 400],
  ['no Host', 'GET http://site.i2p/ HTTP/1.1\r\n\r\n', 400],
  ['two Hosts', `GET http://site.i2p/ HTTP/1.1\r\n${HOST}${HOST}\r\n`, 400],
  ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
  ['HTTP/1.2', `GET http://site.i2p/ HTTP/1.2\r\n${HOST}\r\n`, 400],
  ['an unknown method', `BREW http://site.i2p/ HTTP/1.1\r\n${HOST}\r\n`, 400],
  ['TRACE', `TRACE http://site.i2p/ HTTP/1.1\r\n${HOST}\r\n`, 405],
  ['another expectation', `GET http://site.i2p/ HTTP/1.1\r\n${HOST}Expect: wonders\r\n\r\n`, 417],
  ['a long URL', `GET http://site.i2p/${'a'.repeat(17_000)} HTTP/1.1\r\n${HOST}\r\n`, 414],
  ['a long head', `GET http://site.i2p/ HTTP/1.1\r\n${HOST}X: ${'a'.repeat(70_000)}\r\n\r\n`, 431],
  ['101 headers', `GET http://site.i2p/ HTTP/1.1\r\n${HOST}${'X: a\r\n'.repeat(100)}\r\n`, 431],
];

for (const [title, bytes, status] of BAD_REQUESTS) {
  test(`a request with ${title} gets ${status} and goes nowhere`, async (t) => {
    const rig = await startRig(t, (_req, res) => res.end());
    const answer = await exchange(rig.proxy, bytes, 1_500);
    t.regex(answer, new RegExp(`^HTTP/1\\.1 ${status} `));
    t.deepEqual(rig.dialer.streams, []);
  });
}

test("100 headers, and a bare line feed as Host's end is no second request", async (t) => {
  const rig = await startRig(t, (_req, res) => res.end());
  const many = `GET http://site.i2p/ HTTP/1.1\r\n${HOST}${'X: a\r\n'.repeat(98)}Connection: close\r\n\r\n`;
  t.regex(await exchange(rig.proxy, many), /^HTTP\/1\.1 200 /);
});

test('a request that comes byte by byte is served', async (t) => {
  const rig = await startRig(t, (req, res) => void req.pipe(res));
  const socket = connect({ ...rig.proxy, noDelay: true });
  let answer = '';
  socket.on('data', (part: Buffer) => {
    answer += part.toString('latin1');
  });
  const closed = new Promise((resolve) => socket.once('close', resolve));
  const text = `POST http://site.i2p/ HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n`;
  for (const byte of Buffer.from(text)) {
    socket.write(Buffer.of(byte));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await closed;
  t.regex(answer, /^HTTP\/1\.1 200 OK\r\n/);
  // llhttp hands over what has come, so the chunks may be smaller than they were sent.
  t.is((answer.split('\r\n\r\n')[1] ?? '').replaceAll(/[\d\r\n]/g, ''), 'abc');
});

test('a form that is never finished is given up', async (t) => {
  const rig = await startRig(t, (_req, res) => res.end(), { headMs: 100 });
  const began = Date.now();
  await exchange(
    rig.proxy,
    'POST http://proxy.i2p/add HTTP/1.1\r\nHost: proxy.i2p\r\nContent-Length: 9\r\n\r\nn',
  );
  t.true(Date.now() - began < 3_000);
});

test('noise never takes the proxy down', async (t) => {
  const rig = await startRig(t, (_req, res) => res.end());
  const random = recordedEntropy('noise');
  const starts = [
    '',
    'GET ',
    'GET http://site.i2p/ HTTP/1.1\r\n',
    `CONNECT site.i2p:443 HTTP/1.1\r\n${HOST}\r\n`,
  ];
  await Promise.all(
    starts.flatMap((start) =>
      [1, 40, 900].map((n) => exchange(rig.proxy, start + Buffer.from(random(n)).toString('latin1'), 300)),
    ),
  );
  const get = `GET http://site.i2p/ HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`;
  t.regex(await exchange(rig.proxy, get), /^HTTP\/1\.1 200 /);
});

test('a chunk size that is no number cuts the upload', async (t) => {
  let ended = false;
  const rig = await startRig(t, (req) => void req.once('end', () => (ended = true)).resume());
  const head = `POST http://site.i2p/ HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n`;
  await exchange(rig.proxy, `${head}3\r\nabc\r\nzz\r\n`, 1_000);
  t.false(ended);
});

test('a head that does not arrive in time gets 408, an idle connection too', async (t) => {
  const rig = await startRig(t, (_req, res) => res.end(), { headMs: 200 });
  const began = Date.now();
  const socket = connect({ ...rig.proxy });
  let answer = '';
  socket.on('data', (part: Buffer) => (answer += part.toString('latin1')));
  socket.write('GET http://site.i2p/ HTTP/1.1\r\n');
  const drip = setInterval(() => socket.write('X: a\r\n'), 20);
  socket.on('error', () => {});
  await new Promise((resolve) => socket.once('close', resolve));
  clearInterval(drip);
  t.regex(answer, /^HTTP\/1\.1 408 /);
  t.true(Date.now() - began < 3_500);
  t.regex(await exchange(rig.proxy, '', 2_000), /^HTTP\/1\.1 408 /);
  t.deepEqual(rig.dialer.streams, []);
});

test('connections over the limit are dropped, later ones are served', async (t) => {
  const rig = await startRig(t, (_req, res) => res.end(), { connections: 2 });
  const held = [connect({ ...rig.proxy }), connect({ ...rig.proxy })];
  await Promise.all(held.map((socket) => new Promise((resolve) => socket.once('connect', resolve))));
  const get = `GET http://site.i2p/ HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`;
  t.is(await exchange(rig.proxy, get), '');
  await Promise.all(
    held.map((socket) => {
      socket.destroy();
      return new Promise((resolve) => socket.once('close', resolve));
    }),
  );
  await new Promise((resolve) => setTimeout(resolve, 50));
  t.regex(await exchange(rig.proxy, get), /^HTTP\/1\.1 200 /);
});

test('pipelining beyond a few requests is refused', async (t) => {
  const rig = await startRig(t, () => {});
  await exchange(rig.proxy, `GET http://site.i2p/ HTTP/1.1\r\n${HOST}\r\n`.repeat(30), 300);
  t.true(rig.dialer.dialled.length <= 4);
});
