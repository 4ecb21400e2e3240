import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { toBase32, toBase64 } from '@allium/common/bytes/text.ts';
import test, { type ExecutionContext } from 'ava';
import { docker } from '../network/docker.ts';
import { type SitePath, siteBytes } from '../network/site-content.ts';
import { ForwarderProcess } from '../support/forwarder-process.ts';
import { type Asking, ask } from '../support/http-client.ts';
import { RouterHome, type RouterProcess } from '../support/router-process.ts';
import { openThroughSocks } from '../support/socks-client.ts';
import { siteFile, testNetwork } from '../support/test-network.ts';

const network = await testNetwork();
const { origin, b32 } = network.eepsite;
/** A name that only the hosts file knows. */
const NAME = 'eepsite.i2p';
const MB = 1_000_000;
/** After 20 downloads at once and 100 MB in all; about 110 here. */
const MEMORY_LIMIT_MB = 256;

const home = new RouterHome(network, (folder) => ({ hosts: join(folder, 'hosts.txt') }));
let router: RouterProcess;
let forwarder: ForwarderProcess;

test.before('the router gets ready', async (t) => {
  t.timeout(150_000);
  writeFileSync(join(home.folder, 'hosts.txt'), `${NAME}=${await eepsiteDestination()}\n`);
  router = home.start();
  forwarder = await ForwarderProcess.start(home);
  t.log(`ready after ${await router.ready()} ms`);
});
test.after.always(async () => {
  await forwarder?.stop();
  await home.remove();
});

const read = (path: string, asking?: Asking) => ask(forwarder.http, `${origin}${path}`, asking);

async function downloads(t: ExecutionContext, path: SitePath): Promise<void> {
  const started = Date.now();
  const { status, bytes, sha256 } = await read(path);
  const { sha256: whole, bytes: size } = siteFile(network, path);
  t.deepEqual({ status, bytes, sha256 }, { status: 200, bytes: size, sha256: whole });
  const seconds = (Date.now() - started) / 1000;
  t.log(`${bytes} bytes in ${seconds} s, ${(bytes / MB / seconds).toFixed(2)} MB/s`);
}

test.serial('the page of an i2pd eepsite arrives', downloads, '/');
test.serial('1 MB from i2pd arrives whole', downloads, '/1m.bin');
test.serial('10 MB from i2pd arrive whole', downloads, '/10m.bin');
test.serial('50 MB from i2pd arrive whole', async (t) => {
  t.timeout(180_000);
  await downloads(t, '/50m.bin');
});

test.serial('20 downloads at once arrive whole', async (t) => {
  t.timeout(180_000);
  const all = await Promise.all(Array.from({ length: 20 }, () => read('/1m.bin')));
  const { sha256 } = siteFile(network, '/1m.bin');
  t.deepEqual(
    all.map((answer) => answer.sha256),
    all.map(() => sha256),
  );
});

test.serial('HEAD brings the length and no body', async (t) => {
  const { status, headers, bytes } = await read('/10m.bin', { method: 'HEAD' });
  t.like({ status, bytes, length: headers['content-length'] }, { status: 200, bytes: 0, length: '10000000' });
});

test.serial('a range brings these bytes and no others', async (t) => {
  const { status, headers, sha256 } = await read('/1m.bin', { headers: { range: 'bytes=4096-69631' } });
  t.is(status, 206);
  t.is(headers['content-range'], 'bytes 4096-69631/1000000');
  t.is(sha256, digest(siteBytes('/1m.bin').subarray(4_096, 69_632)));
});

test.serial('a page that the site does not have is its own 404', async (t) => {
  t.is((await read('/none')).status, 404);
});

test.serial('a destination that nobody has published is a 504 page', async (t) => {
  t.timeout(150_000);
  const { status, text } = await ask(forwarder.http, `http://${unpublishedName()}/`);
  t.is(status, 504);
  t.regex(text, /<title>/);
});

test.serial('the clearnet is refused', async (t) => {
  for (const url of [network.clearnet.url, 'http://127.0.0.1/', 'http://localhost/', 'http://[::1]/']) {
    t.is((await ask(forwarder.http, url)).status, 403, url);
  }
});

test.serial('a name of the hosts file leads to the site, and other names nowhere', async (t) => {
  t.is((await ask(forwarder.http, `http://${NAME}/`)).sha256, siteFile(network, '/').sha256);
  t.is((await ask(forwarder.http, 'http://nobody-knows.i2p/')).status, 404);
});

test.serial('SOCKS leads to the site by Base32 name and by the name of the hosts file', async (t) => {
  for (const name of [b32, NAME]) {
    const socket = await openThroughSocks(home.streamsPath, name, 80);
    t.is((await ask({ socket }, `${origin}/1m.bin`)).sha256, siteFile(network, '/1m.bin').sha256);
  }
  await t.throwsAsync(openThroughSocks(home.streamsPath, 'nobody-knows.i2p', 80));
  await t.throwsAsync(openThroughSocks(home.streamsPath, '10.192.0.2', 80));
});

test.serial('curl reads through socks5h on the Unix socket', async (t) => {
  const run = promisify(execFile);
  const line = [
    '-q',
    '-sS',
    '--max-time',
    '60',
    '-x',
    `socks5h://localhost${home.streamsPath}`,
    `${origin}/`,
  ];
  const got = await run('curl', line);
  t.is(digest(Buffer.from(got.stdout)), siteFile(network, '/').sha256);
});

test.serial('neither status nor log nor terminal tells who was read and through whom', async (t) => {
  const told = { status: await router.statusText(), log: router.stderr, terminal: router.stdout };
  t.regex(told.status, /"established": \d+/);
  t.regex(told.log, /"msg":/);
  for (const [where, text] of Object.entries(told)) {
    t.notRegex(text, /[a-z2-7]{52}/, `${where}: Base32`);
    t.notRegex(text, /[A-Za-z0-9~-]{43}=/, `${where}: Base64`);
    t.notRegex(text, /\.i2p|\.test/, `${where}: a name`);
    t.notRegex(text, /\d+\.\d+\.\d+\.\d+|[0-9a-f]*::/, `${where}: an address`);
  }
});

test.serial('SIGTERM in the middle of a download ends the router in time', async (t) => {
  const { promise: begun, resolve } = Promise.withResolvers<number>();
  const cut = t.throwsAsync(read('/50m.bin', { progress: resolve }));
  await begun;
  t.log(`${peakMemory(router.pid)} MB at most in memory`);
  t.true(peakMemory(router.pid) < MEMORY_LIMIT_MB);
  const started = Date.now();
  router.signal('SIGTERM');
  t.is(await router.exit, 0);
  t.true(Date.now() - started < 8_000, `${Date.now() - started} ms`);
  await cut;
  t.deepEqual(
    readdirSync(home.folder).filter((name) => name.endsWith('.sock')),
    [],
  );
});

/** MB of resident memory, the most since the start (proc(5): VmHWM). */
function peakMemory(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Math.round(Number(/VmHWM:\s*(\d+) kB/.exec(status)?.[1]) / 1_000);
}

/** The eepsite's Destination in I2P's Base64, from the start of its key file (common structures: KeysAndCert). */
async function eepsiteDestination(): Promise<string> {
  const { name } = network.containers['i2pd-eepsite'];
  const text = await docker('exec', name, 'base64', '-w0', '/var/lib/i2pd/eepsite.dat');
  const keys = Buffer.from(text, 'base64');
  return toBase64(keys.subarray(0, 387 + keys.readUInt16BE(385)));
}

function unpublishedName(): string {
  return `${toBase32(randomBytes(32))}.b32.i2p`;
}

function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
