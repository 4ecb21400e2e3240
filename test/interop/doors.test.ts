import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createLogger } from '@allium/common/observe/logger.ts';
import test from 'ava';
import { type Forwarder, startForwarder } from '../../services/forwarder/host/forwarder.ts';
import { loadRules } from '../../services/forwarder/host/load.ts';
import { freePort } from '../support/free-port.ts';
import { RouterHome } from '../support/router-process.ts';
import { siteFile, testNetwork } from '../support/test-network.ts';

const network = await testNetwork();
const { origin, b32 } = network.eepsite;
const home = new RouterHome(network);
const folder = mkdtempSync(join(tmpdir(), 'allium-doors-'));
/** As in the image, but for the addresses. */
const PORTS = { http: await freePort(), split: await freePort(), i2p: await freePort() };
let forwarder: Forwarder;

test.before('router and forwarder get ready', async (t) => {
  t.timeout(150_000);
  t.log(`ready after ${await home.start().ready()} ms`);
  const tor = `unix:${network.torSocksPath}`;
  writeFileSync(
    join(folder, 'config'),
    [
      `listen-address 127.0.0.1:${PORTS.http}`,
      `allium-router unix:${home.streamsPath} unix:${home.namesPath}`,
      `allium-socks 127.0.0.1:${PORTS.split} ${tor}`,
      `allium-socks 127.0.0.1:${PORTS.i2p} .`,
      `forward-socks5t / ${tor} .`,
      'forward .i2p 127.0.0.1:4444',
      'socket-timeout 180',
      '',
    ].join('\n'),
  );
  const logger = createLogger('forwarder', 'silent');
  forwarder = await startForwarder({ loaded: loadRules(join(folder, 'config')), logger });
});
test.after.always(async () => {
  await forwarder?.stop();
  await home.remove();
  rmSync(folder, { recursive: true, force: true });
});

/** What curl got: exit code, SHA-256 and length of the body. */
async function curl(
  ...args: string[]
): Promise<{ code: number; sha256: string; text: string; bytes: number }> {
  const options = { encoding: 'buffer', maxBuffer: 64 << 20 } as const;
  const done = await promisify(execFile)('curl', ['-q', '-s', '--max-time', '90', ...args], options).then(
    ({ stdout }) => ({ code: 0, stdout }),
    (error: { code: number; stdout: Buffer }) => error,
  );
  const sha256 = createHash('sha256').update(done.stdout).digest('hex');
  return {
    code: done.code,
    sha256,
    text: done.stdout.toString('latin1', 0, 2_000),
    bytes: done.stdout.length,
  };
}

/** Targets of all streams that Tor takes from now on. */
function watchTor(): { readonly text: () => string; readonly end: () => void } {
  const socket = connect(network.torControlPath);
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
  });
  socket.write('AUTHENTICATE\r\nSETEVENTS STREAM\r\n');
  return { text: () => text, end: () => socket.destroy() };
}

for (const [title, port, scheme, login] of [
  ['the split door, with a login as Tor Browser has one', PORTS.split, 'socks5h', 'site.i2p:secret@'],
  ['the split door by SOCKS 4a', PORTS.split, 'socks4a', ''],
  ['the door for I2P', PORTS.i2p, 'socks5h', ''],
] as const) {
  test.serial(`an I2P site through ${title}: a page and 1 MB`, async (t) => {
    t.timeout(240_000);
    const proxy = ['--proxy', `${scheme}://${login}127.0.0.1:${port}`];
    for (const path of ['/', '/1m.bin'] as const) {
      const got = await curl(...proxy, `${origin}${path}`);
      const { sha256, bytes } = siteFile(network, path);
      t.like(got, { code: 0, sha256, bytes });
    }
  });
}

test.serial('a clearnet page through the split door, and no I2P name at Tor', async (t) => {
  t.timeout(240_000);
  const watch = watchTor();
  t.teardown(watch.end);
  const proxy = ['--proxy', `socks5h://first.example:pw@127.0.0.1:${PORTS.split}`];
  t.true((await curl(...proxy, network.clearnet.url)).text.includes(network.clearnet.text));
  t.is((await curl(...proxy, `${origin.toUpperCase().replace('HTTP', 'http')}./`)).code, 0);
  t.regex(watch.text(), /clearnet\.test:8080 .*SOCKS_USERNAME="first\.example" SOCKS_PASSWORD="pw"/);
  t.notRegex(watch.text(), new RegExp(`i2p|${b32}`, 'i'));
});

test.serial('the door for I2P refuses a clearnet page as not allowed', async (t) => {
  // curl: 97 is "proxy handshake error"
  const got = await curl('-v', '--proxy', `socks5h://127.0.0.1:${PORTS.i2p}`, network.clearnet.url);
  t.is(got.code, 97);
});
