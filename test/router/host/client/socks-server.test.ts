import { createHash, randomBytes } from 'node:crypto';
import { connect, createServer, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import test, { type ExecutionContext } from 'ava';
import { SocksClient } from 'socks';
import type { DialCode } from '../../../../services/router/client/dial-error.ts';
import { Naming } from '../../../../services/router/client/naming.ts';
import { type SocksLimits, startSocksServer } from '../../../../services/router/host/client/socks-server.ts';
import { exchange, FakeDialer, listening, SITE, SITE_B32, tcp, until } from './fake-i2p.ts';

interface Rig {
  readonly dialer: FakeDialer;
  readonly proxy: { readonly host: string; readonly port: number };
}

/** An echo service at port 7 of `site.i2p`, behind a SOCKS server. */
async function startRig(t: ExecutionContext, limits: Partial<SocksLimits> = {}): Promise<Rig> {
  const dialer = new FakeDialer();
  const echo = createServer({ allowHalfOpen: true }, (socket) => void socket.pipe(socket));
  dialer.ports.set(7, await listening(t, echo));
  const naming = new Naming(new Map([['site.i2p', { destination: SITE }]]));
  const running = await startSocksServer({ host: '127.0.0.1', port: 0 }, { dialer, naming, limits });
  t.teardown(() => running.stop());
  return { dialer, proxy: tcp(running.address) };
}

type Login = { readonly userId?: string; readonly password?: string };

async function through(rig: Rig, type: 4 | 5, host: string, port = 7, login: Login = {}): Promise<Socket> {
  const { socket } = await SocksClient.createConnection({
    proxy: { ...rig.proxy, type, ...login },
    command: 'connect',
    destination: { host, port },
    timeout: 3_000,
  });
  return socket;
}

for (const [title, type, host, login] of [
  ['SOCKS 5', 5, 'site.i2p', {}],
  ['SOCKS 5 with a login', 5, 'site.i2p', { userId: 'site:0', password: 'secret' }],
  ['SOCKS 5 with a Base32 name', 5, SITE_B32, {}],
  ['SOCKS 4a', 4, 'site.i2p', {}],
  ['SOCKS 4a with a user', 4, 'SITE.i2p', { userId: 'me' }],
] as const) {
  test(`${title}: 3 MB go out and come back`, async (t) => {
    const rig = await startRig(t);
    const socket = await through(rig, type, host, 7, login);
    const body = randomBytes(3_000_000);
    socket.end(body);
    socket.resume();
    const back = await buffer(socket);
    t.is(createHash('sha256').update(back).digest('hex'), createHash('sha256').update(body).digest('hex'));
    t.deepEqual(rig.dialer.dialled, [{ hash: SITE.hash, port: 7 }]);
    await until(t, () => rig.dialer.streams[0]?.destroyed === true);
  });
}

const REFUSALS: readonly (readonly [host: string, code: DialCode | undefined, message: RegExp])[] = [
  ['site.i2p', 'refused', /ConnectionRefused/],
  ['site.i2p', 'reset', /ConnectionRefused/],
  ['site.i2p', 'no-answer', /TTLExpired/],
  ['site.i2p', 'timeout', /TTLExpired/],
  ['site.i2p', 'lease-set-not-found', /HostUnreachable/],
  ['site.i2p', 'not-ready', /NetworkUnreachable/],
  ['site.i2p', 'unsupported', /Failure/],
  ['nobody.i2p', undefined, /HostUnreachable/],
  [`${'a'.repeat(56)}.b32.i2p`, undefined, /Failure/],
  ['example.org', undefined, /NotAllowed/],
  ['proxy.i2p', undefined, /NotAllowed/],
  ['127.0.0.1', undefined, /AddressNotSupported/],
  ['::1', undefined, /AddressNotSupported/],
];

for (const [host, code, message] of REFUSALS) {
  test(`SOCKS 5 to ${host} ${code ?? ''} fails by its own code`, async (t) => {
    const rig = await startRig(t);
    if (code !== undefined) rig.dialer.ports.set(7, code);
    await t.throwsAsync(through(rig, 5, host), { message });
    if (code === undefined) t.deepEqual(rig.dialer.dialled, []);
  });
}

test('SOCKS 4 with an address is refused', async (t) => {
  const rig = await startRig(t);
  await t.throwsAsync(through(rig, 4, '127.0.0.1'), { message: /Failed/ });
  t.deepEqual(rig.dialer.dialled, []);
});

test('BIND and UDP ASSOCIATE are refused', async (t) => {
  const rig = await startRig(t);
  for (const command of ['bind', 'associate'] as const) {
    const client = new SocksClient({
      proxy: { ...rig.proxy, type: 5 },
      command,
      destination: { host: 'site.i2p', port: 7 },
    });
    const failed = Promise.withResolvers<Error>();
    client.once('error', failed.resolve);
    client.connect();
    t.regex((await failed.promise).message, /CommandNotSupported/);
  }
});

test('bytes sent before the stream is up arrive first', async (t) => {
  const rig = await startRig(t);
  rig.dialer.delayMs = 50;
  const request = Buffer.concat([
    Buffer.from('05010005010003', 'hex'),
    Buffer.of(8),
    Buffer.from('site.i2p'),
    Buffer.of(0, 7),
  ]);
  const socket = connect({ ...rig.proxy, allowHalfOpen: true });
  socket.write(request);
  const early = randomBytes(200_000);
  socket.write(early);
  setTimeout(() => socket.end('last'), 150);
  const all = await buffer(socket);
  t.is(all.subarray(0, 12).toString('hex'), '050005000001000000000000');
  t.deepEqual(all.subarray(12), Buffer.concat([early, Buffer.from('last')]));
});

test('a handshake that does not arrive in time is cut', async (t) => {
  const rig = await startRig(t, { handshakeMs: 80 });
  const began = Date.now();
  t.is(await exchange(rig.proxy, '\x05'), '');
  t.true(Date.now() - began < 2000);
});

test('something that is not SOCKS is cut without a word', async (t) => {
  const rig = await startRig(t);
  t.is(await exchange(rig.proxy, 'GET / HTTP/1.1\r\n\r\n'), '');
});

test('a client that leaves while its stream opens leaves none behind', async (t) => {
  const rig = await startRig(t);
  rig.dialer.delayMs = 80;
  const attempt = through(rig, 5, 'site.i2p');
  attempt.catch(() => {});
  await until(t, () => rig.dialer.dialled.length === 1);
  const raw = connect({ ...rig.proxy });
  raw.write(
    Buffer.concat([
      Buffer.from('05010005010003', 'hex'),
      Buffer.of(8),
      Buffer.from('site.i2p'),
      Buffer.of(0, 7),
    ]),
  );
  await until(t, () => rig.dialer.dialled.length === 2);
  raw.destroy();
  (await attempt).destroy();
  await new Promise((resolve) => setTimeout(resolve, 100));
  await until(t, () => rig.dialer.streams.every((stream) => stream.destroyed));
});

test('a stream without traffic is closed', async (t) => {
  const rig = await startRig(t, { idleMs: 80 });
  const socket = await through(rig, 5, 'site.i2p');
  socket.resume();
  await new Promise((resolve) => socket.once('close', resolve));
  t.true(rig.dialer.streams[0]?.destroyed);
});
