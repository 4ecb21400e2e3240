import { rmSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { type Loaded, loadRules } from '../../../services/forwarder/host/load.ts';
import { chooseRoute, routeText } from '../../../services/forwarder/route/choose.ts';
import { permitted } from '../../../services/forwarder/rules/access.ts';
import { parseAbsolute } from '../../../services/forwarder/rules/request-url.ts';
import { writeFiles } from '../support/proxies.ts';

const LAN = '10.152.152.10';
const GATEWAY = join(import.meta.dirname, '../../../images/forwarder/gateway');

/** What a user's file means under the gateway's own, as it is shipped. */
function mounted(t: ExecutionContext, config: string): Loaded & { readonly said: readonly string[] } {
  const folder = writeFiles(config);
  t.teardown(() => rmSync(folder, { recursive: true }));
  const loaded = loadRules(join(folder, 'config'), GATEWAY);
  return { ...loaded, said: loaded.warnings.map(({ line, why }) => `${line}: ${why}`) };
}

function wayOf({ rules }: Loaded, target: string): string {
  const parsed = parseAbsolute(target);
  if (parsed.kind !== 'url') throw new Error(target);
  return routeText(chooseRoute(parsed.url, rules.settings.forwards));
}

test('an empty file has all doors, I2P and Tor behind them, and nothing to be said', (t) => {
  const loaded = mounted(t, '');
  t.deepEqual(loaded.rules.settings.listen, [
    { host: LAN, port: 8118 },
    { host: LAN, port: 4444 },
  ]);
  t.is(wayOf(loaded, 'http://a.i2p/'), 'the I2P router');
  t.is(wayOf(loaded, 'http://example.org/'), 'SOCKS 5t 127.0.0.1:9050');
  t.deepEqual(loaded.said, []);
});

test("the user's rules come later than the gateway's, in whatever order they stand", (t) => {
  const first = 'forward .i2p 127.0.0.1:4444\nforward-socks5t / 127.0.0.1:9050 .\n';
  const second = 'forward-socks5t / 127.0.0.1:9050 .\nforward .i2p 127.0.0.1:4444\n';
  const torOnly = 'forward-socks5 / 127.0.0.1:9050 .\n';
  for (const config of [first, second, torOnly]) {
    const loaded = mounted(t, config);
    t.is(wayOf(loaded, 'http://a.i2p/'), 'the I2P router');
    t.regex(wayOf(loaded, 'http://example.org/'), /^SOCKS 5t? 127\.0\.0\.1:9050$/);
  }
  const own = mounted(t, 'forward .example.org 10.0.0.9:3128\n');
  t.is(wayOf(own, 'http://www.example.org/'), 'HTTP parent 10.0.0.9:3128');
  t.is(wayOf(own, 'http://example.com/'), 'SOCKS 5t 127.0.0.1:9050');
});

test('whatever address is listened on, the one that workstations reach is meant, and it is said', (t) => {
  const loaded = mounted(
    t,
    'listen-address 127.0.0.1:8118\nlisten-address [::1]:8118\nlisten-address :3128\nlisten-address localhost:4444\n',
  );
  t.deepEqual(loaded.rules.settings.listen, [
    { host: LAN, port: 8118 },
    { host: LAN, port: 4444 },
    { host: LAN, port: 3128 },
  ]);
  const why = 'workstations reach no other address of the gateway';
  t.deepEqual(loaded.said, [
    `1: listen-address 127.0.0.1:8118 means ${LAN}:8118 here: ${why}`,
    `2: listen-address [::1]:8118 means ${LAN}:8118 here: ${why}`,
    `3: listen-address 0.0.0.0:3128 means ${LAN}:3128 here: ${why}`,
    `4: listen-address localhost:4444 means ${LAN}:4444 here: ${why}`,
  ]);
  t.deepEqual(mounted(t, `listen-address ${LAN}:8118\n`).said, []);
});

test("access lines of the user's count alone, and ones for another network are told of", (t) => {
  const may = (loaded: Loaded, host: string): boolean =>
    permitted(loaded.rules.settings.access, { host, port: 40_000 });
  const none = mounted(t, '');
  t.true(may(none, '10.152.152.11'));
  t.false(may(none, '172.31.255.3'));
  const one = mounted(t, 'permit-access 10.152.152.11\n');
  t.true(may(one, '10.152.152.11'));
  t.false(may(one, '10.152.152.12'));
  t.deepEqual(one.said, []);
  t.deepEqual(mounted(t, 'permit-access 0.0.0.0/0\ndeny-access 10.152.152.12\n').said, []);
  const home = mounted(t, 'permit-access 192.168.1.0/24\npermit-access 127.0.0.1\n');
  t.false(may(home, '10.152.152.11'));
  t.deepEqual(home.said, ['1: lets nobody in: workstations are in 10.152.128.0/18']);
});

test("values of the user's win, and those it is silent about are the gateway's", (t) => {
  const { settings } = mounted(t, 'socket-timeout 300\nkeep-alive-timeout 5\n').rules;
  t.is(settings.socketTimeoutMs, 300_000);
  t.is(settings.keepAliveMs, 5_000);
  t.is(settings.serverKeepAliveMs, 5_000);
  t.is(settings.maxClients, 512);
});

test('a SOCKS door that the user writes too is the one that the user wrote', (t) => {
  const { rules, said } = mounted(t, `allium-socks ${LAN}:9150 127.0.0.1:9050\n`);
  t.deepEqual(rules.settings.socksDoors, [
    { listen: { host: LAN, port: 4447 } },
    { listen: { host: LAN, port: 9150 }, tor: { host: '127.0.0.1', port: 9050 } },
  ]);
  t.deepEqual(said, [`1: allium-socks ${LAN}:9150 appears more than once: the last one counts`]);
});

test("faults are told with the file that they are in, the gateway's own too", (t) => {
  const folder = writeFiles('forward .i2p\n', { gateway: 'forward-sock5 / 127.0.0.1:9050 .\n' });
  t.teardown(() => rmSync(folder, { recursive: true }));
  const error = t.throws(() => loadRules(join(folder, 'config'), join(folder, 'gateway')));
  t.regex(
    error.message,
    /\/gateway:1: unknown directive forward-sock5\n.*\/config:1: forward needs exactly 2/,
  );
  t.throws(() => loadRules(join(folder, 'config'), join(folder, 'none')), {
    message: /none cannot be read/,
  });
});
