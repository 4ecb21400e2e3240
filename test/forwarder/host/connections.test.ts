import { connect } from 'node:net';
import test from 'ava';
import { get, pair } from '../support/fixture.ts';
import { probe, statusOf } from '../support/raw-client.ts';

const count = (text: string, what: RegExp): number => text.match(what)?.length ?? 0;

test('requests of one client connection share one connection to the parent', async (t) => {
  const { port, parent } = await pair(t);
  const reply = await probe(port, [get('http://a.i2p/1'), get('http://a.i2p/2'), get('http://b.i2p/3')], {
    answers: 3,
  });
  t.is(count(reply.text, /HTTP\/1\.1 200/g), 3);
  t.is(parent.connections, 1);
  t.is(count(reply.text, /Proxy-Connection: keep-alive/g), 3);
  t.false(reply.closed);
});

test('two clients never share a connection to the parent', async (t) => {
  const { port, parent } = await pair(t);
  await Promise.all([probe(port, get('http://a.i2p/')), probe(port, get('http://a.i2p/'))]);
  t.is(parent.connections, 2);
});

test('without keep-alive-timeout every connection ends after one answer', async (t) => {
  const { port, parent } = await pair(t, '');
  const reply = await probe(port, get('http://a.i2p/'));
  t.true(reply.closed);
  t.regex(reply.text, /\r\nConnection: close\r\n/);
  t.regex(parent.take(), /\r\nConnection: close\r\n/);
});

test('an idle client is let go after keep-alive-timeout', async (t) => {
  const { port } = await pair(t, 'keep-alive-timeout 1\n');
  const reply = await probe(port, get('http://a.i2p/'), { quietMs: 5_000 });
  t.is(statusOf(reply), '200');
  t.true(reply.closed);
});

test('a parent that closes an idle connection does not lose the next request', async (t) => {
  const { port, parent } = await pair(t);
  parent.answer = (_head, socket) => {
    setTimeout(() => socket.destroy(), 5);
    return 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
  };
  const reply = await probe(port, [get('http://a.i2p/1'), get('http://a.i2p/2'), get('http://a.i2p/3')], {
    answers: 3,
  });
  t.is(count(reply.text, /HTTP\/1\.1 200/g), 3);
});

test('pipelined requests are answered in order when that is allowed', async (t) => {
  const { port, parent } = await pair(t);
  parent.answer = (head) => {
    const path = /^GET http:\/\/a\.i2p\/(\w+)/.exec(head)?.[1] ?? '';
    return `HTTP/1.1 200 OK\r\nContent-Length: ${path.length}\r\n\r\n${path}`;
  };
  const all = ['one', 'two', 'three', 'four'];
  const requests = all.map((path) => get(`http://a.i2p/${path}`));
  const reply = await probe(port, requests.join(''), { answers: 4 });
  t.deepEqual(
    [...reply.text.matchAll(/\r\n\r\n(\w+?)(?=HTTP|$)/g)].map((match) => match[1]),
    all,
  );
});

test('pipelined requests behind the first are thrown away when it is not', async (t) => {
  const { port, parent } = await pair(t, 'keep-alive-timeout 5\ntolerate-pipelining 0\n');
  const reply = await probe(port, get('http://a.i2p/1') + get('http://a.i2p/2'));
  t.is(count(reply.text, /HTTP\/1\.1 200/g), 1);
  t.regex(reply.text, /\r\nConnection: close\r\n/);
  t.true(reply.closed);
  t.is(count(parent.take(), /GET /g), 1);
});

test('a client can queue no more than a handful of requests', async (t) => {
  const { port, parent } = await pair(t);
  const reply = await probe(port, get('http://a.i2p/').repeat(200), { answers: 200, limitMs: 60_000 });
  t.true(count(parent.take(), /GET /g) <= 17);
  t.true(reply.closed);
});

test('a head that trickles in is cut off with 504', async (t) => {
  const { port, parent } = await pair(t, 'keep-alive-timeout 5\n', {}, { headMs: 300 });
  const socket = connect(port, '127.0.0.1');
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk.toString();
  });
  socket.write('GET http://a.i2p/ HTTP/1.1\r\n');
  const drip = setInterval(() => socket.write('X-A: 1\r\n'), 50);
  socket.on('error', () => {});
  await new Promise((resolve) => socket.once('close', resolve));
  clearInterval(drip);
  t.regex(text, /^HTTP\/1\.1 504 /);
  t.is(parent.take(), '');
});

test('a connection that says nothing is closed', async (t) => {
  const { port } = await pair(t, '', {}, { headMs: 200 });
  const started = Date.now();
  const reply = await probe(port, '', { quietMs: 10_000, limitMs: 8_000 });
  t.true(reply.closed);
  t.true(Date.now() - started < 7_000);
});

test('one client more than allowed gets 503, and a place when another leaves', async (t) => {
  const { port } = await pair(t, 'max-client-connections 2\nkeep-alive-timeout 60\n');
  const held = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')];
  await Promise.all(held.map((socket) => new Promise((resolve) => socket.once('connect', resolve))));
  const refused = await probe(port, get('http://a.i2p/'));
  t.regex(refused.text, /^HTTP\/1\.1 503 Too many open connections/);
  for (const socket of held) socket.destroy();
  await new Promise((resolve) => setTimeout(resolve, 100));
  t.is(statusOf(await probe(port, get('http://a.i2p/'))), '200');
});

test('a client outside the access list is dropped without a byte', async (t) => {
  const { port, parent, ours } = await pair(t, 'permit-access 10.0.0.0/8\n');
  const reply = await probe(port, get('http://a.i2p/'));
  t.deepEqual(reply, { text: '', closed: true });
  t.is(parent.take(), '');
  t.is(ours.forwarder.counters.get('access-denied'), 1);
});

test('an access line with a destination means the parent', async (t) => {
  const { port: open } = await pair(t, 'permit-access 127.0.0.1 127.0.0.0/8\n');
  t.is(statusOf(await probe(open, get('http://a.i2p/'))), '200');
  const { port: shut, parent } = await pair(t, 'permit-access 127.0.0.1 10.9.8.7\n');
  t.deepEqual(await probe(shut, get('http://a.i2p/')), { text: '', closed: true });
  t.is(parent.take(), '');
});

const OVER_LIMITS: readonly (readonly [what: string, bytes: string, status: string])[] = [
  ['a request line of 17 kB', get(`http://a.i2p/${'x'.repeat(17_000)}`), '414'],
  ['a head of 70 kB', get('http://a.i2p/', `X-A: ${'x'.repeat(70_000)}`), '431'],
  ['101 headers', get('http://a.i2p/', ...Array.from({ length: 100 }, (_, i) => `X-${i}: 1`)), '431'],
];

for (const [what, bytes, status] of OVER_LIMITS) {
  test(`${what} is ${status} and goes nowhere`, async (t) => {
    const { port, parent } = await pair(t);
    t.is(statusOf(await probe(port, bytes)), status);
    t.is(parent.take(), '');
  });
}

test('100 headers pass', async (t) => {
  const { port, parent } = await pair(t);
  await probe(port, get('http://a.i2p/', ...Array.from({ length: 99 }, (_, i) => `X-${i}: 1`)));
  t.is(count(parent.take(), /^X-\d+: 1\r$/gm), 99);
});

test('an answer with a head over the limit is 502', async (t) => {
  const { port, parent } = await pair(t);
  parent.answer = `HTTP/1.1 200 OK\r\nX-A: ${'x'.repeat(70_000)}\r\nContent-Length: 0\r\n\r\n`;
  t.is(statusOf(await probe(port, get('http://a.i2p/'))), '502');
});

test('a parent that stays silent is 504 after socket-timeout', async (t) => {
  const { port, parent } = await pair(t, 'socket-timeout 1\nkeep-alive-timeout 5\n');
  parent.answer = () => undefined;
  t.is(statusOf(await probe(port, get('http://a.i2p/'), { quietMs: 4_000 })), '504');
});

test('a client that is refused and goes on sending is cut off', async (t) => {
  const { port, ours } = await pair(t);
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.resume();
  socket.write('nonsense\r\n\r\n');
  const drip = setInterval(() => socket.write('more\r\n'), 100);
  await new Promise((resolve) => socket.once('close', resolve));
  clearInterval(drip);
  for (let round = 0; round < 40 && ours.forwarder.door.clients > 0; round++) {
    await new Promise((next) => setTimeout(next, 50));
  }
  t.is(ours.forwarder.door.clients, 0);
});
