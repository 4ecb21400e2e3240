import { rmSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { connect, createServer as createTcp, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { createLogger } from '@allium/common/observe/logger.ts';
import test, { type ExecutionContext } from 'ava';
import { startForwarder } from '../../../services/forwarder/host/forwarder.ts';
import type { SocksLimits } from '../../../services/forwarder/host/limits.ts';
import { loadRules } from '../../../services/forwarder/host/load.ts';
import { listening, until } from '../../support/tcp.ts';
import { FakeRouter } from '../support/fake-router.ts';
import { writeFiles } from '../support/proxies.ts';
import { SITE, SITE_B32 } from '../support/site-rig.ts';
import { socks5 } from '../support/socks-doors.ts';

/** A busy machine may need longer than a browser has for its first byte. */
const PATIENT = { firstWordMs: 60_000 };

const GRANTED = '050005000001000000000000';

interface Rig {
  readonly router: FakeRouter;
  readonly port: number;
}

/** A SOCKS door before a router whose port 80 leads to `server`. */
async function rig(
  t: ExecutionContext,
  server: Server,
  socksLimits: Partial<SocksLimits> = {},
): Promise<Rig> {
  const router = await FakeRouter.start(t);
  router.ports.set(80, await listening(t, server));
  router.hosts.set('site.i2p', SITE.base32);
  const folder = writeFiles(
    `${router.line}listen-address 127.0.0.1:1\nforward .i2p 127.0.0.1:4444\nallium-socks 127.0.0.1:1 .\n`,
  );
  t.teardown(() => rmSync(folder, { recursive: true }));
  const { rules, warnings } = loadRules(join(folder, 'config'));
  const listen = { host: '127.0.0.1', port: 0 };
  const settings = { ...rules.settings, listen: [listen], socksDoors: [{ listen }] };
  const loaded = { rules: { ...rules, settings }, warnings };
  const forwarder = await startForwarder({
    loaded,
    logger: createLogger('forwarder', 'silent'),
    socksLimits,
  });
  t.teardown(() => forwarder.stop());
  const [address] = forwarder.socks.addresses;
  return { router, port: typeof address === 'object' && address !== null ? address.port : 0 };
}

/** A client that has asked for `name` on port 80; what comes is gathered in `got`. */
function open(t: ExecutionContext, { port }: Rig, name = 'site.i2p', more = '') {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  const state = { socket, got: '', closed: false };
  socket.on('data', (bytes: Buffer) => (state.got += bytes.toString('latin1')));
  socket.on('error', () => {});
  socket.once('end', () => (state.closed = true));
  socket.once('close', () => (state.closed = true));
  socket.write(Buffer.from(socks5(name, undefined, '01', 80), 'hex'));
  if (more !== '') socket.write(more, 'latin1');
  t.teardown(() => void socket.destroy());
  return state;
}

const granted = (got: string): boolean => Buffer.from(got, 'latin1').toString('hex').startsWith(GRANTED);
const GET = 'GET /x HTTP/1.1\r\nHost: site.i2p\r\nUser-Agent: Mozilla\r\nConnection: close\r\n\r\n';

function web(seen: string[][]): Server {
  const listener: RequestListener = (req, res) => {
    seen.push([`${req.method} ${req.url}`, ...req.rawHeaders]);
    res.end('page');
  };
  return createServer(listener);
}

test('HTTP over SOCKS is cleaned, and its head travels with the SYN', async (t) => {
  const seen: string[][] = [];
  const with_ = await rig(t, web(seen), PATIENT);
  const client = open(t, with_);
  await until(t, () => granted(client.got));
  client.socket.write(GET);
  await until(t, () => client.closed);
  t.regex(client.got, /HTTP\/1\.1 200 OK\r\n[\s\S]*page/);
  t.deepEqual(seen, [['GET /x', 'Host', SITE_B32, 'User-Agent', 'MYOB/6.66 (AN/ON)', 'Connection', 'close']]);
  t.regex(with_.router.greetings[0] ?? '', /^GET \/x HTTP\/1\.1\r\n[\s\S]*\r\n\r\n$/);
});

test('a request that came with the SOCKS request, or in pieces, is HTTP as well', async (t) => {
  const seen: string[][] = [];
  const with_ = await rig(t, web(seen), PATIENT);
  const early = open(t, with_, 'site.i2p', GET);
  const pieces = open(t, with_, 'SITE.i2p.');
  await until(t, () => granted(pieces.got));
  for (const byte of GET) {
    pieces.socket.write(byte);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await until(t, () => early.closed && pieces.closed);
  for (const { got } of [early, pieces]) t.regex(got, /HTTP\/1\.1 200 OK\r\n[\s\S]*page/);
  t.is(seen.length, 2);
  t.notRegex(seen.flat().join(' '), /Mozilla|site\.i2p/i);
});

test('what the router refuses is a page', async (t) => {
  const with_ = await rig(t, web([]));
  for (const [name, status] of [
    ['nobody.i2p', 404],
    [`${'a'.repeat(56)}.b32.i2p`, 502],
  ] as const) {
    const client = open(t, with_, name, GET);
    await until(t, () => client.closed);
    t.regex(client.got, new RegExp(`HTTP/1\\.1 ${status} `));
  }
  with_.router.ports.set(80, 'lease-set-not-found');
  const gone = open(t, with_, 'site.i2p', GET);
  await until(t, () => gone.closed);
  t.regex(gone.got, /HTTP\/1\.1 504 Site not found/);
});

test('a server that speaks first is heard, and so is the client then', async (t) => {
  const server = createTcp((socket: Socket) => {
    socket.write('hello\n');
    socket.on('data', (bytes) => void socket.end(`you said ${bytes}`));
  });
  const client = open(t, await rig(t, server));
  await until(t, () => client.got.endsWith('hello\n'));
  client.socket.write('GET /not-http-any-more');
  await until(t, () => client.closed);
  t.true(client.got.endsWith('hello\nyou said GET /not-http-any-more'));
});

test('a client that speaks something else first passes as it is, with the SYN', async (t) => {
  const echo = createTcp({ allowHalfOpen: true }, (socket) => void socket.pipe(socket));
  const with_ = await rig(t, echo, PATIENT);
  const client = open(t, with_);
  await until(t, () => granted(client.got));
  client.socket.write('NICK joe\r\n');
  await until(t, () => client.got.endsWith('NICK joe\r\n'));
  t.is(with_.router.greetings[0], 'NICK joe\r\n');
  client.socket.end('QUIT');
  await until(t, () => client.closed);
  t.true(client.got.endsWith('NICK joe\r\nQUIT'));
});

test('a client that is silent and then speaks HTTP after all is cleaned', async (t) => {
  const seen: string[][] = [];
  const with_ = await rig(t, web(seen));
  const client = open(t, with_);
  await until(t, () => with_.router.dialled.length === 1);
  client.socket.write(GET);
  await until(t, () => client.closed);
  t.regex(client.got, /HTTP\/1\.1 200 OK\r\n[\s\S]*page/);
  t.notRegex(seen.flat().join(' '), /Mozilla/);
  t.is(with_.router.dialled.length, 2);
});

test('a silent client of a site that can not be reached is let go, and one that leaves leaves nothing', async (t) => {
  const with_ = await rig(t, web([]));
  with_.router.ports.set(80, 'refused');
  const client = open(t, with_);
  await until(t, () => client.closed);
  t.true(granted(client.got));
  with_.router.delayMs = 300;
  const leaving = open(t, with_);
  await until(t, () => with_.router.dialled.length === 2);
  leaving.socket.destroy();
  await until(
    t,
    () => with_.router.streams[1]?.readableEnded === true || with_.router.streams[1]?.destroyed === true,
  );
});

test('a silent client of a site that resets its stream is reset, and the site not asked again', async (t) => {
  const server = createTcp((socket: Socket) => void setTimeout(() => socket.resetAndDestroy(), 50));
  const with_ = await rig(t, server);
  const client = open(t, with_);
  const broken = new Promise<string>((resolve) =>
    client.socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? '')),
  );
  t.is(await broken, 'ECONNRESET');
  t.is(with_.router.dialled.length, 1);
});
