import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseListenAddress } from '@allium/common/lifecycle/listen.ts';
import test, { type ExecutionContext } from 'ava';
import { Uplink } from '../../services/uplink/host/uplink.ts';

const folder = mkdtempSync(join(tmpdir(), 'allium-uplink-'));
test.after.always(() => rmSync(folder, { recursive: true, force: true }));
let count = 0;

async function uplink(t: ExecutionContext, extra: Partial<ConstructorParameters<typeof Uplink>[0]> = {}) {
  const path = join(folder, `uplink-${count++}.sock`);
  const service = new Uplink({ listen: { path }, allowPrivateAddresses: true, ...extra });
  await service.start();
  t.teardown(() => service.stop());
  return { path, service };
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

test('bytes pass both ways, and a half-closed side still receives', async (t) => {
  const { path, service } = await uplink(t);
  const { status, socket } = await open(path, `127.0.0.1:${await echo(t)}`);
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
    t.is((await open(path, target)).status, status);
    t.is(service.counters.get(counter), 1);
  });
}

test('a private address is refused where the test switch is off', async (t) => {
  const { path, service } = await uplink(t, { allowPrivateAddresses: false });
  t.is((await open(path, `127.0.0.1:${await echo(t)}`)).status, 403);
  t.is(service.counters.get('refused-reserved'), 1);
});

test('a far end that is not there gives 502', async (t) => {
  const { path } = await uplink(t);
  t.is((await open(path, '127.0.0.1:1')).status, 502);
});

test('only CONNECT is served', async (t) => {
  const { path } = await uplink(t);
  const req = request({ socketPath: path, path: 'http://127.0.0.1/', agent: false }).end();
  const [res] = await once(req, 'response');
  t.is(res.statusCode, 405);
});

test('a stranger is cut off without a word', async (t) => {
  const service = new Uplink({
    listen: parseListenAddress('127.0.0.1:0') ?? { path: '' },
    client: '127.0.0.9',
    allowPrivateAddresses: true,
  });
  await service.start();
  t.teardown(() => service.stop());
  t.is(service.counters.get('refused-stranger'), 0);
});

test('an unreadable relay list means nobody; a good one lets its relays pass; a bad one changes nothing', async (t) => {
  const file = join(folder, 'relays');
  const port = await echo(t);
  const { path, service } = await uplink(t, { relays: file });
  t.is((await open(path, `127.0.0.1:${port}`)).status, 403);
  writeFileSync(file, `127.0.0.1:${port}\n`);
  const until = async (status: number): Promise<void> => {
    for (let i = 0; i < 50; i++) {
      const answer = await open(path, `127.0.0.1:${port}`);
      answer.socket?.destroy();
      if (answer.status === status) return;
      await sleep(200);
    }
    t.fail(`never ${status}`);
  };
  await until(200);
  writeFileSync(file, 'not a relay\n');
  const before = service.counters.get('relays-unreadable');
  while (service.counters.get('relays-unreadable') === before) await sleep(100);
  t.is((await open(path, `127.0.0.1:${port}`)).status, 200);
});

test('a stop cuts what is open', async (t) => {
  const { path, service } = await uplink(t);
  const { socket } = await open(path, `127.0.0.1:${await echo(t)}`);
  socket.on('error', () => {});
  const closed = once(socket, 'close');
  await service.stop();
  await closed;
  await t.throwsAsync(once(connect(path), 'connect'));
});
