/** Privoxy configurations that exist, mounted as they are, beside the real Privoxy with the same file. */
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { allowed } from '../../netns/support/machine.ts';
import type { Seen } from '../support/gate-main.ts';
import { oracleTest } from '../support/oracle.ts';
import { writeFiles } from '../support/proxies.ts';

const test = oracleTest();
const SUPPORT = join(import.meta.dirname, '../support');
const MAIN = join(import.meta.dirname, '../../../services/forwarder/main.ts');
const GATEWAY = join(import.meta.dirname, '../../../images/forwarder/gateway');
const STOCK = installed('config');
/** Where it writes and reads on a machine that is not its own. */
const THEIRS = 'logdir .\ntempldir /etc/privoxy/templates\n';
const I2P = 'forward .i2p 127.0.0.1:4444\n';
const TOR = 'forward-socks5t / 127.0.0.1:9050 .\n';
const SITE = '8118 http://site.i2p/';
const BANNER = '8118 http://site.i2p/banner.gif';
const CLEARNET = '8118 http://clear.example/';

function installed(name: string): string {
  try {
    return readFileSync(join('/etc/privoxy', name), 'utf8');
  } catch {
    return '';
  }
}

/** Each file in place, and what comes back; Privoxy is asked where `files` has one for it. */
function mounted(t: ExecutionContext, config: string, files: Readonly<Record<string, string>> = {}): Seen {
  const folder = writeFiles(config, files);
  t.teardown(() => rmSync(folder, { recursive: true }));
  const ran = spawnSync('unshare', ['--net', process.execPath, join(SUPPORT, 'gate-main.ts'), folder], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  if (ran.status !== 0) throw new Error(ran.stderr);
  return JSON.parse(ran.stdout) as Seen;
}

const root = (): string | undefined => (process.getuid?.() === 0 ? undefined : 'not root');

const ALL_DOORS = {
  [SITE]: '200 i2p',
  '4444 http://site.i2p/': '200 i2p',
  [BANNER]: '403 the proxy',
  '4444 http://site.i2p/banner.gif': '403 the proxy',
  [CLEARNET]: '200 tor',
  '4444 http://clear.example/': '200 tor',
  '9150 http://site.i2p/': '200 i2p',
  '9150 http://clear.example/': '200 tor',
  '4447 http://site.i2p/': '200 i2p',
  '4447 http://clear.example/': 'refused',
};

test("Debian's stock file with the two lines of every tutorial, in the order that works in Privoxy", (t) => {
  t.timeout(60_000);
  if (!allowed(t, root())) return;
  const { ours, privoxy } = mounted(t, STOCK + TOR + I2P, { privoxy: STOCK + TOR + I2P + THEIRS });
  t.deepEqual(ours, ALL_DOORS);
  t.like(ours, privoxy ?? { none: '' });
});

test('in the other order .i2p goes to Tor in Privoxy, and to I2P here', (t) => {
  t.timeout(60_000);
  if (!allowed(t, root())) return;
  const { ours, privoxy, warnings } = mounted(t, STOCK + I2P + TOR, { privoxy: STOCK + I2P + TOR + THEIRS });
  t.deepEqual(ours, ALL_DOORS);
  t.is(privoxy?.[SITE], '200 tor');
  t.true(warnings.includes('does not take .i2p, though it would in Privoxy: no such name goes to Tor'));
});

test("Debian's stock file with the line for I2P alone, and as it is", (t) => {
  t.timeout(60_000);
  if (!allowed(t, root())) return;
  const { ours, privoxy } = mounted(t, STOCK + I2P, { privoxy: STOCK + I2P + THEIRS });
  t.deepEqual(ours, ALL_DOORS);
  t.is(privoxy?.[SITE], '200 i2p');
  t.is(privoxy?.[BANNER], '403 the proxy');
  t.deepEqual(mounted(t, STOCK).ours, ALL_DOORS);
});

/** The forwarder's own answer to a file that it may refuse. */
function started(
  t: ExecutionContext,
  config: string,
  files: Readonly<Record<string, string>>,
  ...more: string[]
) {
  const folder = writeFiles(config, files);
  t.teardown(() => rmSync(folder, { recursive: true }));
  const args = [MAIN, '--config', join(folder, 'config'), '--gateway', GATEWAY, ...more];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 30_000 });
  return { status, stdout, problems: stderr.replaceAll(`${folder}/config:`, '').trim().split('\n') };
}

/** Debian's file as the recipe for I2P on Whonix changes it, and as Privoxy's manual adds; with a folder of its own. */
const RECIPE = `${STOCK.replace(/^confdir .*$/m, 'confdir .')
  .replace(/^accept-intercepted-requests .*$/m, 'accept-intercepted-requests 1')
  .replace(/^enable-remote-toggle .*$/m, 'enable-remote-toggle 1')
  .replace(/^enable-edit-actions .*$/m, 'enable-edit-actions 1')}
max-client-connections 512
trustfile trust
forward 192.168.*.*/ .
forward 10.*.*.*/ .
${I2P}`;
const NAMES = ['match-all.action', 'default.action', 'user.action', 'default.filter', 'user.filter'];
const FOLDER = { ...Object.fromEntries(NAMES.map((name) => [name, installed(name)])), trust: '~*.i2p\n' };
const lineOf = (start: string): number => RECIPE.split('\n').findIndex((line) => line.startsWith(start)) + 1;

test("the recipe's file is refused with all its faults at once, and the corrected one does what it did in Privoxy", (t) => {
  t.timeout(90_000);
  const NO_WAY =
    'forward: "." would go out directly; here it is for patterns of loopback addresses only; delete the line';
  const expected = [
    `${lineOf('enable-remote-toggle')}: enable-remote-toggle must be 0: no page changes anything here`,
    `${lineOf('enable-edit-actions')}: enable-edit-actions must be 0: no page changes anything here`,
    `${lineOf('accept-intercepted')}: accept-intercepted-requests must be 0: the Host header would choose the destination`,
    `${lineOf('forward 192')}: ${NO_WAY}`,
    `${lineOf('forward 10')}: ${NO_WAY}`,
  ];
  const refused = started(t, RECIPE, FOLDER);
  t.is(refused.status, 1);
  t.deepEqual(refused.problems, expected);
  const checked = started(t, RECIPE, FOLDER, '--check');
  t.is(checked.status, 1);
  t.deepEqual(checked.problems, expected);
  if (!allowed(t, root())) return;
  const { ours, privoxy } = mounted(t, checked.stdout, { ...FOLDER, privoxy: RECIPE + THEIRS });
  t.like(ours, { [SITE]: '200 i2p', [BANNER]: '403 the proxy', [CLEARNET]: '403 the proxy' });
  t.like(ours, privoxy ?? { none: '' });
});

test("the line of Whonix' page is refused with the line to write, which works", (t) => {
  t.timeout(60_000);
  const { status, problems } = started(t, `${STOCK}forward .i2p\n`, {});
  t.is(status, 1);
  t.is(problems.length, 1);
  const line = /; write "(.*)"$/.exec(problems[0] ?? '')?.[1] ?? '';
  t.is(`${line}\n`, I2P);
  if (!allowed(t, root())) return;
  const checked = started(t, `${STOCK}forward .i2p\n`, {}, '--check');
  t.deepEqual(mounted(t, checked.stdout).ours, ALL_DOORS);
});
