import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import test from 'ava';
import { KeyFileError, loadOrCreateKeys } from '../../../services/router/host/key-file.ts';
import { openStore } from '../../../services/router/host/store.ts';

const root = mkdtempSync(join(tmpdir(), 'allium-store-'));
test.after.always(() => rmSync(root, { recursive: true, force: true }));
const folder = (): string => mkdtempSync(join(root, 'x-'));

test('what was put is there after opening again, what was removed is not', (t) => {
  const dir = folder();
  const store = openStore(dir);
  store.put('router_info', 'a', Buffer.of(1));
  store.put('router_info', 'b', Buffer.of(2));
  store.put('profile', 'a', Buffer.of(3));
  store.remove('router_info', 'a');
  store.close();
  const again = openStore(dir);
  t.deepEqual(
    again.all('router_info').map(({ key, value }) => [key, ...value]),
    [['b', 2]],
  );
  t.deepEqual(
    again.all('profile').map(({ key, value }) => [key, ...value]),
    [['a', 3]],
  );
  again.close();
});

test('a process that dies after a flush loses only what came later', (t) => {
  const dir = folder();
  const store = openStore(dir);
  store.put('router_info', 'a', Buffer.of(1));
  store.flush();
  store.put('router_info', 'b', Buffer.of(2));
  // no close: the file is opened as another process would after kill -9
  t.deepEqual(
    openStore(dir)
      .all('router_info')
      .map((row) => row.key),
    ['a'],
  );
});

for (const damage of ['garbage', 'cut', 'flipped'] as const) {
  test(`a database file with ${damage} contents never stops the start`, (t) => {
    const dir = folder();
    const file = join(dir, 'netdb.sqlite');
    const store = openStore(dir);
    for (let i = 0; i < 300; i++) store.put('router_info', `key-${i}`, Buffer.alloc(600, i));
    store.close();
    const bytes = readFileSync(file);
    if (damage === 'garbage') writeFileSync(file, Buffer.alloc(9_000, 7));
    else if (damage === 'cut') writeFileSync(file, bytes.subarray(0, bytes.length >> 1));
    else for (let i = 5_000; i < bytes.length; i += 4_096) bytes[i] = 255 - (bytes[i] ?? 0);
    if (damage === 'flipped') writeFileSync(file, bytes.fill(0xa5, 4_096, 12_000));
    const again = openStore(dir);
    t.true(again.all('router_info').length <= 300);
    again.put('router_info', 'new', Buffer.of(1));
    again.flush();
    t.is(again.counters.get('write-failed'), 0);
    t.true(again.all('router_info').some((row) => row.key === 'new'));
    again.close();
  });
}

test('a full disk is counted, and what waited is written once there is room', (t) => {
  const dir = folder();
  const store = openStore(dir);
  const other = new DatabaseSync(join(dir, 'netdb.sqlite'));
  // an exclusive writer stands in for the full disk: every commit of ours fails meanwhile
  other.exec('PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE');
  store.put('router_info', 'a', Buffer.of(1));
  store.flush();
  t.is(store.counters.get('write-failed'), 1);
  other.exec('ROLLBACK');
  other.close();
  store.flush();
  t.is(store.all('router_info').length, 1);
  store.close();
});

const codec = {
  encode: (text: string) => Buffer.from(text),
  decode: (bytes: Uint8Array) => Buffer.from(bytes).toString(),
};

test('keys are made once, whole, and readable by their owner only', (t) => {
  const file = join(folder(), 'deep/router.keys');
  t.is(
    loadOrCreateKeys(file, codec, () => 'first'),
    'first',
  );
  t.is(
    loadOrCreateKeys(file, codec, () => 'second'),
    'first',
  );
  t.is(statSync(file).mode & 0o777, 0o600);
  t.deepEqual(readdirSync(join(file, '..')), ['router.keys'], 'no file is left beside it');
});

test('a key file that cannot be decoded refuses the start and stays as it was', (t) => {
  const file = join(folder(), 'router.keys');
  writeFileSync(file, 'damaged');
  const failing = {
    ...codec,
    decode: (): string => {
      throw new Error('short');
    },
  };
  t.throws(() => loadOrCreateKeys(file, failing, () => 'new'), {
    instanceOf: KeyFileError,
    message: /restore it/,
  });
  t.is(readFileSync(file, 'utf8'), 'damaged');
});
