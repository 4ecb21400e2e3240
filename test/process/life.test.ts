import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { connectWithEarly, SocksFailure } from '@allium/common/socks/early-client.ts';
import test, { type ExecutionContext } from 'ava';
import { ForwarderProcess } from '../support/forwarder-process.ts';
import { ask } from '../support/http-client.ts';
import { listenOn } from '../support/local-services.ts';
import { RouterHome } from '../support/router-process.ts';

function homeOf(t: ExecutionContext, config?: (folder: string) => object): RouterHome {
  const home = new RouterHome(undefined, config);
  t.teardown(() => home.remove());
  return home;
}

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal} ends the router with code 0 and takes its sockets away`, async (t) => {
    const home = homeOf(t);
    const router = home.start();
    await router.listening();
    const sockets = readdirSync(home.folder).filter((name) => name.endsWith('.sock'));
    t.deepEqual(sockets.sort(), ['health.sock', 'names.sock', 'streams.sock']);
    const started = Date.now();
    router.signal(signal);
    t.is(await router.exit, 0);
    t.true(Date.now() - started < 6_000, `${Date.now() - started} ms`);
    t.deepEqual(
      readdirSync(home.folder).filter((name) => name.endsWith('.sock')),
      [],
    );
    t.is(router.stderr, '');
  });
}

test('SIGTERM ends a router whose doors are in use', async (t) => {
  const home = homeOf(t);
  const router = home.start();
  await router.listening();
  const clients = [home.namesPath, home.streamsPath].map((path) => connect(path));
  // a reset is as good an end as any, so `once`, which fails on one, will not do
  const cut = clients.map((client) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    client
      .on('error', () => {})
      .once('close', () => resolve())
      .resume();
    return promise;
  });
  clients[0]?.write('POST /resolve HT');
  clients[1]?.write(Buffer.of(5));
  await Promise.all(clients.map((client) => once(client, 'connect')));
  router.signal('SIGTERM');
  t.is(await router.exit, 0);
  t.is((await Promise.all(cut)).length, 2);
});

test('a router that hangs on a silent Tor ends in time', async (t) => {
  const home = homeOf(t);
  const silent = createServer((socket) => socket.on('error', () => {}));
  await listenOn(silent, join(home.folder, 'tor.sock'));
  t.teardown(() => silent.close());
  const router = home.start();
  await router.listening();
  router.signal('SIGTERM');
  t.is(await router.exit, 0);
});

test('without tunnels the router says so, the proxy too, and the health socket answers 503', async (t) => {
  const home = homeOf(t);
  const router = home.start();
  await router.listening();
  const host = `${'a'.repeat(52)}.b32.i2p`;
  const asked = connectWithEarly(connect(home.streamsPath), { key: '', host, port: 80 });
  t.like((await t.throwsAsync(asked, { instanceOf: SocksFailure })).detail, { refusal: 'not-ready' });
  const forwarder = await ForwarderProcess.start(home);
  t.teardown(() => forwarder.stop());
  const page = await ask(forwarder.http, `http://${host}/`);
  t.is(page.status, 503);
  t.truthy(page.headers['retry-after']);
  const health = await ask(home.health, 'http://router/health', { direct: true });
  t.is(health.status, 503);
});

test('keys are for their owner only and survive kill -9', async (t) => {
  const home = homeOf(t, (folder) => ({
    services: [{ name: 'site', keys: join(folder, 'keys', 'site.keys') }],
  }));
  mkdirSync(home.dataDir, { mode: 0o700 });
  writeFileSync(join(home.dataDir, 'router.keys'), 'of a former version');
  const first = home.start();
  await first.listening();
  const b32 = await first.b32Of('site');
  const files = [join(home.folder, 'keys', 'site.keys')];
  const keys = files.map((file) => readFileSync(file));
  for (const file of files) t.is(statSync(file).mode & 0o777, 0o600, file);
  t.is(statSync(home.dataDir).mode & 0o777, 0o700);
  t.deepEqual(
    readdirSync(home.dataDir).filter((name) => /key/.test(name)),
    [],
    'the router itself is new at each start',
  );
  await first.kill();
  const second = home.start();
  await second.listening();
  t.is(await second.b32Of('site'), b32);
  t.deepEqual(
    files.map((file) => readFileSync(file)),
    keys,
  );
});

test('a router without a disk for its NetDB lives and counts', async (t) => {
  const home = homeOf(t);
  mkdirSync(join(home.dataDir, 'netdb.sqlite'), { recursive: true });
  const router = home.start();
  await router.listening();
  t.is((await router.status()).store['open-failed'], 1);
});
