import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer as createHttp, type IncomingMessage, type RequestListener, request } from 'node:http';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { toBase64 } from '@allium/common/bytes/text.ts';
import test, { type ExecutionContext } from 'ava';
import { Service } from '../../../services/forwarder/host/service.ts';
import type { ServiceLimits } from '../../../services/forwarder/host/service-limits.ts';
import type { Visitor } from '../../../services/forwarder/i2p/server-headers.ts';
import { i2pPair } from '../../support/i2p-pair.ts';
import { until } from '../../support/tcp.ts';
import { destinationOf } from '../support/names-table.ts';

function visitorOf(seed: string): Visitor {
  const { raw, base32 } = destinationOf(seed);
  const hash = toBase64(createHash('sha256').update(raw).digest());
  return { hash, b32: `${base32}.b32.i2p`, base64: toBase64(raw) };
}

const REMOTE = visitorOf('a visitor');

/** Listens on a Unix socket until the test ends. */
async function onSocket(t: ExecutionContext, server: Server): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'allium-'));
  const path = join(folder, 'service.sock');
  await new Promise<void>((resolve) => server.listen(path, resolve));
  t.teardown(async () => {
    server.close();
    await rm(folder, { recursive: true });
  });
  return path;
}

function open(tunnel: Service, remote = REMOTE): Duplex {
  const [ours, theirs] = i2pPair();
  tunnel.accept({ stream: theirs, visitor: remote });
  return ours;
}

async function startHttp(
  t: ExecutionContext,
  listener: RequestListener,
  limits: Partial<ServiceLimits> = {},
  host?: string,
): Promise<{ tunnel: Service; server: import('node:http').Server }> {
  const server = createHttp(listener);
  const path = await onSocket(t, server);
  const tunnel = new Service({ name: 'site', mode: 'http', path, ...(host ? { host } : {}) }, limits);
  t.teardown(() => tunnel.stop());
  return { tunnel, server };
}

/** Sends bytes on a new stream and gives all that comes until it ends. */
async function ask(tunnel: Service, text: string): Promise<string> {
  const stream = open(tunnel);
  stream.write(text, 'latin1');
  const { promise, resolve } = Promise.withResolvers<string>();
  let all = '';
  stream.on('data', (part: Buffer) => (all += part.toString('latin1')));
  for (const end of ['end', 'close']) {
    stream.once(end, () => {
      stream.end();
      resolve(all);
    });
  }
  return promise;
}

test("a visitor's request reaches the service with who he is, and the answer is cleaned", async (t) => {
  let headers: string[] = [];
  const { tunnel } = await startHttp(
    t,
    (req, res) => {
      headers = req.rawHeaders;
      res.writeHead(200, {
        Server: 'x/1',
        'X-Powered-By': 'y',
        'X-Runtime': '1',
        'Content-Type': 'text/plain',
      });
      res.end('hello');
    },
    {},
    'local.example',
  );
  const answer = await ask(
    tunnel,
    'GET /x?y HTTP/1.1\r\nHost: a.b32.i2p\r\nX-I2P-DestHash: forged\r\nx_i2p_destb32: forged\r\nProxy: evil\r\nConnection: close\r\nCookie: c\r\n\r\n',
  );
  t.deepEqual(headers, [
    ...['Host', 'local.example', 'Cookie', 'c', 'X-I2P-DestHash', REMOTE.hash],
    ...['X-I2P-DestB32', REMOTE.b32, 'X-I2P-DestB64', REMOTE.base64, 'Connection', 'close'],
  ]);
  t.regex(answer, /^HTTP\/1\.1 200 OK\r\nContent-Type: text\/plain\r\n/);
  t.notRegex(answer, /Server|Date|Powered|Runtime/i);
  t.true(answer.includes('hello'));
  await until(t, () => tunnel.open === 0);
});

test("a visitor may ask twice on one stream, by node's own client", async (t) => {
  const { tunnel } = await startHttp(t, async (req, res) => {
    const hash = createHash('sha256');
    for await (const part of req) hash.update(part);
    res.end(`${req.method} ${hash.digest('hex')}`);
  });
  const stream = open(tunnel);
  const body = randomBytes(500_000);
  const once = async (method: string): Promise<string> => {
    const asked = request({ createConnection: () => stream, method, headers: { connection: 'keep-alive' } });
    asked.end(method === 'POST' ? body : undefined);
    const answer = await new Promise<IncomingMessage>((resolve) => asked.once('response', resolve));
    return (await buffer(answer)).toString();
  };
  t.is(await once('POST'), `POST ${createHash('sha256').update(body).digest('hex')}`);
  await tunnel.stop();
  await until(t, () => tunnel.open === 0);
});

test('a visitor who never closes is cut once he was served', async (t) => {
  const { tunnel } = await startHttp(t, (_req, res) => res.end(), { closeMs: 50 });
  const stream = open(tunnel);
  stream.resume();
  stream.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  await until(t, () => tunnel.open === 0);
});

test('two requests on one stream are answered in turn', async (t) => {
  const { tunnel } = await startHttp(t, (req, res) => res.end(req.url));
  const get = (path: string, more = ''): string => `GET ${path} HTTP/1.1\r\nHost: x\r\n${more}\r\n`;
  const answer = await ask(tunnel, get('/one') + get('/two', 'Connection: close\r\n'));
  t.regex(answer, /\/one[\s\S]*\/two/);
});

const BAD: readonly (readonly [title: string, bytes: string, status: number])[] = [
  [
    'a length beside chunks',
    'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    400,
  ],
  ['two lengths', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc', 400],
  ['no Host', 'GET / HTTP/1.1\r\n\r\n', 400],
  ["another host's URL", 'GET http://x/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', 400],
  ['noise', '\x16\x03\x01\x02\x00\x01', 400],
  ['a long head', `GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(70_000)}\r\n\r\n`, 431],
  ['101 headers', `GET / HTTP/1.1\r\nHost: x\r\n${'X: a\r\n'.repeat(100)}\r\n`, 431],
  ['a long URL', `GET /${'x'.repeat(17_000)} HTTP/1.1\r\nHost: x\r\n\r\n`, 414],
  ['CONNECT', 'CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n', 405],
];

for (const [title, bytes, status] of BAD) {
  test(`a visitor with ${title} gets ${status} and does not reach the service`, async (t) => {
    let reached = false;
    const { tunnel } = await startHttp(t, (_req, res) => {
      reached = true;
      res.end();
    });
    t.regex(await ask(tunnel, bytes), new RegExp(`^HTTP/1\\.1 ${status} `));
    t.false(reached);
  });
}

test('a service that is down gives 503, one that breaks off gives 502, neither says more', async (t) => {
  const { tunnel: broken } = await startHttp(t, (_req, res) => res.socket?.destroy());
  const get = 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
  t.regex(
    await ask(broken, get),
    /^HTTP\/1\.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n$/,
  );
  const down = new Service({ name: 'site', mode: 'http', path: '/nonexistent/allium.sock' });
  t.regex(await ask(down, get), /^HTTP\/1\.1 503 /);
});

test('a WebSocket reaches the service', async (t) => {
  const { tunnel, server } = await startHttp(t, (_req, res) => res.end());
  let headers: IncomingMessage['headers'] = {};
  server.on('upgrade', (req, socket: Socket) => {
    headers = req.headers;
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    socket.pipe(socket);
  });
  const stream = open(tunnel);
  stream.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nearly,');
  let all = '';
  stream.on('data', (part: Buffer) => {
    all += part.toString();
    if (all.endsWith('early,')) stream.end('late');
  });
  await new Promise((resolve) => stream.once('end', resolve));
  t.true(all.endsWith('\r\n\r\nearly,late'), all);
  t.is(headers['x-i2p-destb32'], REMOTE.b32);
});

async function webSocket(t: ExecutionContext, limits: Partial<ServiceLimits>): ReturnType<typeof startHttp> {
  const started = await startHttp(t, () => {}, limits);
  started.server.on('upgrade', (_req, socket: Socket) =>
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'),
  );
  return started;
}

const UPGRADE = 'GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';

test('a silent request is given up when HTTP is, a silent WebSocket is not', async (t) => {
  const { tunnel } = await webSocket(t, { idleMs: 100, tunnelIdleMs: 600_000 });
  const stream = open(tunnel);
  let got = '';
  stream.on('data', (part: Buffer) => (got += part.toString('latin1')));
  stream.write(UPGRADE);
  await until(t, () => got.startsWith('HTTP/1.1 101 '));
  for (let count = 0; count < 3; count++)
    t.regex(await ask(tunnel, 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'), /^HTTP\/1\.1 504 /);
  t.false(stream.readableEnded || stream.destroyed);
});

test('a WebSocket is silent as long as a tunnel may be', async (t) => {
  const { tunnel } = await webSocket(t, { idleMs: 600_000, tunnelIdleMs: 100 });
  t.regex(await ask(tunnel, UPGRADE), /^HTTP\/1\.1 101 /);
});

test('a head that does not arrive in time ends the stream with 408', async (t) => {
  const { tunnel } = await startHttp(t, (_req, res) => res.end(), { headMs: 60 });
  t.regex(await ask(tunnel, 'GET / HTTP/1.1\r\n'), /^HTTP\/1\.1 408 /);
  await until(t, () => tunnel.open === 0);
});

test('a slow answer is not a slow head', async (t) => {
  const { tunnel } = await startHttp(t, (_req, res) => void setTimeout(() => res.end('late'), 200), {
    headMs: 60,
    keepAliveMs: 60,
  });
  t.regex(await ask(tunnel, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'), /^HTTP\/1\.1 200 [\s\S]*late/);
});

test('a visitor who leaves frees the service', async (t) => {
  let closed = false;
  let reached = false;
  const { tunnel } = await startHttp(t, (req) => {
    reached = true;
    req.once('close', () => {
      closed = true;
    });
  });
  const stream = open(tunnel);
  stream.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  await until(t, () => reached);
  stream.destroy();
  await until(t, () => closed && tunnel.open === 0);
});

test('plain TCP passes both ways and each half-close, over a Unix socket too', async (t) => {
  const echo = createServer({ allowHalfOpen: true }, (socket) => void socket.pipe(socket));
  const tunnel = new Service({ name: 'site', mode: 'tcp', path: await onSocket(t, echo) });
  const stream = open(tunnel);
  const body = randomBytes(2_000_000);
  stream.end(body);
  t.deepEqual(await buffer(stream), body);
  await until(t, () => tunnel.open === 0);
});

test('a TCP service that is down resets the stream', async (t) => {
  const tunnel = new Service({ name: 'site', mode: 'tcp', path: '/nonexistent/allium.sock' });
  const stream = open(tunnel);
  stream.resume();
  await until(t, () => tunnel.open === 0);
});

test('streams over the limits are reset: all, and of one visitor', async (t) => {
  const quiet = createServer(() => {});
  const path = await onSocket(t, quiet);
  const tunnel = new Service({ name: 'site', mode: 'tcp', path }, { streams: 3, streamsPerVisitor: 2 });
  const other = visitorOf('another visitor');
  const mine = [open(tunnel), open(tunnel), open(tunnel)];
  t.is(tunnel.open, 2);
  open(tunnel, other);
  open(tunnel, other);
  t.is(tunnel.open, 3);
  mine[0]?.destroy();
  mine[0]?.resume();
  await until(t, () => tunnel.open === 2);
  open(tunnel);
  t.is(tunnel.open, 3);
  await tunnel.stop();
  await until(t, () => tunnel.open === 0);
  open(tunnel);
  t.is(tunnel.open, 0);
});
