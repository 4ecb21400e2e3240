import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import test from 'ava';
import { loopbackFor } from '../../../services/forwarder/host/client-address.ts';
import { get, pair } from '../support/fixture.ts';
import { probe, statusOf } from '../support/raw-client.ts';

test('each workstation has an address of the loopback, the same every time', (t) => {
  t.is(loopbackFor('10.152.152.11'), '127.152.152.11');
  t.is(loopbackFor('10.152.191.254'), '127.152.191.254');
  t.is(loopbackFor('10.0.0.0'), '127.0.0.1');
  t.is(loopbackFor('10.255.255.255'), '127.255.255.254');
  t.regex(loopbackFor('fd00::1'), /^127(?:\.\d{1,3}){3}$/);
  t.not(loopbackFor('fd00::1'), loopbackFor('fd00::2'));
  t.is(loopbackFor('fd00::1'), loopbackFor('fd00::1'));
});

test('the kernel lets a client have any of these addresses', async (t) => {
  const server = createServer((socket) => void socket.end(socket.remoteAddress ?? ''));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const { port } = server.address() as { port: number };
  for (const localAddress of ['127.0.0.1', '127.152.152.11', '127.255.255.254']) {
    const socket = connect({ port, host: '127.0.0.1', localAddress });
    t.is(String((await once(socket, 'data'))[0]), localAddress);
    socket.destroy();
  }
});

test('one workstation gets 503 above its 128 connections while another is served', async (t) => {
  const { port, ours } = await pair(t, 'max-client-connections 200\n');
  const held: Socket[] = [];
  t.teardown(() => held.map((socket) => socket.destroy()));
  for (let count = 0; count < 128; count++)
    held.push(connect({ port, host: '127.0.0.1', localAddress: '127.0.0.7' }));
  await Promise.all(held.map((socket) => once(socket, 'connect')));
  const refused = connect({ port, host: '127.0.0.1', localAddress: '127.0.0.7' });
  t.regex(String((await once(refused, 'data'))[0]), /^HTTP\/1\.1 503 Too many open connections/);
  refused.destroy();
  t.is(statusOf(await probe(port, get('http://x.i2p/'))), '200');
  t.is(ours.forwarder.counters.get('too-many-clients'), 1);
});
