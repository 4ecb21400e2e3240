import { createHash, randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { gzipSync } from 'node:zlib';
import type { StreamRefusal } from '@allium/common/contracts/streams.ts';
import test from 'ava';
import { exchange, listening, until } from '../../support/tcp.ts';
import { fetchThrough } from '../support/browser.ts';
import { SITE_B32, siteRig } from '../support/site-rig.ts';

function hashOf(...parts: Uint8Array[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}

test('a GET reaches the site cleaned, and its answer comes back cleaned', async (t) => {
  let seen: string[] = [];
  const rig = await siteRig(t, (req, res) => {
    seen = [`${req.method} ${req.url}`, ...req.rawHeaders];
    res.writeHead(200, {
      'Set-Cookie': ['a=1; Domain=i2p', 'b=2'],
      'Proxy-Authenticate': 'Basic',
      'X-Site': 'y',
    });
    res.end('hello');
  });
  const headers = {
    'User-Agent': 'Firefox',
    'Accept-Language': 'de',
    Referer: 'http://site.i2p/from?x',
    Cookie: 'c=3',
    'X-Forwarded-For': '10.0.0.2',
    'Proxy-Connection': 'keep-alive',
  };
  const got = await fetchThrough(rig, 'http://SITE.i2p/a%20b/../c?d=e', { headers });
  t.is(got.status, 200);
  t.is(got.body.toString(), 'hello');
  t.deepEqual(got.headers['set-cookie'], ['b=2']);
  t.is(got.headers['x-site'], 'y');
  t.is(got.headers['proxy-authenticate'], undefined);
  t.deepEqual(seen, [
    'GET /a%20b/../c?d=e',
    ...['host', SITE_B32, 'Referer', '/from?x', 'Cookie', 'c=3'],
    ...['User-Agent', 'MYOB/6.66 (AN/ON)', 'Connection', 'close'],
  ]);
  const [dialled] = rig.router.dialled;
  t.like(dialled, { host: SITE_B32, port: 80 });
  t.regex(dialled?.key ?? '', /^[0-9a-f]{32}$/);
});

test('the request is on its way before the stream stands, and a site that is not reached gets its page', async (t) => {
  const rig = await siteRig(t, (_req, res) => res.end('x'));
  t.is((await fetchThrough(rig, 'http://site.i2p/early')).status, 200);
  t.regex(rig.router.greetings[0] ?? '', /^GET \/early HTTP\/1\.1\r\n[\s\S]*\r\n\r\n$/);
  rig.router.ports.set(80, 'no-answer');
  t.is((await fetchThrough(rig, 'http://site.i2p/')).status, 504);
});

test('a Base32 name works without an address book, and the port is the I2P port', async (t) => {
  const rig = await siteRig(t, (_req, res) => res.end('x'));
  rig.router.ports.set(8080, rig.router.ports.get(80) ?? 0);
  t.is((await fetchThrough(rig, `http://${SITE_B32}:8080/`)).status, 200);
  t.is(rig.router.dialled[0]?.port, 8080);
});

for (const [title, headers] of [
  ['with a length', { 'content-length': '1000000' }],
  ['in chunks', {}],
] as const) {
  test(`a POST ${title} arrives whole`, async (t) => {
    const body = randomBytes(1_000_000);
    const rig = await siteRig(t, async (req, res) => {
      const parts: Buffer[] = [];
      for await (const part of req) parts.push(part);
      res.end(
        `${req.method} ${req.headers['transfer-encoding'] ?? req.headers['content-length']} ${hashOf(...parts)}`,
      );
    });
    const got = await fetchThrough(rig, 'http://site.i2p/', { method: 'POST', headers, body });
    const framing = 'content-length' in headers ? '1000000' : 'chunked';
    t.is(got.body.toString(), `POST ${framing} ${hashOf(body)}`);
  });
}

test('a POST without a body says so, and one that waits for 100 gets it', async (t) => {
  const rig = await siteRig(t, async (req, res) => {
    let length = 0;
    for await (const part of req) length += part.length;
    res.end(`${req.headers['content-length']} ${length} ${req.headers.expect}`);
  });
  const bare = await exchange(rig.proxy, 'POST http://site.i2p/ HTTP/1.1\r\nHost: site.i2p\r\n\r\n');
  t.regex(bare, /0 0 undefined/);
  const waiting = await exchange(
    rig.proxy,
    'POST http://site.i2p/ HTTP/1.1\r\nHost: site.i2p\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi',
  );
  t.regex(waiting, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
  t.regex(waiting, /2 2 undefined/);
});

test('10 MB come through unchanged', async (t) => {
  const body = randomBytes(10_000_000);
  const rig = await siteRig(t, (_req, res) => res.end(body));
  const got = await fetchThrough(rig, 'http://site.i2p/big');
  t.is(got.headers['content-length'], '10000000');
  t.is(hashOf(got.body), hashOf(body));
});

test('HEAD brings the headers of the site and no body', async (t) => {
  const rig = await siteRig(t, (_req, res) => res.writeHead(200, { 'Content-Length': '1234' }).end());
  const got = await fetchThrough(rig, 'http://site.i2p/', { method: 'HEAD' });
  t.is(got.headers['content-length'], '1234');
  t.is(got.body.length, 0);
});

test('x-i2p-gzip is unpacked, and a broken one cuts the connection', async (t) => {
  const packed = gzipSync(Buffer.alloc(100_000, 'z'));
  const rig = await siteRig(t, (req, res) => {
    const body = req.url === '/cut' ? packed.subarray(0, packed.length - 20) : packed;
    res.writeHead(200, { 'Content-Encoding': 'x-i2p-gzip', 'Content-Length': String(body.length) });
    res.end(req.method === 'HEAD' ? undefined : body);
  });
  const got = await fetchThrough(rig, 'http://site.i2p/');
  t.is(got.headers['content-encoding'], undefined);
  t.is(got.headers['content-length'], undefined);
  t.is(got.body.toString(), 'z'.repeat(100_000));
  t.is((await fetchThrough(rig, 'http://site.i2p/', { method: 'HEAD' })).status, 200);
  await t.throwsAsync(fetchThrough(rig, 'http://site.i2p/cut'));
});

test("a site behind Java's server tunnel is not asked to pack, so its length and chunks are true", async (t) => {
  const page = 'y'.repeat(5_000);
  // As I2PTunnelHTTPServer: a packed body behind the length of the unpacked one, or packed around chunks.
  const java = createServer((socket) => {
    socket.once('data', (head) => {
      const text = head.toString('latin1');
      const asked = /^x-accept-encoding:.*x-i2p-gzip/im.test(text);
      const chunked = text.startsWith('GET /chunked');
      const body = chunked ? `1388\r\n${page}\r\n0\r\n\r\n` : page;
      const framing = chunked ? 'Transfer-Encoding: chunked' : 'Content-Length: 5000';
      const coding = asked || text.includes('/unasked') ? 'Content-Encoding: x-i2p-gzip\r\n' : '';
      socket.write(`HTTP/1.1 200 OK\r\n${framing}\r\n${coding}Connection: close\r\n\r\n`);
      socket.end(coding === '' ? body : gzipSync(body));
    });
  });
  const rig = await siteRig(t, (_req, res) => res.end());
  rig.router.ports.set(80, await listening(t, java));
  for (const path of ['/', '/chunked']) {
    t.is((await fetchThrough(rig, `http://site.i2p${path}`)).body.toString(), page, path);
  }
  // Nobody asked: where the end is wrong, the answer is cut, and never passes for whole.
  await t.throwsAsync(fetchThrough(rig, 'http://site.i2p/unasked'));
});

const DIAL_STATUS: readonly (readonly [code: StreamRefusal, status: number])[] = [
  ['not-ready', 503],
  ['unknown-destination', 404],
  ['lease-set-not-found', 504],
  ['no-answer', 504],
  ['timeout', 504],
  ['refused', 502],
  ['reset', 502],
  ['unsupported', 502],
  ['invalid-name', 403],
  ['encrypted', 502],
  ['busy', 503],
];

for (const [code, status] of DIAL_STATUS) {
  test(`a dial error ${code} becomes a page with ${status}`, async (t) => {
    const rig = await siteRig(t, (_req, res) => res.end());
    rig.router.ports.set(80, code);
    const got = await fetchThrough(rig, 'http://site.i2p/secret');
    t.is(got.status, status);
    t.is(got.headers['retry-after'], code === 'not-ready' || code === 'busy' ? '30' : undefined);
    t.is(got.headers['cache-control'], 'no-store');
    t.is(got.headers.date, undefined);
    t.regex(got.body.toString(), /^<!DOCTYPE html>/);
  });
}

test('names that nobody knows and hosts of other networks never reach the dialer', async (t) => {
  const rig = await siteRig(t, (_req, res) => res.end());
  const status = async (url: string): Promise<number> => (await fetchThrough(rig, url)).status;
  t.is(await status('http://nobody.i2p/'), 404);
  t.is(await status('http://example.org/'), 403);
  t.is(await status('http://127.0.0.1/'), 403);
  t.is(await status('http://proxy.i2p/'), 200);
  t.is(await status(`http://${'a'.repeat(56)}.b32.i2p/`), 502);
  t.deepEqual(rig.router.dialled, []);
});

test('a site that stays silent is given up in time', async (t) => {
  const rig = await siteRig(t, () => {}, {}, 'socket-timeout 1\n');
  t.is((await fetchThrough(rig, 'http://site.i2p/')).status, 504);
  await until(t, () => rig.router.streams[0]?.destroyed === true);
});

test('a slow download is not an idle one', async (t) => {
  const rig = await siteRig(
    t,
    (_req, res) => {
      let left = 12;
      const timer = setInterval(() => {
        if (--left > 0) return void res.write('x');
        clearInterval(timer);
        res.end();
      }, 300);
    },
    {},
    'socket-timeout 3\n',
  );
  t.is((await fetchThrough(rig, 'http://site.i2p/')).body.toString(), 'x'.repeat(11));
});

test('a browser that leaves a silent site takes the stream with it', async (t) => {
  let reached = false;
  const rig = await siteRig(t, () => {
    reached = true;
  });
  const asked = request({ ...rig.proxy, path: 'http://site.i2p/', headers: { host: 'site.i2p' } });
  asked.on('error', () => {});
  asked.end();
  await until(t, () => reached);
  asked.destroy();
  await until(t, () => rig.router.streams[0]?.destroyed === true);
});

test('an answer that is no HTTP, or too long a head, is 502; a body cut short cuts the connection', async (t) => {
  const rig = await siteRig(t, (req, res) => {
    const head =
      req.url === '/long' ? `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(70_000)}\r\n\r\n` : 'what?\r\n\r\n';
    const smuggled = 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n';
    if (req.url === '/short') res.socket?.end('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc');
    else if (req.url === '/switch')
      res.socket?.end('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n');
    else if (req.url === '/none') res.socket?.end();
    else res.socket?.end(req.url === '/both' ? smuggled : head);
  });
  for (const path of ['/bad', '/long', '/none', '/both', '/switch']) {
    t.is((await fetchThrough(rig, `http://site.i2p${path}`)).status, 502, path);
  }
  await t.throwsAsync(fetchThrough(rig, 'http://site.i2p/short'));
});

test('a browser that leaves takes its stream with it, while dialling and while reading', async (t) => {
  const rig = await siteRig(t, (_req, res) => void res.write('x'.repeat(1000)));
  const leave = request({ ...rig.proxy, path: 'http://site.i2p/', headers: { host: 'site.i2p' } });
  leave.once('response', () => leave.destroy());
  leave.on('error', () => {});
  leave.end();
  await until(t, () => rig.router.streams[0]?.destroyed === true);
  rig.router.delayMs = 100;
  const early = request({ ...rig.proxy, path: 'http://site.i2p/', headers: { host: 'site.i2p' } });
  early.on('error', () => {});
  early.end();
  await until(t, () => rig.router.dialled.length === 2);
  early.destroy();
  await until(t, () => rig.router.streams.every((stream) => stream.destroyed));
  t.is(rig.router.streams.length, 2);
});

test("a browser's connection is kept, after a POST that was read whole too", async (t) => {
  const rig = await siteRig(t, (_req, res) => res.end('ok'));
  const get = 'GET http://site.i2p/ HTTP/1.1\r\nHost: site.i2p\r\n\r\n';
  const post = 'POST http://site.i2p/ HTTP/1.1\r\nHost: site.i2p\r\nContent-Length: 0\r\n\r\n';
  const answers = await exchange(rig.proxy, get + get + post + get);
  t.is(answers.match(/HTTP\/1\.1 200 OK\r/g)?.length, 4);
  t.is(answers.match(/Connection: close/g)?.length, undefined);
  t.is(rig.router.streams.length, 4, 'each request has a stream of its own');
});

test("a site's streams are closed once it has served", async (t) => {
  const rig = await siteRig(t, (_req, res) => res.end('ok'));
  await fetchThrough(rig, 'http://site.i2p/');
  await until(t, () => rig.router.streams[0]?.destroyed === true);
});
