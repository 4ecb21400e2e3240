import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { RouterHome } from '../support/router-process.ts';

function homeOf(t: ExecutionContext, config?: (folder: string) => object): RouterHome {
  const home = new RouterHome(undefined, config);
  t.teardown(() => home.remove());
  return home;
}

test('an unknown key stops the start with its line', async (t) => {
  const home = homeOf(t);
  home.write(`dataDir: ${home.dataDir}\ntor:\n  socks: /nowhere/tor\n  sock: /nowhere/tor\n`);
  const router = home.start();
  t.is(await router.exit, 1);
  t.is(router.stderr, `${home.configFile}:4:3: tor.sock: unknown key\n`);
  t.throws(() => statSync(home.dataDir), { code: 'ENOENT' }, 'nothing was made');
});

test('every test switch is refused on the public network', async (t) => {
  const home = homeOf(t, () => ({ netId: 2, allowPrivateAddresses: true, skipIpDiversity: true }));
  const router = home.start();
  t.is(await router.exit, 1);
  const lines = router.stderr.trim().split('\n');
  t.is(lines.length, 2);
  for (const line of lines) t.regex(line, /router\.yaml:\d+:\d+: \w+: .*refused with netId 2$/);
});

test('an empty configuration names what is missing', async (t) => {
  const home = homeOf(t);
  home.write('');
  const router = home.start();
  t.is(await router.exit, 1);
  t.regex(router.stderr, /router\.yaml:1:1: dataDir: /);
});

test('a configuration that is not there is named', async (t) => {
  const home = homeOf(t);
  rmSync(home.configFile);
  const router = home.start();
  t.is(await router.exit, 1);
  t.regex(router.stderr, /router\.yaml:1:1: cannot be read \(ENOENT\)\n/);
});

test('damaged keys stop the start and stay as they are', async (t) => {
  const home = homeOf(t, (folder) => ({ services: [{ name: 'site', keys: join(folder, 'site.keys') }] }));
  const file = join(home.folder, 'site.keys');
  writeFileSync(file, 'no keys', { mode: 0o600 });
  const router = home.start();
  t.is(await router.exit, 1);
  t.regex(router.stderr, /site\.keys: /);
  t.is(readFileSync(file, 'utf8'), 'no keys');
});

test('a bad line of a hosts file is named in the log, without the name, and stops nothing', async (t) => {
  const home = homeOf(t, (folder) => ({ hosts: join(folder, 'hosts.txt') }));
  writeFileSync(join(home.folder, 'hosts.txt'), `# fine\nname.i2p=short\ngood.i2p=${'a'.repeat(52)}\n`);
  const router = home.start();
  await router.listening();
  t.regex(router.stderr, /"level":40.*hosts\.txt:2: /);
  t.notRegex(router.stderr, /name\.i2p/);
  t.like((await router.status()).names, { names: 1, badLines: 1 });
});

test('a hosts file that is not there stops the start and is named', async (t) => {
  const home = homeOf(t, (folder) => ({ hosts: join(folder, 'hosts.txt') }));
  const router = home.start();
  t.is(await router.exit, 1);
  t.regex(router.stderr, /^\S*hosts\.txt: [^\n]*\n$/);
});

test('a port that is taken stops the start and is named', async (t) => {
  const home = homeOf(t);
  const first = home.start();
  await first.listening();
  const other = homeOf(t, () => ({ streams: { listen: home.streamsPath } }));
  const second = other.start();
  t.is(await second.exit, 1);
  t.regex(second.stderr, /streams\.sock: another process listens there/);
  t.throws(() => statSync(join(other.folder, 'health.sock')), { code: 'ENOENT' }, 'what was started is gone');
  t.is((await first.status()).stage, 'tor');
});

test('a data folder that cannot be made stops the start and is named', async (t) => {
  const home = homeOf(t, (folder) => ({ dataDir: join(folder, 'file', 'data') }));
  writeFileSync(join(home.folder, 'file'), 'no folder');
  const router = home.start();
  t.is(await router.exit, 1);
  t.regex(router.stderr, /^\S*file\/data: ENOTDIR; dataDir cannot be made\n$/);
});
