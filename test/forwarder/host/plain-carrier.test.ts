import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { Framed } from '@allium/common/net/framed.ts';
import test, { type ExecutionContext } from 'ava';
import { PlainCarrier } from '../../../services/forwarder/host/plain-carrier.ts';
import { listening, until } from '../../support/tcp.ts';

const PIECE = Buffer.alloc(60_000, 1);

/** What a reader that rests lets through: it is written until the socket below holds some of it. */
async function fill(t: ExecutionContext, framed: boolean) {
  const server = createServer({ pauseOnConnect: true });
  const came = once(server, 'connection');
  const near = connect(await listening(t, server), '127.0.0.1');
  near.on('error', () => {});
  t.teardown(() => near.destroy());
  const [far] = (await came) as [Socket];
  const stream = framed ? new Framed(near) : near;
  stream.on('error', () => {});
  const carrier = new PlainCarrier(stream);
  for (let pieces = 0; near.writableLength === 0 && pieces < 500; pieces++) carrier.write('', [PIECE]);
  t.true(near.writableLength > 0, 'the kernel takes no more');
  return { carrier, far, near };
}

for (const framed of [false, true]) {
  test(`bytes that wait below a ${framed ? 'stream in frames' : 'socket'} are not called gone: their buffer is in use`, async (t) => {
    const { carrier, far, near } = await fill(t, framed);
    t.false(carrier.flushed);
    far.resume();
    await until(t, () => near.writableLength === 0 && carrier.flushed);
  });
}

test('of a stream of another kind nobody knows what it holds', (t) => {
  t.false(new PlainCarrier(new PassThrough()).flushed);
});
