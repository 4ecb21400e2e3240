import { randomBytes } from 'node:crypto';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { STREAM_REFUSALS } from '@allium/common/contracts/streams.ts';
import { bindVisitor, connectWithEarly, SocksFailure } from '@allium/common/socks/early-client.ts';
import { socks5Reply } from '@allium/common/socks/replies.ts';
import test, { type ExecutionContext } from 'ava';

/** A server that keeps what it reads in one go, and hands each connection to `serve`. */
async function served(
  t: ExecutionContext,
  serve: (socket: Socket, first: Buffer) => void,
): Promise<{ socket: Socket; reads: Buffer[] }> {
  const reads: Buffer[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    socket.on('data', (bytes: Buffer) => reads.push(bytes));
    socket.once('data', (bytes: Buffer) => serve(socket, bytes));
  });
  const path = join(tmpdir(), `allium-${randomBytes(6).toString('hex')}.sock`);
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const socket = connect({ path, allowHalfOpen: true });
  t.teardown(() => {
    socket.destroy();
    server.close();
  });
  return { socket, reads };
}

const WELCOME = Buffer.of(5, 2, 1, 0);

test('greeting, login, request and early bytes are one write, and the first bytes back are not lost', async (t) => {
  const { socket, reads } = await served(t, (peer) =>
    peer.end(Buffer.concat([WELCOME, socks5Reply(0), Buffer.from('hello')])),
  );
  await connectWithEarly(socket, { key: 'k', host: 'foo.i2p', port: 80, early: Buffer.from('GET /') });
  t.is(socket.readableFlowing, false);
  socket.end(' HTTP/1.1');
  t.is((await buffer(socket)).toString(), 'hello');
  const first = Buffer.concat([
    Buffer.from('050102', 'hex'),
    Buffer.from('01016b00', 'hex'),
    Buffer.from('0501000307', 'hex'),
    Buffer.from('foo.i2p\0\x50GET /', 'latin1'),
  ]);
  t.deepEqual(reads[0], first);
});

test('without a key there is no login', async (t) => {
  const { socket, reads } = await served(t, (peer) =>
    peer.write(Buffer.concat([Buffer.of(5, 0), socks5Reply(0)])),
  );
  await connectWithEarly(socket, { key: '', host: 'foo.i2p', port: 80 });
  t.is(reads[0]?.subarray(0, 4).toString('hex'), '05010005');
});

for (const [code, refusal] of [
  [STREAM_REFUSALS['lease-set-not-found'], 'lease-set-not-found'],
  [STREAM_REFUSALS.busy, 'busy'],
  [7, undefined],
] as const) {
  test(`reply ${code} is the reason ${refusal}`, async (t) => {
    const { socket } = await served(t, (peer) => peer.end(Buffer.concat([WELCOME, socks5Reply(code)])));
    const dialled = connectWithEarly(socket, { key: 'k', host: 'foo.i2p', port: 80 });
    const error = await t.throwsAsync(dialled, { instanceOf: SocksFailure });
    t.deepEqual(error.detail, { code: 'refused', reply: code, refusal });
    t.notRegex(error.message, /foo/);
  });
}

test('a server that leaves, speaks something else or is not there is an error', async (t) => {
  const dial = { key: 'k', host: 'foo.i2p', port: 80 } as const;
  const left = await served(t, (peer) => peer.end(WELCOME));
  t.is(
    (await t.throwsAsync(connectWithEarly(left.socket, dial), { instanceOf: SocksFailure })).code,
    'closed',
  );
  const odd = await served(t, (peer) => peer.write('HTTP/1.1 400 Bad Request\r\n'));
  t.is(
    (await t.throwsAsync(connectWithEarly(odd.socket, dial), { instanceOf: SocksFailure })).code,
    'malformed',
  );
  const nobody = connect('/nonexistent/allium.sock');
  t.is((await t.throwsAsync(connectWithEarly(nobody, dial), { instanceOf: SocksFailure })).code, 'closed');
});

test('a caller who destroys the socket ends the wait', async (t) => {
  const { socket } = await served(t, () => {});
  const dialled = connectWithEarly(socket, { key: 'k', host: 'foo.i2p', port: 80 });
  setTimeout(() => socket.destroy(), 30);
  t.is((await t.throwsAsync(dialled, { instanceOf: SocksFailure })).code, 'closed');
});

test('BIND tells the name of the service at once, and the visitor when he comes', async (t) => {
  const destination = new Uint8Array(randomBytes(391));
  const known = Promise.withResolvers<string>();
  const { socket, reads } = await served(t, async (peer) => {
    peer.write(Buffer.concat([WELCOME, socks5Reply(0, { kind: 'name', name: 'abc.b32.i2p' })]));
    await known.promise;
    peer.end(Buffer.concat([socks5Reply(0, { kind: 'visitor', destination }, 8080), Buffer.from('GET /')]));
  });
  const visitor = await bindVisitor(socket, { key: 'k', service: 'shop' }, known.resolve);
  t.is(await known.promise, 'abc.b32.i2p');
  t.deepEqual(visitor, { destination, port: 8080 });
  t.is((await buffer(socket)).toString(), 'GET /');
  t.is(reads[0]?.subarray(7).toString('hex'), `0502000304${Buffer.from('shop').toString('hex')}0000`);
});
