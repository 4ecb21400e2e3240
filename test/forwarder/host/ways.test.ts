import { createServer as createHttp } from 'node:http';
import { createServer } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { listening, until } from '../../support/tcp.ts';
import { get } from '../support/fixture.ts';
import { startOurs } from '../support/proxies.ts';
import { probe, statusOf } from '../support/raw-client.ts';
import { RecordingParent } from '../support/recording-parent.ts';
import { SocksServer } from '../support/socks-server.ts';

async function through(t: ExecutionContext, config: (socks: number, site: number) => string) {
  const site = await RecordingParent.start();
  const socks = await SocksServer.start(site.port);
  const ours = await startOurs(
    `keep-alive-timeout 5\ntolerate-pipelining 1\n${config(socks.port, site.port)}`,
  );
  t.teardown(async () => {
    await ours.stop();
    await site.stop();
    await socks.stop();
  });
  return { site, socks, port: ours.port };
}

for (const [directive, version] of [
  ['forward-socks5', 5],
  ['forward-socks5t', 5],
  ['forward-socks4a', 4],
] as const) {
  test(`${directive} hands over the name and speaks to the site itself`, async (t) => {
    const { port, site, socks } = await through(t, (at) => `${directive} / 127.0.0.1:${at} .\n`);
    t.is(statusOf(await probe(port, get('http://Example.org:8080/x?y'))), '200');
    t.deepEqual(socks.requests, [{ version, user: '', password: '', host: 'example.org', port: 8080 }]);
    t.regex(site.take(), /^GET \/x\?y HTTP\/1\.1\r\nHost: example\.org:8080\r\n/i);
  });
}

test('user and password of a SOCKS 5 parent are used', async (t) => {
  const { port, socks } = await through(t, (at) => `forward-socks5 / me:secret@127.0.0.1:${at} .\n`);
  await probe(port, get('http://example.org/'));
  t.deepEqual(socks.requests, [
    { version: 5, user: 'me', password: 'secret', host: 'example.org', port: 80 },
  ]);
});

test('one client connection to two sites is two streams, to one site one', async (t) => {
  const { port, socks } = await through(t, (at) => `forward-socks5 / 127.0.0.1:${at} .\n`);
  await probe(port, [get('http://a.example/'), get('http://a.example/'), get('http://b.example/')], {
    answers: 3,
  });
  t.deepEqual(
    socks.requests.map((request) => request.host),
    ['a.example', 'b.example'],
  );
});

test('CONNECT through SOCKS is answered when the stream is up, and then a blind pipe', async (t) => {
  const { port, site, socks } = await through(t, (at) => `forward-socks5 / 127.0.0.1:${at} .\n`);
  const request = 'CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n';
  const reply = await probe(port, [request, 'raw\r\n\r\n'], { answers: 2 });
  t.regex(reply.text, /^HTTP\/1\.1 200 Connection established\r\n\r\nHTTP\/1\.1 200 OK/);
  t.is(site.take(), 'raw\r\n\r\n');
  t.is(socks.requests[0]?.port, 443);
});

test('bytes that come with CONNECT are not lost', async (t) => {
  const { port, site } = await through(t, (at) => `forward-socks5 / 127.0.0.1:${at} .\n`);
  await probe(port, 'CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\nearly\r\n\r\n', {
    answers: 2,
  });
  t.is(site.take(), 'early\r\n\r\n');
});

test('a refusing SOCKS parent is 503 with its reason, for GET and CONNECT', async (t) => {
  const { port, socks } = await through(t, (at) => `forward-socks5 / 127.0.0.1:${at} .\n`);
  socks.reply = 4;
  for (const bytes of [
    get('http://a.example/'),
    'CONNECT a.example:443 HTTP/1.1\r\nHost: a.example\r\n\r\n',
  ]) {
    const reply = await probe(port, bytes);
    t.regex(reply.text, /^HTTP\/1\.1 503 Forwarding failure/);
    t.regex(reply.text, /HostUnreachable/);
  }
});

/** A SOCKS 5 server with a login that answers nothing behind it before `enough` has come; what has come. */
async function silentSocks(
  t: ExecutionContext,
  enough: RegExp,
): Promise<{ port: number; heard: () => string }> {
  let heard = '';
  const server = createServer((socket) => {
    let step = 0;
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      step++;
      if (step === 1) return void socket.write(Buffer.of(5, 2));
      if (step === 2) return void socket.write(Buffer.of(1, 0));
      heard += bytes.toString('latin1');
      if (!enough.test(heard)) return;
      socket.write(Buffer.of(5, 0, 0, 1, 0, 0, 0, 0, 0, 0));
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    });
  });
  return { port: await listening(t, server), heard: () => heard };
}

test('with forward-socks5t a request is behind the SOCKS request before there is an answer', async (t) => {
  const { port: at, heard } = await silentSocks(t, /body of it$/);
  const ours = await startOurs(`forward-socks5t / me:secret@127.0.0.1:${at} .\n`);
  t.teardown(() => ours.stop());
  const post = 'POST http://a.example/x HTTP/1.1\r\nHost: a.example\r\nContent-Length: 10\r\n\r\nbody of it';
  t.is(statusOf(await probe(ours.port, post)), '200');
  const asked = '\x05\x01\0\x03\x09a.example\0P';
  t.true(heard().startsWith(`${asked}POST /x HTTP/1.1\r\nHost: a.example\r\n`));
  t.true(heard().endsWith('\r\n\r\nbody of it'));
});

test('forward-socks5 waits for the answer', async (t) => {
  const { port: at, heard } = await silentSocks(t, /never/);
  const ours = await startOurs(`forward-socks5 / me:secret@127.0.0.1:${at} .\n`);
  const asked = probe(ours.port, get('http://a.example/'), { limitMs: 60_000 });
  await until(t, () => heard() !== '');
  // What came behind it would be there by then.
  await setTimeout(300);
  t.is(heard(), '\x05\x01\0\x03\x09a.example\0P');
  await ours.stop();
  await asked;
});

test('a large body goes out behind the SOCKS request whole', async (t) => {
  let body = '';
  const site = createHttp(async (req, res) => {
    for await (const part of req) body += part.toString('latin1');
    res.end('taken');
  });
  const socks = await SocksServer.start(await listening(t, site));
  const ours = await startOurs(`forward-socks5t / 127.0.0.1:${socks.port} .\n`);
  t.teardown(async () => {
    await ours.stop();
    await socks.stop();
  });
  const sent = Array.from({ length: 100_000 }, (_, n) => `${n}.`).join('');
  const head = `POST http://a.example/ HTTP/1.1\r\nHost: a.example\r\nContent-Length: ${sent.length}\r\n\r\n`;
  t.is(statusOf(await probe(ours.port, head + sent)), '200');
  t.true(body === sent);
});

test('a SOCKS parent that refuses, goes or is not there is 503 with its reason, whatever had been sent', async (t) => {
  const { port, socks } = await through(t, (at) => `forward-socks5t / 127.0.0.1:${at} .\n`);
  for (const [code, word] of [
    [1, 'Failure'],
    [2, 'NotAllowed'],
    [4, 'HostUnreachable'],
    [6, 'TTLExpired'],
    [99, 'Failure'],
  ] as const) {
    socks.reply = code;
    const { text } = await probe(port, get('http://a.example/'));
    t.regex(text, new RegExp(`^HTTP/1\\.1 503 Forwarding failure[\\s\\S]*: ${word}\\.`));
  }
  const gone = await startOurs('forward-socks5t / 127.0.0.1:1 .\n');
  t.teardown(() => gone.stop());
  t.regex(
    (await probe(gone.port, get('http://a.example/'))).text,
    /^HTTP\/1\.1 503 [\s\S]*: not reachable\./,
  );
  const leaving = createServer((socket) => socket.once('data', () => socket.destroy()));
  const left = await startOurs(`forward-socks5t / 127.0.0.1:${await listening(t, leaving)} .\n`);
  t.teardown(() => left.stop());
  t.regex((await probe(left.port, get('http://a.example/'))).text, /^HTTP\/1\.1 503 [\s\S]*: failed\./);
});

test('an HTTP parent behind SOCKS gets the whole address', async (t) => {
  const { port, site, socks } = await through(
    t,
    (at, parent) => `forward-socks5 / 127.0.0.1:${at} 127.0.0.1:${parent}\n`,
  );
  await probe(port, get('http://a.example/x'));
  t.is(socks.requests.length, 1);
  t.regex(site.take(), /^GET http:\/\/a\.example\/x HTTP/);
});

test('"." reaches loopback and nothing else', async (t) => {
  const { port, site } = await through(t, () => 'forward 127.*.*.* .\nforward localhost .\n');
  t.is(statusOf(await probe(port, get(`http://127.0.0.1:${site.port}/x`))), '200');
  t.is(statusOf(await probe(port, get(`http://localhost:${site.port}/y`))), '200');
  t.is(statusOf(await probe(port, get(`http://127.0.0.1.example.org:${site.port}/x`))), '403');
  t.is(
    statusOf(await probe(port, `GET http://127.0.0.999:${site.port}/x HTTP/1.1\r\nHost: x\r\n\r\n`)),
    '403',
  );
  t.is(site.take().match(/^GET \/[xy] /gm)?.length, 2);
});

test('forward-override beats the rules', async (t) => {
  const parent = await RecordingParent.start();
  const action = `{+forward-override{forward 127.0.0.1:${parent.port}}}\n.moved.i2p\n`;
  const ours = await startOurs('forward .i2p 127.0.0.1:1\nactionsfile a.action\n', { 'a.action': action });
  t.teardown(async () => {
    await ours.stop();
    await parent.stop();
  });
  t.is(statusOf(await probe(ours.port, get('http://www.moved.i2p/'))), '200');
  t.is(statusOf(await probe(ours.port, get('http://a.i2p/'))), '503');
});

test('the last rule that fits wins', async (t) => {
  const parent = await RecordingParent.start();
  const config = `forward .i2p 127.0.0.1:1\nforward .good.i2p 127.0.0.1:${parent.port}\nforward .bad.good.i2p 127.0.0.1:1\n`;
  const ours = await startOurs(config);
  t.teardown(async () => {
    await ours.stop();
    await parent.stop();
  });
  t.is(statusOf(await probe(ours.port, get('http://www.good.i2p/'))), '200');
  t.is(statusOf(await probe(ours.port, get('http://www.bad.good.i2p/'))), '503');
  t.is(statusOf(await probe(ours.port, get('http://other.i2p/'))), '503');
});
