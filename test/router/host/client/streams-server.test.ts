import { createHash, randomBytes } from 'node:crypto';
import { createServer } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { STREAM_REFUSALS, type StreamRefusal } from '@allium/common/contracts/streams.ts';
import { askSocks, SocksFailure } from '@allium/common/socks/early-client.ts';
import test from 'ava';
import { SocksClient } from 'socks';
import { exchange, listening, until } from '../../../support/tcp.ts';
import { SITE, SITE_B32 } from './fake-i2p.ts';
import { startStreams, through } from './streams-rig.ts';

for (const [title, dial] of [
  ['a name', { key: 'k' }],
  ['a Base32 name', { key: 'k', host: SITE_B32 }],
  ['a name in capitals', { key: 'k', host: 'SITE.I2P.' }],
  ['no key', { key: '' }],
] as const) {
  test(`by ${title} 3 MB go out and come back, and each half-close`, async (t) => {
    const rig = await startStreams(t);
    const socket = await through(rig, dial);
    const body = randomBytes(3_000_000);
    socket.end(body);
    const back = await buffer(socket);
    t.is(createHash('sha256').update(back).digest('hex'), createHash('sha256').update(body).digest('hex'));
    const key = 'key' in dial ? dial.key : 'k';
    t.deepEqual(rig.dialer.dialled, [{ key, target: SITE.hash, port: 7, early: false }]);
    await until(t, () => rig.dialer.streams[0]?.destroyed === true);
  });
}

test('any SOCKS 5 client is served', async (t) => {
  const rig = await startStreams(t);
  const { socket } = await SocksClient.createConnection({
    proxy: { ...rig.where, type: 5, userId: 'k', password: 'whatever' },
    command: 'connect',
    destination: { host: 'site.i2p', port: 7 },
    timeout: 3_000,
  });
  socket.end('hello');
  t.is((await buffer(socket)).toString(), 'hello');
  t.is(rig.dialer.dialled[0]?.key, 'k');
});

const FAILED: readonly StreamRefusal[] = [
  'not-ready',
  'lease-set-not-found',
  'unsupported',
  'refused',
  'reset',
  'no-answer',
  'timeout',
  'busy',
];

for (const refusal of FAILED) {
  test(`a stream that fails as ${refusal} is refused by that code`, async (t) => {
    const rig = await startStreams(t);
    rig.dialer.ports.set(7, refusal);
    const error = await t.throwsAsync(through(rig), { instanceOf: SocksFailure });
    t.deepEqual(error.detail, { code: 'refused', reply: STREAM_REFUSALS[refusal], refusal });
  });
}

for (const [host, reply] of [
  ['nobody.i2p', STREAM_REFUSALS['unknown-destination']],
  [`${'a'.repeat(56)}.b32.i2p`, STREAM_REFUSALS.encrypted],
  [`${'a'.repeat(51)}b.b32.i2p`, STREAM_REFUSALS['invalid-name']],
  ['f_o.i2p', STREAM_REFUSALS['invalid-name']],
  ['proxy.i2p', STREAM_REFUSALS['invalid-name']],
  ['example.org', STREAM_REFUSALS['invalid-name']],
  ['127.0.0.1', STREAM_REFUSALS['invalid-name']],
] as const) {
  test(`${host} is refused with ${reply.toString(16)} and never dialled`, async (t) => {
    const rig = await startStreams(t);
    const error = await t.throwsAsync(through(rig, { host }), { instanceOf: SocksFailure });
    t.like(error.detail, { reply });
    t.deepEqual(rig.dialer.dialled, []);
  });
}

for (const [title, hex, reply] of [
  ['UDP ASSOCIATE', '0503000307', 7],
  ["Tor's RESOLVE", '05f0000307', 7],
  ['port 0', '0501000307', 2],
] as const) {
  test(`${title} is refused with ${reply}`, async (t) => {
    const rig = await startStreams(t);
    const request = Buffer.concat([Buffer.from(hex, 'hex'), Buffer.from('foo.i2p\0\0', 'latin1')]);
    const asked = askSocks(rig.dial(), { request, atOnce: true, replies: 1 });
    t.like((await t.throwsAsync(asked, { instanceOf: SocksFailure })).detail, { reply });
  });
}

test('an address is refused by its type', async (t) => {
  const rig = await startStreams(t);
  const request = Buffer.from('050100017f0000010050', 'hex');
  const asked = askSocks(rig.dial(), { request, atOnce: true, replies: 1 });
  t.like((await t.throwsAsync(asked, { instanceOf: SocksFailure })).detail, { reply: 8 });
});

test('what a key learnt leads that key alone', async (t) => {
  const rig = await startStreams(t);
  rig.book.learn('a', 'mine.i2p', SITE_B32, 1);
  const socket = await through(rig, { key: 'a', host: 'mine.i2p' });
  socket.destroy();
  const error = await t.throwsAsync(through(rig, { key: 'b', host: 'mine.i2p' }), {
    instanceOf: SocksFailure,
  });
  t.like(error.detail, { refusal: 'unknown-destination' });
});

test('bytes behind the request leave with the stream, and later ones before it stands', async (t) => {
  const rig = await startStreams(t);
  const { promise, resolve } = Promise.withResolvers<void>();
  rig.dialer.hold = promise;
  const socket = rig.dial();
  const opened = through({ ...rig, dial: () => socket }, { early: Buffer.from('GET /') });
  await until(t, () => rig.dialer.siteEnds[0]?.readableLength === 5);
  socket.write(' HTTP/1.1');
  await until(t, () => rig.dialer.siteEnds[0]?.readableLength === 14);
  resolve();
  await opened;
  t.true(rig.dialer.dialled[0]?.early);
  t.deepEqual(rig.dialer.greetings, ['GET / HTTP/1.1']);
  socket.end('!');
  t.is((await buffer(socket)).toString(), 'GET / HTTP/1.1!');
});

test('a client that sends much before the stream stands is slowed down, and nothing is lost', async (t) => {
  const rig = await startStreams(t);
  rig.dialer.delayMs = 100;
  const socket = rig.dial();
  const early = randomBytes(2_000_000);
  const opened = through({ ...rig, dial: () => socket }, { early: early.subarray(0, 500_000) });
  socket.write(early.subarray(500_000));
  await opened;
  t.true((rig.dialer.greetings[0]?.length ?? 0) < 300_000, 'the rest waits in the kernel');
  socket.end();
  t.deepEqual(await buffer(socket), early);
});

test('the first bytes of a server that speaks first are not lost', async (t) => {
  const rig = await startStreams(t);
  rig.dialer.ports.set(
    22,
    await listening(
      t,
      createServer((socket) => socket.end('SSH-2.0')),
    ),
  );
  t.is((await buffer(await through(rig, { port: 22 }))).toString(), 'SSH-2.0');
});

test('a handshake that does not arrive in time is cut, and so is what is not SOCKS 5', async (t) => {
  const rig = await startStreams(t, { handshakeMs: 80 });
  const began = Date.now();
  t.is(await exchange(rig.where, '\x05'), '');
  t.true(Date.now() - began < 2_000);
  t.is(await exchange(rig.where, 'GET / HTTP/1.1\r\n\r\n'), '');
  t.is(await exchange(rig.where, '\x04\x01\x00\x50\0\0\0\x01\0site.i2p\0'), '');
});

test('a client that leaves while its stream opens leaves none behind', async (t) => {
  const rig = await startStreams(t);
  rig.dialer.delayMs = 80;
  const socket = rig.dial();
  const attempt = t.throwsAsync(through({ ...rig, dial: () => socket }));
  await until(t, () => rig.dialer.dialled.length === 1);
  socket.destroy();
  await attempt;
  await new Promise((resolve) => setTimeout(resolve, 150));
  t.true(rig.dialer.streams.every((stream) => stream.destroyed));
});

test('a dial that takes too long is refused as timeout', async (t) => {
  const rig = await startStreams(t, { dialMs: 50 });
  rig.dialer.delayMs = 300;
  const error = await t.throwsAsync(through(rig), { instanceOf: SocksFailure });
  t.like(error.detail, { refusal: 'timeout' });
});

test('streams over the limits are busy: of one key, and in all', async (t) => {
  const rig = await startStreams(t, { streamsPerKey: 2, streams: 3 });
  const first = await through(rig, { key: 'a' });
  await through(rig, { key: 'a' });
  const refused = async (key: string): Promise<void> => {
    const error = await t.throwsAsync(through(rig, { key }), { instanceOf: SocksFailure });
    t.like(error.detail, { refusal: 'busy' });
  };
  await refused('a');
  await through(rig, { key: 'b' });
  await refused('b');
  first.destroy();
  await until(t, () => rig.dialer.streams[0]?.destroyed === true);
  await through(rig, { key: 'b' });
  t.is(rig.dialer.dialled.length, 4);
});

test('a stream is closed when nothing moved for its whole time', async (t) => {
  const rig = await startStreams(t, { idleMs: 80 });
  const socket = await through(rig);
  socket.resume();
  await new Promise((resolve) => socket.once('end', resolve).once('close', resolve));
  t.true(rig.dialer.streams[0]?.destroyed);
});

test('a stream that the other side resets ends the connection', async (t) => {
  const rig = await startStreams(t);
  const socket = await through(rig);
  socket.resume();
  socket.on('error', () => {});
  rig.dialer.streams[0]?.destroy();
  await new Promise((resolve) => socket.once('end', resolve).once('close', resolve));
  t.pass();
});
