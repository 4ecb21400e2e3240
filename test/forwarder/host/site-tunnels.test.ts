import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createHttp, request } from 'node:http';
import { connect, createServer, type Socket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { allowed, sh } from '../../netns/support/machine.ts';
import { missing } from '../../support/debian.ts';
import { exchange, listening, until } from '../../support/tcp.ts';
import { SITE_B32, type SiteRig, siteRig } from '../support/site-rig.ts';

/** A site that has something of TLS's look on port 443: it answers `record` to the first bytes. */
async function startWithTls(t: ExecutionContext, record: string): Promise<SiteRig> {
  const rig = await siteRig(t, (_req, res) => res.end());
  const tls = createServer({ allowHalfOpen: true }, (socket) => {
    socket.once('data', (bytes) => socket.end(Buffer.concat([Buffer.from(record, 'latin1'), bytes])));
  });
  rig.router.ports.set(443, await listening(t, tls));
  return rig;
}

const CONNECT = 'CONNECT site.i2p:443 HTTP/1.1\r\nHost: site.i2p:443\r\n\r\n';

test('CONNECT says 200 and nothing more, then passes bytes, those sent early too', async (t) => {
  const rig = await startWithTls(t, '\x16');
  rig.router.delayMs = 50;
  const answer = await exchange(rig.proxy, `${CONNECT}hello`);
  t.is(answer, 'HTTP/1.1 200 Connection established\r\n\r\n\x16hello');
});

test('CONNECT passes a half-close on', async (t) => {
  const rig = await siteRig(t, (_req, res) => res.end());
  const sum = createServer({ allowHalfOpen: true }, (socket) => {
    const hash = createHash('sha256');
    socket.on('data', (part) => hash.update(part));
    socket.once('end', () => socket.end(hash.digest('hex')));
  });
  rig.router.ports.set(6697, await listening(t, sum));
  const socket = connect({ ...rig.proxy, allowHalfOpen: true });
  const body = Buffer.alloc(300_000, 'q');
  socket.write('CONNECT site.i2p:6697 HTTP/1.1\r\nHost: site.i2p\r\n\r\n');
  let answer = '';
  socket.on('data', (part: Buffer) => {
    if (answer === '') socket.end(body);
    answer += part.toString('latin1');
  });
  await new Promise((resolve) => socket.once('close', resolve));
  t.true(answer.endsWith(createHash('sha256').update(body).digest('hex')));
  await until(t, () => rig.router.streams[0]?.destroyed === true);
});

test('a site without port 443 is refused at once the second time, for this workstation', async (t) => {
  const rig = await siteRig(t, (_req, res) => res.end());
  t.regex(await exchange(rig.proxy, CONNECT), /^HTTP\/1\.1 502 /);
  t.regex(await exchange(rig.proxy, CONNECT), /^HTTP\/1\.1 502 /);
  t.is(rig.router.dialled.length, 1);
});

test('a router that is not ready says nothing about port 443', async (t) => {
  const rig = await siteRig(t, (_req, res) => res.end());
  rig.router.ports.set(443, 'not-ready');
  t.regex(await exchange(rig.proxy, CONNECT), /^HTTP\/1\.1 503 .*\r\n(?:.*\r\n)*Retry-After: 30\r\n/);
  await exchange(rig.proxy, CONNECT);
  t.is(rig.router.dialled.length, 2);
});

test('a site that answers TLS with something else is remembered, one that speaks TLS is not', async (t) => {
  const plain = await startWithTls(t, 'HTTP/1.1 400 Bad Request');
  t.regex(await exchange(plain.proxy, `${CONNECT}hello`), /^HTTP\/1\.1 200 .*\r\n\r\nHTTP\/1\.1 400 /);
  t.regex(await exchange(plain.proxy, CONNECT), /^HTTP\/1\.1 502 /);
  const tls = await startWithTls(t, '\x16');
  await exchange(tls.proxy, `${CONNECT}hello`);
  t.regex(await exchange(tls.proxy, `${CONNECT}hello`), /^HTTP\/1\.1 200 /);
});

test('a browser that leaves during CONNECT leaves no stream behind', async (t) => {
  const rig = await startWithTls(t, '\x16');
  rig.router.delayMs = 100;
  const socket = connect({ ...rig.proxy });
  socket.write(CONNECT);
  await until(t, () => rig.router.dialled.length === 1);
  socket.destroy();
  await until(t, () => rig.router.streams.every((stream) => stream.destroyed));
  rig.router.delayMs = 0;
  t.regex(await exchange(rig.proxy, `${CONNECT}x`), /^HTTP\/1\.1 200 /, 'nor a bad memory of the site');
});

const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
const UPGRADE = { Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Key': KEY };

/** RFC 6455 1.3: what a server makes of the client's key. */
function accepted(key: string): string {
  return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
}

test('a WebSocket handshake passes cleaned, then bytes both ways', async (t) => {
  const rig = await siteRig(t, (_req, res) => res.end());
  let headers: string[] = [];
  rig.site.on('upgrade', (req, socket: Socket) => {
    headers = req.rawHeaders;
    const accept = accepted(req.headers['sec-websocket-key'] ?? '');
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\n\r\nfirst,`,
    );
    socket.pipe(socket);
  });
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const asked = request({
    ...rig.proxy,
    path: 'http://site.i2p/ws',
    headers: { host: 'site.i2p', 'User-Agent': 'Firefox', Origin: 'http://site.i2p', ...UPGRADE },
  });
  asked.once('upgrade', (answer, socket, head) => {
    t.is(answer.headers['sec-websocket-accept'], accepted(KEY));
    let text = head.toString();
    socket.on('data', (part: Buffer) => (text += part.toString()));
    socket.once('end', () => resolve(text));
    socket.end('echo');
  });
  asked.once('error', reject);
  asked.end();
  t.is(await promise, 'first,echo');
  t.false(headers.includes('Firefox'));
  t.is(headers[headers.indexOf('Origin') + 1], `http://${SITE_B32}`);
  t.deepEqual(headers.slice(-4), ['Connection', 'Upgrade', 'Upgrade', 'websocket']);
});

test('the kernel asks after a workstation whose WebSocket or tunnel is silent', async (t) => {
  if (!allowed(t, missing('ip'))) return;
  const rig = await siteRig(t, (_req, res) => res.end());
  rig.site.on('upgrade', (_req, socket: Socket) =>
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'),
  );
  rig.router.ports.set(6697, await listening(t, createServer()));
  const lines = Object.entries(UPGRADE).map(([name, value]) => `${name}: ${value}\r\n`);
  const begun = [
    `GET http://site.i2p/ HTTP/1.1\r\nHost: site.i2p\r\n${lines.join('')}\r\n`,
    'CONNECT site.i2p:6697 HTTP/1.1\r\nHost: site.i2p:6697\r\n\r\n',
  ];
  for (const text of begun) {
    const socket = connect(rig.proxy);
    t.teardown(() => void socket.destroy());
    socket.write(text);
    t.regex(String((await once(socket, 'data'))[0]), /^HTTP\/1\.1 (?:101|200) /);
    const ends = `( sport = :${rig.proxy.port} and dport = :${socket.localPort} )`;
    t.regex(sh('ss', '--tcp', '--numeric', '--options', ends), /timer:\(keepalive,/);
  }
});

test("a refused WebSocket handshake brings the site's answer", async (t) => {
  const rig = await siteRig(t, (_req, res) => res.end());
  rig.site.on('upgrade', (_req, socket: Socket) => {
    socket.end('HTTP/1.1 401 Unauthorized\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n');
  });
  const lines = Object.entries(UPGRADE).map(([name, value]) => `${name}: ${value}\r\n`);
  const answer = await exchange(
    rig.proxy,
    `GET http://site.i2p/ HTTP/1.1\r\nHost: site.i2p\r\n${lines.join('')}\r\n`,
  );
  t.is(answer, 'HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n\r\nno');
});

test('another protocol is not upgraded to', async (t) => {
  let upgrade: string | undefined = 'unseen' as string | undefined;
  const rig = await siteRig(t, (req, res) => {
    upgrade = req.headers.upgrade;
    res.end('plain');
  });
  const answer = await exchange(
    rig.proxy,
    'GET http://site.i2p/ HTTP/1.1\r\nHost: site.i2p\r\nConnection: close, Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n\r\n',
  );
  t.regex(answer, /^HTTP\/1\.1 200 OK\r\n/);
  t.is<string | undefined, undefined>(upgrade, undefined);
});

test('stopping the proxy cuts tunnels as well', async (t) => {
  const site = createHttp();
  await listening(t, site);
  const rig = await startWithTls(t, '\x16');
  const socket = connect({ ...rig.proxy });
  socket.write(CONNECT);
  await new Promise((resolve) => socket.once('data', resolve));
  t.is(rig.router.streams[0]?.destroyed, false);
  await rig.ours.stop();
  await until(t, () => rig.router.streams[0]?.readableEnded === true);
});
