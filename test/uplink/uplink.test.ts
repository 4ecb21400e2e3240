import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { LEASE_MS } from '../../services/uplink/connect/lease.ts';
import { Uplink } from '../../services/uplink/host/uplink.ts';

const folder = mkdtempSync(join(tmpdir(), 'allium-uplink-'));
test.after.always(() => rmSync(folder, { recursive: true, force: true }));
let count = 0;

async function uplink(t: ExecutionContext, extra: Partial<ConstructorParameters<typeof Uplink>[0]> = {}) {
  const path = join(folder, `uplink-${count++}.sock`);
  const control = `${path}.control`;
  const service = new Uplink({ listen: { path }, control, allowPrivateAddresses: true, ...extra });
  await service.start();
  t.teardown(() => service.stop());
  return { path, service, control };
}

/** As the supervisor does it: a list, then the lease for it. */
function allow(service: Uplink, ...relays: string[]): void {
  service.renewLease(service.takeRelays(relays.join('\n')));
}

/** A server on loopback that sends back what it gets. */
async function echo(t: ExecutionContext): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, (socket) => socket.on('error', () => {}).pipe(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  return (server.address() as AddressInfo).port;
}

async function open(path: string, target: string): Promise<{ status: number; socket: Socket }> {
  const req = request({ socketPath: path, method: 'CONNECT', path: target, agent: false });
  const answered = Promise.race([once(req, 'connect'), once(req, 'response')]);
  req.end();
  const [res, socket] = (await answered) as [{ statusCode: number }, Socket];
  return { status: res.statusCode, socket };
}

async function post(path: string, url: string, body: string): Promise<{ status: number; body: string }> {
  const req = request({ socketPath: path, path: url, method: 'POST', agent: false });
  req.end(body);
  const [res] = (await once(req, 'response')) as [IncomingMessage];
  return { status: res.statusCode ?? 0, body: await text(res) };
}

test('bytes pass both ways, and a half-closed side still receives', async (t) => {
  const { path, service } = await uplink(t);
  const relay = `127.0.0.1:${await echo(t)}`;
  allow(service, relay);
  const { status, socket } = await open(path, relay);
  t.is(status, 200);
  socket.end('x'.repeat(300_000));
  t.is((await text(socket)).length, 300_000);
  t.is(service.counters.get('connected'), 1);
});

const refused: [string, number, string][] = [
  ['relay.example:443', 403, 'refused-name'],
  ['93.184.216.34', 400, 'refused-malformed'],
];
for (const [target, status, counter] of refused) {
  test(`CONNECT ${target} is answered with ${status} and counted`, async (t) => {
    const { path, service } = await uplink(t);
    allow(service);
    t.is((await open(path, target)).status, status);
    t.is(service.counters.get(counter), 1);
  });
}

test('a private address is refused where the test switch is off', async (t) => {
  const { path, service } = await uplink(t, { allowPrivateAddresses: false });
  const relay = `127.0.0.1:${await echo(t)}`;
  allow(service, relay);
  t.is((await open(path, relay)).status, 403);
  t.is(service.counters.get('refused-reserved'), 1);
});

test('a far end that is not there gives 502', async (t) => {
  const { path, service } = await uplink(t);
  allow(service, '127.0.0.1:1');
  t.is((await open(path, '127.0.0.1:1')).status, 502);
});

test('only CONNECT is served', async (t) => {
  const { path } = await uplink(t);
  const req = request({ socketPath: path, path: 'http://127.0.0.1/', agent: false }).end();
  const [res] = await once(req, 'response');
  t.is(res.statusCode, 405);
});

test('a stranger is cut off without a word', async (t) => {
  const { path, service } = await uplink(t, { client: '127.0.0.9' });
  allow(service, '127.0.0.1:1');
  const socket = connect(path);
  let heard = '';
  socket
    .on('error', () => {})
    .on('data', (bytes) => {
      heard += String(bytes);
    });
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  socket.once('close', () => resolve());
  socket.write('CONNECT 127.0.0.1:1 HTTP/1.1\r\n\r\n');
  await closed;
  t.is(heard, '');
  t.is(service.counters.get('refused-stranger'), 1);
});

test('before the supervisor speaks, and after its lease, nobody is reached and what is open is cut', async (t) => {
  const { path, service } = await uplink(t);
  const relay = `127.0.0.1:${await echo(t)}`;
  t.is((await open(path, relay)).status, 503);
  service.takeRelays(relay);
  t.is((await open(path, relay)).status, 503);
  allow(service, relay);
  const { status, socket } = await open(path, relay);
  t.is(status, 200);
  socket.on('error', () => {});
  const closed = once(socket, 'close');
  service.endLease();
  await closed;
  t.is((await open(path, relay)).status, 503);
  t.is(service.counters.get('refused-closed'), 3);
});

test('a supervisor that is killed closes the uplink within the lease', async (t) => {
  t.timeout(30_000);
  const { path, service } = await uplink(t);
  const relay = `127.0.0.1:${await echo(t)}`;
  const began = performance.now();
  allow(service, relay);
  const { socket } = await open(path, relay);
  socket.on('error', () => {});
  await once(socket, 'close');
  const lasted = performance.now() - began;
  t.true(lasted >= LEASE_MS - 100 && lasted < LEASE_MS + 2_000, `${lasted} ms`);
  t.is((await open(path, relay)).status, 503);
});

test('a lease for another list is not renewed', async (t) => {
  const { service } = await uplink(t);
  const first = service.takeRelays('127.0.0.1:1');
  const second = service.takeRelays('127.0.0.1:2');
  t.false(service.renewLease(first));
  t.true(service.renewLease(second));
});

test('a malformed list closes: what is open is cut and nobody is left on it', async (t) => {
  const { path, service, control } = await uplink(t);
  const relay = `127.0.0.1:${await echo(t)}`;
  allow(service, relay);
  const { socket } = await open(path, relay);
  socket.on('error', () => {});
  const closed = once(socket, 'close');
  const { status, body } = await post(
    control,
    '/relays',
    JSON.stringify({ list: `${relay}\nrelay.example:443\n` }),
  );
  t.is(status, 400);
  t.regex(body, /"relays-malformed"[\s\S]*line 2/);
  await closed;
  t.is((await open(path, relay)).status, 503);
});

test('a relay that is not on the list yet is reached once it is, and refused if it never is', async (t) => {
  t.timeout(30_000);
  const { path, service } = await uplink(t);
  const relay = `127.0.0.1:${await echo(t)}`;
  allow(service, '127.0.0.1:1');
  const waiting = open(path, relay);
  await sleep(300);
  allow(service, '127.0.0.1:2');
  await sleep(300);
  allow(service, '127.0.0.1:2', relay);
  t.is((await waiting).status, 200);
  t.is((await open(path, '127.0.0.1:3')).status, 403);
  t.is(service.counters.get('refused-not-a-relay'), 1);
});

test('the control socket takes lists and leases, and nothing else', async (t) => {
  const { path, control } = await uplink(t);
  const relay = `127.0.0.1:${await echo(t)}`;
  const { status, body } = await post(control, '/relays', JSON.stringify({ list: relay }));
  t.is(status, 200);
  const { relays } = JSON.parse(body) as { relays: string };
  t.is((await post(control, '/lease', JSON.stringify({ relays: '0'.repeat(64) }))).status, 409);
  for (const wrong of ['', '{}', '{"relays":"x"}', JSON.stringify({ relays, forever: true })]) {
    t.is((await post(control, '/lease', wrong)).status, 400);
  }
  t.is((await open(path, relay)).status, 503);
  t.is((await post(control, '/lease', JSON.stringify({ relays }))).status, 200);
  t.is((await open(path, relay)).status, 200);
  t.is((await post(control, '/close', '{}')).status, 200);
  t.is((await open(path, relay)).status, 503);
  t.is((await post(control, '/open', '{}')).status, 404);
});

test('a stop cuts what is open', async (t) => {
  const { path, service } = await uplink(t);
  const relay = `127.0.0.1:${await echo(t)}`;
  allow(service, relay);
  const { socket } = await open(path, relay);
  socket.on('error', () => {});
  const closed = once(socket, 'close');
  await service.stop();
  await closed;
  await t.throwsAsync(once(connect(path), 'connect'));
});
