import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { StreamRefusal } from '@allium/common/contracts/streams.ts';
import { bindVisitor, SocksFailure, type Visitor } from '@allium/common/socks/early-client.ts';
import test from 'ava';
import { i2pPair } from '../../../support/i2p-pair.ts';
import { until } from '../../../support/tcp.ts';
import { destinationOf, SITE_B32 } from './fake-i2p.ts';
import { type StreamsRig, startStreams } from './streams-rig.ts';

const VISITOR = destinationOf('a visitor');

/** A visitor's end of a stream to the service. */
function visit(rig: StreamsRig, visitor = VISITOR, port = 80): Duplex {
  const [ours, theirs] = i2pPair();
  rig.desk.arrive('shop', { stream: theirs, visitor, port });
  return ours;
}

function ask(rig: StreamsRig, service = 'shop') {
  const socket = rig.dial();
  const known = Promise.withResolvers<string>();
  const came: Promise<Visitor> = bindVisitor(socket, { key: 'k', service }, known.resolve);
  return { socket, known: known.promise, came };
}

test('a visitor is handed to the request that waits, with who he is, and bytes pass both ways', async (t) => {
  const rig = await startStreams(t);
  const { socket, known, came } = ask(rig);
  t.is(await known, SITE_B32);
  const stream = visit(rig, VISITOR, 8_080);
  const body = randomBytes(2_000_000);
  stream.end(body);
  const back = buffer(stream);
  t.deepEqual(await came, { destination: new Uint8Array(VISITOR.raw), port: 8_080 });
  socket.pipe(socket);
  t.deepEqual(await back, body);
  await until(t, () => rig.desk.status.visitors === 0);
});

test('a visitor who comes first waits for a request, and his first bytes with him', async (t) => {
  const rig = await startStreams(t);
  const stream = visit(rig);
  stream.write('GET /');
  const { socket, came } = ask(rig);
  await came;
  socket.end('hello');
  stream.end();
  t.is((await buffer(stream)).toString(), 'hello');
  t.is((await buffer(socket)).toString(), 'GET /');
});

test('one request serves one visitor, in turn', async (t) => {
  const rig = await startStreams(t);
  const [first, second] = [ask(rig), ask(rig)];
  await first.known;
  await second.known;
  const one = visit(rig);
  const two = visit(rig, destinationOf('another'));
  t.deepEqual((await first.came).destination, new Uint8Array(VISITOR.raw));
  t.deepEqual((await second.came).destination, new Uint8Array(destinationOf('another').raw));
  one.destroy();
  two.destroy();
});

test('a visitor whom nobody serves is reset after a while', async (t) => {
  const rig = await startStreams(t, {}, { waitMs: 60 });
  const stream = visit(rig);
  await until(t, () => stream.destroyed);
  await until(t, () => rig.desk.status.visitors === 0);
});

test('a request that left serves nobody', async (t) => {
  const rig = await startStreams(t, {}, { waitMs: 60 });
  const { socket, known, came } = ask(rig);
  await known;
  const gone = t.throwsAsync(came);
  socket.destroy();
  await gone;
  await until(t, () => rig.desk.status.requests === 0);
  const stream = visit(rig);
  await until(t, () => stream.destroyed);
});

test('who serves and leaves ends the stream, and a visitor who leaves ends the connection', async (t) => {
  const rig = await startStreams(t);
  const one = ask(rig);
  await one.known;
  const first = visit(rig);
  first.resume();
  await one.came;
  one.socket.destroy();
  await until(t, () => first.readableEnded || first.destroyed);
  first.destroy();
  const two = ask(rig);
  await two.known;
  const second = visit(rig);
  await two.came;
  two.socket.on('error', () => {}).resume();
  second.destroy();
  await until(t, () => two.socket.readableEnded || two.socket.destroyed);
});

for (const [title, service, limits, refusal] of [
  ['a service that is not there', 'other', {}, 'unknown-destination'],
  ['one request more than may wait', 'shop', { requests: 1 }, 'busy'],
] as const satisfies readonly (readonly [string, string, object, StreamRefusal])[]) {
  test(`${title} is refused as ${refusal}`, async (t) => {
    const rig = await startStreams(t, {}, limits);
    const first = ask(rig);
    await first.known;
    const { came } = ask(rig, service);
    t.like((await t.throwsAsync(came, { instanceOf: SocksFailure })).detail, { refusal });
    first.came.catch(() => {});
  });
}

test('visitors over the limits are reset: all, and of one Destination', async (t) => {
  const rig = await startStreams(t, {}, { streams: 3, streamsPerRemote: 2 });
  const mine = [visit(rig), visit(rig), visit(rig)];
  await until(t, () => mine[2]?.destroyed === true);
  t.is(rig.desk.status.visitors, 2);
  const others = [visit(rig, destinationOf('b')), visit(rig, destinationOf('c'))];
  await until(t, () => others[1]?.destroyed === true);
  t.is(rig.desk.status.visitors, 3);
  mine[0]?.destroy();
  await until(t, () => rig.desk.status.visitors === 2);
  await rig.desk.stop();
  await until(t, () => rig.desk.status.visitors === 0 && mine[1]?.destroyed === true);
  const late = visit(rig);
  await until(t, () => late.destroyed);
});
