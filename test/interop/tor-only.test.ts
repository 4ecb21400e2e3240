import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { eventually, must } from '../support/eventually.ts';
import { ForwarderProcess } from '../support/forwarder-process.ts';
import { ask } from '../support/http-client.ts';
import { listenOn, localSite } from '../support/local-services.ts';
import { RouterHome, type RouterProcess } from '../support/router-process.ts';
import { siteFile, testNetwork } from '../support/test-network.ts';

const network = await testNetwork();
/** ms until a reader finds what was published. */
const FOUND_DEADLINE_MS = 120_000;

// A network namespace of its own: Tor's Unix socket is all that leads out of it.
const home = new RouterHome(
  network,
  (folder) => ({
    services: [{ name: 'site', keys: join(folder, 'site.keys') }],
  }),
  { launcher: () => ['unshare', '--net', '--'] },
);
const site = localSite();
let router: RouterProcess;
let forwarder: ForwarderProcess;

test.before('a router without any network gets ready', async (t) => {
  t.timeout(150_000);
  await listenOn(site.server, join(home.folder, 'site.sock'));
  router = home.start();
  forwarder = await ForwarderProcess.start(home, [
    `allium-service site unix:${join(home.folder, 'site.sock')} http`,
  ]);
  t.log(`ready after ${await router.ready()} ms`);
});
test.after.always(async () => {
  await forwarder?.stop();
  await home.remove();
  site.server.close();
  site.server.closeAllConnections();
});

test.serial('a router with Tor as its only way out reads a site', async (t) => {
  const { sha256 } = await ask(forwarder.http, `${network.eepsite.origin}/1m.bin`);
  t.is(sha256, siteFile(network, '/1m.bin').sha256);
});

test.serial('a router with Tor as its only way out is read', async (t) => {
  t.timeout(180_000);
  const url = `http://${await router.b32Of('site')}/1m.bin`;
  const { sha256 } = await eventually('the reader finds the site', FOUND_DEADLINE_MS, async () => {
    const answer = await ask(network.readerProxy, url, { deadline: 60_000 });
    must(answer.status === 200, `status ${answer.status}`);
    return answer;
  });
  t.is(sha256, siteFile(network, '/1m.bin').sha256);
});

test.serial('that router had no network but the one that leads nowhere', (t) => {
  const devices = procFile('net/dev')
    .split('\n')
    .flatMap((line) => /^\s*(\S+):\s*(\d+)/.exec(line)?.slice(1, 3) ?? []);
  t.deepEqual(devices, ['lo', '0'], 'the only device, and no byte came through it');
  for (const table of ['tcp', 'tcp6', 'udp', 'udp6', 'raw', 'raw6']) {
    t.is(procFile(`net/${table}`).trim().split('\n').length, 1, `${table} has a heading and no socket`);
  }
});

function procFile(name: string): string {
  return readFileSync(`/proc/${router.pid}/${name}`, 'latin1');
}
