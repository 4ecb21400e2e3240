import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { endpoint } from '../network/layout.ts';
import { type SitePath, siteBytes } from '../network/site-content.ts';
import { eventually, must } from '../support/eventually.ts';
import { ForwarderProcess } from '../support/forwarder-process.ts';
import { type Answer, type Asking, ask } from '../support/http-client.ts';
import { ECHO_TRAILER, echoService, listenOn, localSite } from '../support/local-services.ts';
import { RouterHome, type RouterProcess } from '../support/router-process.ts';
import { openThroughSocks } from '../support/socks-client.ts';
import { siteFile, testNetwork } from '../support/test-network.ts';

const network = await testNetwork();
const readerSocks = endpoint('i2pd-reader', 'socksProxy');
const MB = 1_000_000;
const ECHO_SIZE = 5 * MB;
/** ms until a reader finds what was published: i2pd asks again only after a while when it asked too early. */
const FOUND_DEADLINE_MS = 120_000;

const home = new RouterHome(network, (folder) => ({
  services: ['site', 'echo', 'closed'].map((name) => ({ name, keys: join(folder, `${name}.keys`) })),
}));
const site = localSite();
const echo = echoService(ECHO_SIZE);
let router: RouterProcess;
let forwarder: ForwarderProcess;
let origin: string;

test.before('the router gets ready and the reader finds the site', async (t) => {
  t.timeout(300_000);
  await listenOn(site.server, join(home.folder, 'site.sock'));
  await listenOn(echo, join(home.folder, 'echo.sock'));
  router = home.start();
  forwarder = await ForwarderProcess.start(home, [
    `allium-service site unix:${join(home.folder, 'site.sock')} http`,
    `allium-service echo unix:${join(home.folder, 'echo.sock')} tcp`,
    `allium-service closed unix:${join(home.folder, 'closed.sock')} http`,
  ]);
  origin = `http://${await router.b32Of('site')}`;
  t.log(`ready after ${await router.ready()} ms`);
  const started = Date.now();
  await eventually('the reader finds the site', FOUND_DEADLINE_MS, async () => {
    const { status } = await read('/', { deadline: 30_000 });
    must(status === 200, `status ${status}`);
  });
  t.log(`found after ${Date.now() - started} ms`);
});
test.after.always(async () => {
  await forwarder?.stop();
  await home.remove();
  site.server.close();
  site.server.closeAllConnections();
  echo.close();
});

/** Asks the HTTP proxy of i2pd, once: a stream that breaks is a finding. */
async function read(path: string, asking?: Asking): Promise<Answer> {
  return await ask(network.readerProxy, `${origin}${path}`, asking);
}

async function downloads(t: ExecutionContext, path: SitePath): Promise<void> {
  const started = Date.now();
  const { status, bytes, sha256 } = await read(path);
  const { sha256: whole, bytes: size } = siteFile(network, path);
  t.deepEqual({ status, bytes, sha256 }, { status: 200, bytes: size, sha256: whole });
  const seconds = (Date.now() - started) / 1000;
  t.log(`${bytes} bytes in ${seconds} s, ${(bytes / MB / seconds).toFixed(2)} MB/s`);
}

test.serial('i2pd reads the page of our site', downloads, '/');
test.serial('i2pd reads 10 MB of our site whole', downloads, '/10m.bin');
test.serial('i2pd reads 50 MB of our site whole', async (t) => {
  t.timeout(180_000);
  await downloads(t, '/50m.bin');
});

test.serial('i2pd reads 20 files of our site at once', async (t) => {
  t.timeout(180_000);
  const all = await Promise.all(Array.from({ length: 20 }, () => read('/1m.bin')));
  const { sha256 } = siteFile(network, '/1m.bin');
  t.deepEqual(
    all.map((answer) => answer.sha256),
    all.map(() => sha256),
  );
});

test.serial('a POST of 5 MB from i2pd arrives whole', async (t) => {
  const body = siteBytes('/10m.bin').subarray(0, 5 * MB);
  const { status, text } = await read('/upload', {
    method: 'POST',
    body,
    headers: { 'content-length': `${body.length}` },
  });
  t.is(status, 200);
  t.is(text, digest(body));
});

test.serial('our site learns who visits, and a visitor cannot forge it', async (t) => {
  const forged = {
    'X-I2P-DestB32': 'forged',
    'X-I2P-DestB64': 'forged',
    'X-I2P-DestHash': 'forged',
    X_I2P_DestHash: 'forged',
    'X-Other': 'passes',
  };
  await read('/who', { headers: forged });
  const visit = site.visits.find(({ url }) => url === '/who');
  t.truthy(visit);
  const { headers = {}, names = [] } = visit ?? {};
  t.regex(String(headers['x-i2p-destb32']), /^[a-z2-7]{52}\.b32\.i2p$/);
  t.regex(String(headers['x-i2p-desthash']), /^[A-Za-z0-9~-]{43}=$/);
  t.regex(String(headers['x-i2p-destb64']), /^[A-Za-z0-9~-]{516,}=*$/);
  t.deepEqual(
    names
      .map((name) => name.toLowerCase().replaceAll('_', '-'))
      .filter((name) => name.startsWith('x-i2p'))
      .sort(),
    ['x-i2p-destb32', 'x-i2p-destb64', 'x-i2p-desthash'],
  );
  t.is(headers['x-other'], 'passes');
  t.is(headers.host, new URL(origin).host);
});

test.serial('a site whose web server is away answers with an error', async (t) => {
  const b32 = await router.b32Of('closed');
  await eventually('the reader gets an error of the site', FOUND_DEADLINE_MS, async () => {
    const { status } = await ask(network.readerProxy, `http://${b32}/`, { deadline: 30_000 });
    must(status === 502 || status === 503, `status ${status}`);
  });
  t.pass();
});

test.serial('5 MB pass both ways at once through SOCKS of i2pd and our TCP service', async (t) => {
  const body = siteBytes('/10m.bin').subarray(0, ECHO_SIZE);
  const socket = await openEcho();
  const answer = socket.toArray() as Promise<Buffer[]>;
  for (const slice of slices(body)) if (!socket.write(slice)) await once(socket, 'drain');
  const all = Buffer.concat(await answer);
  t.is(all.length, body.length + ECHO_TRAILER, 'the echo and its hash');
  t.is(all.subarray(body.length).toString('hex'), digest(body), 'what our side received');
  t.is(digest(all.subarray(0, body.length)), digest(body), 'what came back');
});

async function openEcho(): Promise<Socket> {
  const b32 = await router.b32Of('echo');
  return await eventually('the reader opens the TCP service', FOUND_DEADLINE_MS, () =>
    openThroughSocks(readerSocks, b32, 7),
  );
}

function* slices(body: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < body.length; at += 65_536) yield body.subarray(at, at + 65_536);
}

function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
