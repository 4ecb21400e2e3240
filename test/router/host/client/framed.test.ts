import { once } from 'node:events';
import { createServer } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { BrokenOff, Framed } from '@allium/common/net/framed.ts';
import { bindVisitor } from '@allium/common/socks/early-client.ts';
import test, { type ExecutionContext } from 'ava';
import { i2pPair } from '../../../support/i2p-pair.ts';
import { listening, until } from '../../../support/tcp.ts';
import { destinationOf } from './fake-i2p.ts';
import { type StreamsRig, startStreams, through } from './streams-rig.ts';

async function framed(t: ExecutionContext, early?: string): Promise<{ rig: StreamsRig; stream: Framed }> {
  const rig = await startStreams(t);
  const socket = await through(rig, {
    framed: true,
    ...(early === undefined ? {} : { early: Buffer.from(early) }),
  });
  const stream = new Framed(socket).start();
  stream.on('error', () => {});
  return { rig, stream };
}

test('early bytes in a frame travel with the SYN, and more goes out and comes back', async (t) => {
  const { rig, stream } = await framed(t, 'early ');
  t.deepEqual(rig.dialer.greetings, ['early ']);
  const more = Buffer.alloc(1_000_000, 'x');
  stream.end(more);
  t.true((await buffer(stream)).equals(Buffer.concat([Buffer.from('early '), more])));
});

test('an end that comes before the stream stands is an end', async (t) => {
  const rig = await startStreams(t);
  rig.dialer.delayMs = 80;
  const socket = rig.dial();
  const stream = new Framed(socket);
  const opened = through({ ...rig, dial: () => socket }, { framed: true });
  stream.end('all of it');
  await opened;
  t.is((await buffer(stream.start())).toString(), 'all of it');
});

test('a stream that the other side resets is broken off', async (t) => {
  const { rig, stream } = await framed(t);
  stream.resume();
  rig.dialer.streams[0]?.destroy();
  const [error] = (await once(stream, 'error')) as [Error];
  t.true(error instanceof BrokenOff);
});

test('a client that goes resets its stream at once, and one that has ended as well', async (t) => {
  const rig = await startStreams(t);
  const site = createServer(
    { allowHalfOpen: true },
    (socket) => void socket.on('data', () => socket.write('y')),
  );
  rig.dialer.ports.set(9, await listening(t, site));
  for (const ended of [false, true]) {
    const socket = await through(rig, { framed: true, port: 9, early: Buffer.from('x') });
    const stream = new Framed(socket).start();
    const far = rig.dialer.siteEnds.at(-1);
    if (ended) stream.end();
    await once(stream, 'data');
    t.is(far?.errored, null);
    stream.destroy();
    await until(t, () => far?.errored !== null, 2_000);
  }
});

test('a visitor who breaks off is told from one who ends', async (t) => {
  const rig = await startStreams(t);
  for (const breaks of [true, false]) {
    const socket = rig.dial();
    const known = Promise.withResolvers<string>();
    const came = bindVisitor(socket, { key: 'k', service: 'shop', framed: true }, known.resolve);
    await known.promise;
    const [ours, theirs] = i2pPair();
    rig.desk.arrive('shop', { stream: ours, visitor: destinationOf('visitor'), port: 80 });
    theirs.write('hello');
    await came;
    const stream = new Framed(socket).start();
    stream.on('error', () => {});
    await once(stream, 'data');
    if (breaks) theirs.destroy();
    else theirs.end();
    const [error] = (await once(stream, breaks ? 'error' : 'end')) as [Error | undefined];
    t.is(error instanceof BrokenOff, breaks);
  }
});
