import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { restart, start, stop } from '../network/network.ts';
import type { SitePath } from '../network/site-content.ts';
import { eventually, must } from '../support/eventually.ts';
import { ForwarderProcess } from '../support/forwarder-process.ts';
import { type Answer, ask, type Door } from '../support/http-client.ts';
import { listenOn, localSite } from '../support/local-services.ts';
import { RouterHome, type RouterProcess } from '../support/router-process.ts';
import { siteFile, testNetwork } from '../support/test-network.ts';

const network = await testNetwork();
const { origin } = network.eepsite;
const MB = 1_000_000;
/** ms after a fault until everything works as before: old leases end after 10 minutes, nobody should wait for that. */
const RECOVERY_DEADLINE_MS = 180_000;
/** ms for one try of a page */
const TRY_MS = 30_000;

const home = new RouterHome(network, (folder) => ({
  services: [{ name: 'site', keys: join(folder, 'site.keys') }],
}));
const site = localSite();
let router: RouterProcess;
let forwarder: ForwarderProcess;
let ours: string;

test.before('the router gets ready and the reader finds the site', async (t) => {
  t.timeout(300_000);
  await listenOn(site.server, join(home.folder, 'site.sock'));
  router = home.start();
  forwarder = await ForwarderProcess.start(home, [
    `allium-service site unix:${join(home.folder, 'site.sock')} http`,
  ]);
  ours = `http://${await router.b32Of('site')}/`;
  await router.ready();
  await recovers(t, 'the reader reads our site', network.readerProxy, ours);
});
test.after.always(async (t) => {
  t.timeout(300_000);
  await forwarder?.stop();
  await home.remove();
  site.server.close();
  site.server.closeAllConnections();
  // whoever comes next should find the network as it was; how long two i2pd take for that is not ours to judge
  await recovers(t, 'the eepsite is read by i2pd', network.readerProxy, `${origin}/`).catch((error) => {
    t.log(String(error));
  });
});

const DYING = ['i2pd-peer-8', 'i2pd-peer-9', 'i2pd-peer-10', 'i2pd-peer-11'] as const;
test.serial('when four of the peers die a download goes on, or breaks and can be begun again', async (t) => {
  t.timeout(400_000);
  const download = await midway('/50m.bin', 5 * MB);
  t.teardown(() => Promise.all(DYING.map(start)));
  await Promise.all(DYING.map(stop));
  const started = Date.now();
  const end = await download.end;
  // the i2pd that sends gives a stream up after some resends; ours does not decide that
  if (!(end instanceof Error)) t.deepEqual(end, whole('/50m.bin'));
  t.log(`${end instanceof Error ? 'broke' : 'whole'} after ${Date.now() - started} ms`);
  await recovers(t, 'the page', forwarder.http, `${origin}/`);
  t.deepEqual(await read('/10m.bin'), whole('/10m.bin'));
});

test.serial('a site whose web server is away is an error page until it is back', async (t) => {
  t.timeout(300_000);
  await stop('site');
  try {
    // i2pd closes such a stream and forgets it: if that is lost in a tunnel of the peers above, nobody says it again
    await eventually('an error page', RECOVERY_DEADLINE_MS, async () => {
      const { status } = await ask(forwarder.http, `${origin}/`, { deadline: TRY_MS });
      must(status >= 500, `status ${status}`);
    });
    t.pass();
  } finally {
    await start('site');
  }
  await recovers(t, 'the page', forwarder.http, `${origin}/`);
});

test.serial("after a restart of the site's router it is read again", async (t) => {
  t.timeout(400_000);
  const download = await midway('/50m.bin', 5 * MB);
  await restart('i2pd-eepsite');
  await recovers(t, 'the page', forwarder.http, `${origin}/`);
  t.deepEqual(await read('/10m.bin'), whole('/10m.bin'));
  download.abandon();
});

test.serial('after a restart of Tor the router works again by itself', async (t) => {
  t.timeout(400_000);
  const download = await midway('/50m.bin', 5 * MB);
  const before = (await router.status()).sessions.counters.established ?? 0;
  await restart('tor-client');
  await eventually('the router has new sessions', RECOVERY_DEADLINE_MS, async () => {
    const { sessions } = await router.status();
    must(sessions.connected > 0 && (sessions.counters.established ?? 0) > before, JSON.stringify(sessions));
  });
  await recovers(t, 'the page', forwarder.http, `${origin}/`);
  t.deepEqual(await read('/10m.bin'), whole('/10m.bin'));
  await recovers(t, 'our site', network.readerProxy, ours);
  download.abandon();
});

test.serial('after kill -9 the router is back with its site and at once', async (t) => {
  t.timeout(400_000);
  const keyFiles = [join(home.folder, 'site.keys')];
  const keys = keyFiles.map((file) => readFileSync(file));
  const { netdb } = await router.status();
  const download = await midway('/50m.bin', 5 * MB);
  await router.kill();
  router = home.start();
  t.log(`ready after ${await router.ready()} ms`);
  t.deepEqual(
    keyFiles.map((file) => readFileSync(file)),
    keys,
  );
  const { counters } = (await router.status()).netdb;
  t.is(counters['load-added'], netdb.routers, 'all routers were read back from disk');
  await recovers(t, 'the page', forwarder.http, `${origin}/`);
  t.deepEqual(await read('/10m.bin'), whole('/10m.bin'));
  t.is(`http://${await router.b32Of('site')}/`, ours);
  // the reader holds our LeaseSet of before until its leases end, which nobody can help; this i2pd has never asked
  await recovers(t, 'our site', network.i2pdClientProxy, ours);
  download.abandon();
});

interface Body {
  readonly status: number;
  readonly bytes: number;
  readonly sha256: string;
}

function whole(path: SitePath): Body {
  const { bytes, sha256 } = siteFile(network, path);
  return { status: 200, bytes, sha256 };
}

async function read(path: string): Promise<Body> {
  const { status, bytes, sha256 } = await ask(forwarder.http, `${origin}${path}`);
  return { status, bytes, sha256 };
}

/** Starts a download and resolves when so many bytes of it are there. Throws when it ends before. */
async function midway(
  path: string,
  bytes: number,
): Promise<{ readonly end: Promise<Body | Error>; readonly abandon: () => void }> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const stopping = new AbortController();
  const progress = (sum: number): void => {
    if (sum >= bytes) resolve();
  };
  const end = ask(forwarder.http, `${origin}${path}`, {
    progress,
    deadline: 300_000,
    signal: stopping.signal,
  }).then(
    ({ status, bytes: all, sha256 }: Answer) => ({ status, bytes: all, sha256 }),
    (error: Error) => error,
  );
  void end.then((got) => reject(new Error(`the download ended early: ${JSON.stringify(got)}`)));
  await promise;
  return { end, abandon: () => stopping.abort() };
}

async function recovers(t: ExecutionContext, what: string, door: Door, url: string): Promise<void> {
  const started = Date.now();
  await eventually(`${what} is there`, RECOVERY_DEADLINE_MS, async () => {
    const { status } = await ask(door, url, { deadline: TRY_MS });
    must(status === 200, `status ${status}`);
  });
  t.log(`${what} after ${Date.now() - started} ms`);
}
