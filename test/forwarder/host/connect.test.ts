import test from 'ava';
import { get, pair } from '../support/fixture.ts';
import { probe, statusOf } from '../support/raw-client.ts';

const CONNECT_80 = 'CONNECT foo.i2p:80 HTTP/1.1\r\nHost: foo.i2p:80\r\nUser-Agent: Firefox\r\n\r\n';
const REWRITE = {
  'a.action': '{+hide-user-agent{Same/1} +crunch-outgoing-cookies}\n/\n{+block{an ad}}\nfoo.i2p/ads/\n',
};

test('a tunnel to port 80 of I2P is read as HTTP: header rules and blocks hold inside', async (t) => {
  const { port, parent } = await pair(
    t,
    'keep-alive-timeout 5\ntolerate-pipelining 1\nactionsfile a.action\n',
    REWRITE,
  );
  const inner = [
    'GET /x HTTP/1.1\r\nHost: foo.i2p\r\nUser-Agent: Firefox\r\nCookie: a=b\r\nReferer: http://bar.i2p/\r\n\r\n',
    'GET /ads/y HTTP/1.1\r\nHost: foo.i2p\r\n\r\n',
  ];
  const reply = await probe(port, [CONNECT_80, ...inner], { answers: 3 });
  t.regex(reply.text, /^HTTP\/1\.1 200 Connection established\r\n\r\nHTTP\/1\.1 200 OK/);
  t.regex(reply.text, /HTTP\/1\.1 403 Request blocked/);
  t.is(parent.take(), 'GET http://foo.i2p/x HTTP/1.1\r\nHost: foo.i2p\r\nUser-Agent: Same/1\r\n\r\n');
});

test('ws:// as a browser does it: CONNECT to port 80, the handshake inside, then frames both ways', async (t) => {
  const { port, parent } = await pair(t, 'actionsfile a.action\n', REWRITE);
  parent.answer = (head) =>
    head.startsWith('GET')
      ? 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: y\r\n\r\n'
      : 'frame back';
  const handshake = [
    'GET /chat HTTP/1.1',
    'Host: foo.i2p',
    'User-Agent: Firefox',
    'Connection: keep-alive, Upgrade',
  ];
  handshake.push('Upgrade: websocket', 'Origin: http://bar.i2p', 'Sec-WebSocket-Key: x', '', '');
  const reply = await probe(port, [CONNECT_80, handshake.join('\r\n'), 'frame\r\n\r\n'], { answers: 2 });
  t.regex(
    reply.text,
    /101 Switching Protocols\r\nSec-WebSocket-Accept: y\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nframe back$/,
  );
  const heard = parent.take();
  t.regex(heard, /^GET http:\/\/foo\.i2p\/chat HTTP\/1\.1\r\n/);
  t.regex(heard, /\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n/);
  t.regex(heard, /\r\nUser-Agent: Same\/1\r\n/);
  t.regex(heard, /\r\nOrigin: null\r\n/);
  t.true(heard.endsWith('\r\n\r\nframe\r\n\r\n'));
});

test('something else than HTTP in a tunnel to port 80 goes nowhere', async (t) => {
  const { port, parent } = await pair(t);
  for (const bytes of [
    '\x16\x03\x01\x02\x00\x01\x00',
    'SSH-2.0-x\r\n',
    'GET http://other.i2p/ HTTP/1.1\r\nHost: x\r\n\r\n',
  ]) {
    const reply = await probe(port, [CONNECT_80, bytes], { answers: 2 });
    t.regex(reply.text, /^HTTP\/1\.1 200 Connection established\r\n\r\nHTTP\/1\.1 400 /);
    t.is(parent.take(), '');
  }
});

test('a tunnel inside the tunnel is refused', async (t) => {
  const { port, parent } = await pair(t);
  const reply = await probe(port, [CONNECT_80, 'CONNECT other.i2p:443 HTTP/1.1\r\nHost: x\r\n\r\n'], {
    answers: 2,
  });
  t.regex(reply.text, /\r\n\r\nHTTP\/1\.1 400 /);
  t.is(parent.take(), '');
});

test('a port 443 that nobody serves is refused at once the second time, for the same client only', async (t) => {
  const { port, parent, ours } = await pair(t);
  parent.answer = 'HTTP/1.1 502 Refused\r\nContent-Length: 3\r\nConnection: close\r\n\r\nno!';
  const bytes = 'CONNECT foo.i2p:443 HTTP/1.1\r\nHost: foo.i2p:443\r\n\r\n';
  t.regex((await probe(port, bytes)).text, /^HTTP\/1\.1 502 Refused\r\n[\s\S]*no!$/);
  t.is(parent.connections, 1);
  t.regex((await probe(port, bytes)).text, /^HTTP\/1\.1 502 /);
  t.is(parent.connections, 1);
  t.is(ours.forwarder.counters.get('connect-refused-again'), 1);
  await probe(port, bytes.replaceAll('foo', 'bar'));
  t.is(parent.connections, 2);
});

test('"not ready yet" is not remembered', async (t) => {
  const { port, parent } = await pair(t);
  parent.answer = 'HTTP/1.1 503 Wait\r\nContent-Length: 0\r\nConnection: close\r\n\r\n';
  const bytes = 'CONNECT foo.i2p:443 HTTP/1.1\r\nHost: foo.i2p:443\r\n\r\n';
  await probe(port, bytes);
  await probe(port, bytes);
  t.is(parent.connections, 2);
});

test("the parent's refusal comes through with its headers, and the connection ends", async (t) => {
  const { port, parent } = await pair(t);
  parent.answer =
    'HTTP/1.1 403 Not Here\r\nX-Why: because\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody';
  const reply = await probe(port, 'CONNECT foo.i2p:9999 HTTP/1.1\r\nHost: foo.i2p\r\n\r\n', {
    quietMs: 2_000,
  });
  t.is(
    reply.text,
    'HTTP/1.1 403 Not Here\r\nX-Why: because\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody',
  );
  t.true(reply.closed);
});

test('CONNECT with a path, a scheme, user info or no host is 400', async (t) => {
  const { port, parent } = await pair(t);
  for (const target of [
    'foo.i2p:443/x',
    'http://foo.i2p:443',
    'u@foo.i2p:443',
    ':443',
    'foo.i2p:0',
    'foo.i2p:99999',
  ]) {
    t.is(statusOf(await probe(port, `CONNECT ${target} HTTP/1.1\r\nHost: foo.i2p\r\n\r\n`)), '400', target);
  }
  t.is(parent.take(), '');
});

test('a WebSocket outside a tunnel passes, and a refused one gets its answer', async (t) => {
  const { port, parent } = await pair(t);
  parent.answer = 'HTTP/1.1 403 No\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody';
  const bytes = get('http://a.i2p/', 'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Key: x');
  const reply = await probe(port, bytes);
  t.regex(reply.text, /^HTTP\/1\.1 403 No\r\n[\s\S]*\r\n\r\nbody$/);
});

test('what a client sends behind a refused CONNECT is not a request to the parent', async (t) => {
  const { port, parent } = await pair(t);
  parent.answer = 'HTTP/1.1 503 No\r\nContent-Length: 2\r\n\r\nno';
  await probe(
    port,
    ['CONNECT foo.i2p:443 HTTP/1.1\r\nHost: foo.i2p:443\r\n\r\n', get('http://smuggled.i2p/')],
    {
      quietMs: 600,
    },
  );
  t.notRegex(parent.take(), /smuggled/);
});
