/** The forwarder as a process of its own, and the router's own servers, between a browser and a site that break off. */
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { startNamesServer } from '../../services/router/host/client/names-server.ts';
import { ServiceDesk } from '../../services/router/host/client/service-desk.ts';
import { startStreamsServer } from '../../services/router/host/client/streams-server.ts';
import { AddressBook } from '../../services/router/names/address-book.ts';
import { FakeDialer, SITE } from '../router/host/client/fake-i2p.ts';
import { ForwarderProcess } from '../support/forwarder-process.ts';
import { listening, until } from '../support/tcp.ts';

interface Rig {
  readonly forwarder: ForwarderProcess;
  readonly dialer: FakeDialer;
  /** connections of the site, port 80 and 22 */
  readonly site: Socket[];
}

async function rigOf(t: ExecutionContext): Promise<Rig> {
  const folder = mkdtempSync(join(tmpdir(), 'allium-streams-'));
  const home = { streamsPath: join(folder, 'streams.sock'), namesPath: join(folder, 'names.sock') };
  const book = new AddressBook();
  book.setHosts(new Map([['site.i2p', SITE.hash]]));
  const dialer = new FakeDialer();
  const site: Socket[] = [];
  const port = await listening(
    t,
    createServer({ allowHalfOpen: true }, (socket) => void site.push(socket)),
  );
  for (const i2pPort of [80, 22, 2222]) dialer.ports.set(i2pPort, port);
  const desk = new ServiceDesk(() => performance.now());
  const streams = await startStreamsServer({ path: home.streamsPath }, { dialer, names: book, desk });
  const names = await startNamesServer({ path: home.namesPath }, { book, now: Date.now, persist: () => {} });
  const forwarder = await ForwarderProcess.start(home);
  t.teardown(async () => {
    await forwarder.stop();
    await streams.stop();
    await names.stop();
    rmSync(folder, { recursive: true });
  });
  return { forwarder, dialer, site };
}

interface Heard {
  readonly text: string;
  readonly how: 'end' | 'ECONNRESET' | 'other';
}

/** A client that has asked, and what it hears until the connection is over. */
function ask(
  t: ExecutionContext,
  rig: Rig,
  request: string,
): { socket: Socket; heard: Promise<Heard>; text: () => string } {
  const socket = connect({ ...rig.forwarder.http, allowHalfOpen: true });
  t.teardown(() => void socket.destroy());
  const { promise, resolve } = Promise.withResolvers<Heard>();
  let text = '';
  socket.on('data', (bytes) => {
    text += bytes.toString('latin1');
  });
  socket.once('end', () => resolve({ text, how: 'end' }));
  socket.once('error', (error: NodeJS.ErrnoException) =>
    resolve({ text, how: error.code === 'ECONNRESET' ? error.code : 'other' }),
  );
  socket.write(request);
  return { socket, heard: promise, text: () => text };
}

const OLD = 'GET http://site.i2p/ HTTP/1.0\r\nHost: site.i2p\r\n\r\n';
const NEW = 'GET http://site.i2p/ HTTP/1.1\r\nHost: site.i2p\r\n\r\n';
const TUNNEL = 'CONNECT site.i2p:2222 HTTP/1.1\r\nHost: site.i2p:2222\r\n\r\n';
/** Neither length nor chunks: the end of the stream is the body's. */
const ANSWER = 'HTTP/1.1 200 OK\r\n\r\nthe first half';

/** The request is at the site, and its answer at the client. */
async function answered(
  t: ExecutionContext,
  rig: Rig,
  request: string,
): Promise<ReturnType<typeof ask> & { far: Socket }> {
  const client = ask(t, rig, request);
  await until(t, () => rig.site.length > 0);
  const far = rig.site[0] as Socket;
  far.on('error', () => {});
  far.resume();
  far.write(ANSWER);
  await until(
    t,
    () => client.text().endsWith('the first half') || client.text().endsWith('the first half\r\n'),
  );
  return { ...client, far };
}

test('a body without a length that breaks off is a reset for a browser of HTTP/1.0', async (t) => {
  const rig = await rigOf(t);
  const { heard, far } = await answered(t, rig, OLD);
  far.resetAndDestroy();
  t.is((await heard).how, 'ECONNRESET');
});

test('a body without a length that ends is whole for a browser of HTTP/1.0', async (t) => {
  const rig = await rigOf(t);
  const { heard, far } = await answered(t, rig, OLD);
  far.end(', the other half');
  const { text, how } = await heard;
  t.is(how, 'end');
  t.true(text.endsWith('\r\n\r\nthe first half, the other half'));
});

test('in chunks, only a body that has ended has a last one', async (t) => {
  const rig = await rigOf(t);
  const broken = await answered(t, rig, NEW);
  broken.far.resetAndDestroy();
  t.notRegex((await broken.heard).text, /\r\n0\r\n\r\n$/);
  rig.site.length = 0;
  const whole = await answered(t, rig, NEW.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
  whole.far.end();
  t.regex((await whole.heard).text, /the first half\r\n0\r\n\r\n$/);
});

test('a tunnel that the site resets is reset, and one that it ends is ended', async (t) => {
  const rig = await rigOf(t);
  const broken = await answered(t, rig, TUNNEL);
  broken.far.resetAndDestroy();
  t.is((await broken.heard).how, 'ECONNRESET');
  rig.site.length = 0;
  const whole = await answered(t, rig, TUNNEL);
  whole.far.end();
  t.is((await whole.heard).how, 'end');
});

test('a client of a tunnel that has spoken to its end still hears the site', async (t) => {
  const rig = await rigOf(t);
  const { socket, heard, far } = await answered(t, rig, TUNNEL);
  const spoken = Promise.withResolvers<void>();
  far.once('end', () => spoken.resolve());
  socket.end('all that I have to say');
  await spoken.promise;
  far.end('; the answer');
  const { text, how } = await heard;
  t.is(how, 'end');
  t.true(text.endsWith('the first half; the answer'));
});

for (const [what, request] of [
  ['a page', NEW],
  ['a tunnel', TUNNEL],
] as const)
  test(`a client of ${what} that goes frees the stream at once, with nothing said by the site`, async (t) => {
    const rig = await rigOf(t);
    const { socket } = await answered(t, rig, request);
    // Of a tunnel, a plain close could be a half one.
    if (request === TUNNEL) socket.resetAndDestroy();
    else socket.destroy();
    await until(t, () => rig.dialer.streams[0]?.destroyed === true, 3_000);
  });
