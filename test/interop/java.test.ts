/** Both ways between Java I2P and us. Its block list is on and names our Tor exits: it never speaks to us directly. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { type JavaRouter, startJavaRouter } from '../network/java-router.ts';
import type { SitePath } from '../network/site-content.ts';
import { eventually, must } from '../support/eventually.ts';
import { ForwarderProcess } from '../support/forwarder-process.ts';
import { ask, type Door } from '../support/http-client.ts';
import { listenOn, localSite } from '../support/local-services.ts';
import { RouterHome, type RouterProcess } from '../support/router-process.ts';
import { openThroughSocks } from '../support/socks-client.ts';
import { siteFile, testNetwork } from '../support/test-network.ts';

const network = await testNetwork();
const MB = 1_000_000;
/** ms until a reader finds what was published */
const FOUND_DEADLINE_MS = 180_000;
/** ms; Java waits longer for the first bytes of whom it lets in, and lets nobody in whom it blocks */
const LET_IN_MS = 3_000;
/** ms until it has read its block lists */
const BLOCKED_DEADLINE_MS = 180_000;

const home = new RouterHome(network, (folder) => ({
  services: [{ name: 'site', keys: join(folder, 'site.keys') }],
}));
const site = localSite();
let java: JavaRouter;
let router: RouterProcess;
let forwarder: ForwarderProcess;
let ours: string;

test.before('Java I2P and our router get ready', async (t) => {
  t.timeout(600_000);
  const started = Date.now();
  const exits = Object.entries(network.containers).filter(([role]) => /^tor-(exit|authority)/.test(role));
  java = await startJavaRouter(exits.map(([, { address }]) => address));
  t.log(`Java is open after ${Date.now() - started} ms`);
  await listenOn(site.server, join(home.folder, 'site.sock'));
  router = home.start();
  forwarder = await ForwarderProcess.start(home, [
    `allium-service site unix:${join(home.folder, 'site.sock')} http`,
  ]);
  ours = `http://${await router.b32Of('site')}`;
  t.log(`we are ready after ${await router.ready()} ms`);
});
test.after.always(async () => {
  await forwarder?.stop();
  await home.remove();
  await java?.stop();
  site.server.close();
  site.server.closeAllConnections();
});

async function downloads(t: ExecutionContext, door: Door, origin: string): Promise<void> {
  await eventually('the site is found', FOUND_DEADLINE_MS, async () => {
    const { status, sha256 } = await ask(door, `${origin}/`, { deadline: 45_000 });
    must(status === 200 && sha256 === siteFile(network, '/').sha256, `status ${status}`);
  });
  const path: SitePath = '/1m.bin';
  const started = Date.now();
  const { status, bytes, sha256 } = await ask(door, `${origin}${path}`);
  t.deepEqual({ status, bytes, sha256 }, { status: 200, bytes: MB, sha256: siteFile(network, path).sha256 });
  t.log(`${bytes} bytes, ${(bytes / MB / ((Date.now() - started) / 1_000)).toFixed(2)} MB/s`);
}

test.serial('Java reads a page and 1 MB of our site', async (t) => {
  t.timeout(400_000);
  await downloads(t, java.proxy, ours);
});

test.serial('we read a page and 1 MB of a site of Java', async (t) => {
  t.timeout(400_000);
  await downloads(t, forwarder.http, `http://${java.b32}`);
});

test.serial('Java hangs up on our exits, not on others, and all of it still works', async (t) => {
  t.timeout(600_000);
  t.true(await isLetIn(connect(java.ntcp2)), 'from elsewhere');
  const { host, port } = java.ntcp2;
  await eventually('the block list is in force', BLOCKED_DEADLINE_MS, async () => {
    must(!(await isLetIn(await openThroughSocks(network.torSocksPath, host, port))), 'an exit is let in');
  });
  await downloads(t, java.proxy, ours);
  await downloads(t, forwarder.http, `http://${java.b32}`);
});

async function isLetIn(socket: ReturnType<typeof connect>): Promise<boolean> {
  socket.on('error', () => {});
  const hungUp = once(socket.resume(), 'close').then(() => false);
  return await Promise.race([hungUp, sleep(LET_IN_MS, true)]).finally(() => socket.destroy());
}
