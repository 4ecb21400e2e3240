import { appendFileSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { eventually, must } from '../support/eventually.ts';
import { ForwarderProcess } from '../support/forwarder-process.ts';
import { type Answer, ask } from '../support/http-client.ts';
import { type HomeOptions, RouterHome } from '../support/router-process.ts';
import { siteFile, testNetwork } from '../support/test-network.ts';

const network = await testNetwork();
const { origin } = network.eepsite;
const SHIFTED_CLOCK = join(import.meta.dirname, '../support/shifted-clock.ts');
/** ms */
const DEADLINE = 90_000;

function homeOf(t: ExecutionContext, config?: (folder: string) => object, options?: HomeOptions): RouterHome {
  const home = new RouterHome(network, config, options);
  t.teardown(() => home.remove());
  return home;
}

/** The page, through a forwarder that lives as long as that takes. */
async function askThrough(home: RouterHome): Promise<Answer> {
  const forwarder = await ForwarderProcess.start(home);
  return await ask(forwarder.http, `${origin}/`).finally(() => forwarder.stop());
}

async function readsThePage(t: ExecutionContext, home: RouterHome): Promise<void> {
  const { status, sha256 } = await askThrough(home);
  t.deepEqual({ status, sha256 }, { status: 200, sha256: siteFile(network, '/').sha256 });
}

test.serial('a router that starts before Tor is ready soon after Tor', async (t) => {
  t.timeout(180_000);
  const socks = 'tor.sock';
  const home = homeOf(t, (folder) => ({ tor: { socks: join(folder, socks) } }));
  const router = home.start();
  const tries = await eventually('Tor is missed', DEADLINE, async () => {
    const { stage, sessions } = await router.status();
    must(stage === 'tor' && (sessions.counters['dial-proxy'] ?? 0) > 0, JSON.stringify(sessions));
    return sessions.counters['dial-proxy'];
  });
  t.log(`${tries} dials without Tor`);
  symlinkSync(network.torSocksPath, join(home.folder, socks));
  t.log(`ready after ${await router.ready()} ms`);
  await readsThePage(t, home);
});

test.serial('a full disk is counted, pages are read, and what waited is written later', async (t) => {
  t.timeout(240_000);
  // a disk that ends with the router's mount namespace
  const mount = 'mount -t tmpfs -o size=640k,mode=700 tmpfs "$0" && exec "$@"';
  const home = homeOf(t, undefined, {
    launcher: (folder) => ['unshare', '--mount', '--', 'sh', '-c', mount, join(folder, 'data')],
  });
  mkdirSync(home.dataDir);
  const router = home.start();
  await router.ready();
  const filler = `/proc/${router.pid}/root${home.dataDir}/filler`;
  await eventually('a write fails', DEADLINE, async () => {
    fill(filler);
    must(((await router.status()).store['write-failed'] ?? 0) > 0, 'no write failed');
  });
  await readsThePage(t, home);
  const { written } = (await router.status()).store;
  rmSync(filler);
  await eventually('what waited is written', DEADLINE, async () => {
    const { store } = await router.status();
    must(store.written !== written, JSON.stringify(store));
  });
});

test.serial('a clock that is 40 s fast is set right by the peers', async (t) => {
  t.timeout(180_000);
  const home = homeOf(t, undefined, wrongClock(40_000));
  const router = home.start();
  await router.ready();
  const correction = await eventually('the clock is corrected', DEADLINE, async () => {
    const { correctionMs } = (await router.status()).clock;
    must(correctionMs !== 0, 'no correction');
    return correctionMs;
  });
  t.true(Math.abs(correction + 40_000) < 1_000, `${correction}`);
  await readsThePage(t, home);
});

test.serial('with a clock that is five minutes fast the router says so and waits', async (t) => {
  t.timeout(180_000);
  const home = homeOf(t, undefined, wrongClock(300_000));
  const router = home.start();
  await eventually('peers refuse the clock', DEADLINE, async () => {
    const { counters } = (await router.status()).sessions;
    must((counters['closed-created-skew'] ?? 0) >= 5, JSON.stringify(counters));
    must(/set its clock/.test(router.stdout), router.stdout);
  });
  const { stage, clock, sessions } = await router.status();
  t.not(stage, 'ready');
  t.is(sessions.counters.established, undefined);
  t.is(clock.correctionMs, 0, 'nothing that a peer did not sign moves the clock');
  t.is((await askThrough(home)).status, 503);
  router.signal('SIGTERM');
  t.is(await router.exit, 0);
});

function wrongClock(shift: number): HomeOptions {
  const env = { NODE_OPTIONS: `--import ${SHIFTED_CLOCK}`, ALLIUM_TEST_CLOCK_SHIFT_MS: `${shift}` };
  return { env };
}

/** Writes until nothing more fits. */
function fill(file: string): void {
  for (const size of [65_536, 4_096, 1]) {
    try {
      for (;;) appendFileSync(file, Buffer.alloc(size));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    }
  }
}
