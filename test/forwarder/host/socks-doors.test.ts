import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { FRAMES, STREAM_REFUSALS } from '@allium/common/contracts/streams.ts';
import test, { type ExecutionContext } from 'ava';
import { SocksClient } from 'socks';
import type { SocksLimits } from '../../../services/forwarder/host/limits.ts';
import { eventually, must } from '../../support/eventually.ts';
import { freePort } from '../../support/free-port.ts';
import { ask, type Doors, socks4a, socks5, socksDoors } from '../support/socks-doors.ts';
import { SocksServer } from '../support/socks-server.ts';

interface Rig extends Doors {
  readonly i2p: SocksServer;
  readonly tor: SocksServer;
}

async function listening(t: ExecutionContext, server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => void server.close());
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** Behind the router's socket stands an echo, behind Tor's port a service that says "tor" and ends. */
async function rig(t: ExecutionContext, more = '', limits: Partial<SocksLimits> = {}): Promise<Rig> {
  const echo = createServer({ allowHalfOpen: true }, (socket) => void socket.pipe(socket));
  const other = createServer((socket) => void socket.end('tor').resume());
  const path = join(tmpdir(), `allium-${randomBytes(6).toString('hex')}.sock`);
  const i2p = await SocksServer.start(await listening(t, echo), path);
  const tor = await SocksServer.start(await listening(t, other));
  t.teardown(() => Promise.all([i2p.stop(), tor.stop()]));
  const parents = { i2p: `unix:${path}`, tor: `127.0.0.1:${tor.port}` };
  return { i2p, tor, ...(await socksDoors(t, parents, more, limits)) };
}

const hex = (text: string): string => Buffer.from(text).toString('hex');
const GRANTED5 = '05000001000000000000';

test('a name in .i2p reaches the router under a key and without its login, and bytes pass both ways', async (t) => {
  const { both, i2p, tor } = await rig(t);
  const { socket } = await SocksClient.createConnection({
    proxy: { host: '127.0.0.1', port: both, type: 5, userId: 'site.i2p:0', password: 'secret' },
    command: 'connect',
    destination: { host: 'Site.I2P', port: 8_080 },
  });
  const body = randomBytes(3_000_000);
  socket.end(body);
  socket.resume();
  t.true((await buffer(socket)).equals(body));
  t.regex(i2p.requests[0]?.user ?? '', /^[0-9a-f]{32}$/);
  t.deepEqual(
    i2p.requests.map(({ user: _, ...rest }) => rest),
    [{ version: 5, password: FRAMES, host: 'site.i2p', port: 8_080 }],
  );
  t.deepEqual(tor.requests, []);
});

test('everything else reaches Tor, SOCKS 4a too', async (t) => {
  const { both, i2p, tor } = await rig(t);
  t.is((await ask(both, socks5('example.org'))).answer, `0500${GRANTED5}${hex('tor')}`);
  t.is((await ask(both, socks4a('example.org', 'me'))).answer, `005a000000000000${hex('tor')}`);
  t.is((await ask(both, `050100${'05010001'}010203040050`)).answer, `0500${GRANTED5}${hex('tor')}`);
  t.deepEqual(
    tor.requests.map(({ user, host }) => [user, host]),
    [
      ['', 'example.org'],
      ['me', 'example.org'],
      ['', '1.2.3.4'],
    ],
  );
  t.deepEqual(i2p.requests, []);
});

test("Tor's own refusal reaches the client as it is, the router's as a code of RFC 1928", async (t) => {
  const { both, tor, i2p } = await rig(t);
  tor.reply = 0xf0;
  t.is((await ask(both, socks5('x.onion'))).answer, '050005f00001000000000000');
  for (const [refusal, code] of [
    ['unknown-destination', '04'],
    ['refused', '05'],
    ['no-answer', '06'],
    ['busy', '03'],
  ] as const) {
    i2p.reply = STREAM_REFUSALS[refusal];
    t.is((await ask(both, socks5('x.i2p', undefined, '01', 443))).answer, `050005${code}0001000000000000`);
  }
});

test('the door for I2P alone never asks Tor', async (t) => {
  const { i2pOnly, tor, i2p } = await rig(t);
  t.is((await ask(i2pOnly, socks5('example.org'))).answer, '050005020001000000000000');
  t.is((await ask(i2pOnly, socks4a('example.org'))).answer, '005b000000000000');
  const { answer, socket } = await ask(i2pOnly, socks5('x.i2p') + hex('hi'), { enough: 14 });
  t.is(answer, `0500${GRANTED5}${hex('hi')}`);
  socket.destroy();
  t.deepEqual([tor.requests.length, i2p.requests.length], [0, 1]);
});

test('a parent that is not there is a general failure, told at once', async (t) => {
  const parents = { i2p: 'unix:/nonexistent/socket', tor: `127.0.0.1:${await freePort()}` };
  const { both, forwarder } = await socksDoors(t, parents);
  for (const name of ['x.i2p', 'example.org']) {
    const asked = await ask(both, socks5(name, undefined, '01', 443));
    t.is(asked.answer, '050005010001000000000000');
    t.true(asked.closed);
  }
  t.is(forwarder.counters.get('socks-refused'), 2);
});

test('a client that says nothing is let go', async (t) => {
  const { both, forwarder } = await rig(t, '', { handshakeMs: 200 });
  const started = Date.now();
  const asked = await ask(both, '05');
  t.true(asked.closed);
  t.true(Date.now() - started < 2_000);
  t.is(forwarder.counters.get('socks-slow'), 1);
});

test('one client address can not take every place, and a place is free again afterwards', async (t) => {
  const { both, forwarder } = await rig(t, '', { perClient: 2, total: 3 });
  const open = async (from: string): Promise<Awaited<ReturnType<typeof ask>>> =>
    ask(both, '050100', { from, enough: 2, quietMs: 1_000 });
  const first = await open('127.0.0.2');
  const second = await open('127.0.0.2');
  t.is((await open('127.0.0.2')).answer, '');
  const other = await open('127.0.0.3');
  t.deepEqual([first.answer, second.answer, other.answer], ['0500', '0500', '0500']);
  t.is((await open('127.0.0.4')).answer, '');
  t.is(forwarder.socks.clients, 3);
  first.socket.destroy();
  await eventually('a free place', 2_000, () => must(forwarder.socks.clients === 2, 'none'));
  const next = await open('127.0.0.4');
  t.is(next.answer, '0500');
  for (const { socket } of [second, other, next]) socket.destroy();
  await eventually('no client left', 2_000, () => must(forwarder.socks.clients === 0, 'some'));
});

test('the access list holds for SOCKS too', async (t) => {
  const { both, forwarder } = await rig(t, 'permit-access 127.0.0.1\ndeny-access 127.0.0.9');
  t.is((await ask(both, '050100', { from: '127.0.0.9' })).answer, '');
  t.is(forwarder.counters.get('access-denied'), 1);
  const permitted = await ask(both, '050100', { enough: 2 });
  t.is(permitted.answer, '0500');
  permitted.socket.destroy();
});

test('an access line with a destination means the parent', async (t) => {
  const { both, tor, i2p, forwarder } = await rig(t, 'permit-access 127.0.0.1 10.0.0.1');
  t.is((await ask(both, socks5('example.org'))).answer, '0500');
  t.is((await ask(both, socks5('x.i2p'))).answer, '0500');
  t.is(forwarder.counters.get('access-denied'), 2);
  t.deepEqual([tor.requests, i2p.requests], [[], []]);
});

test('stopping cuts clients that are in a handshake or in a stream', async (t) => {
  const { both, forwarder } = await rig(t);
  const early = await ask(both, '05', { quietMs: 50 });
  const late = await ask(both, socks5('x.i2p'), { enough: 12 });
  const closed = [early, late].map(({ socket }) => once(socket.resume(), 'close'));
  await forwarder.stop();
  t.is((await Promise.all(closed)).length, 2);
  const refused = connect(both, '127.0.0.1');
  t.like((await once(refused, 'error'))[0], { code: 'ECONNREFUSED' });
});
