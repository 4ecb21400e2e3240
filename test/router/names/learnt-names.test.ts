import test from 'ava';
import {
  LEARNT_MAX,
  LEARNT_PER_KEY,
  LEARNT_STALE_MS,
  LearntNames,
  type NameChange,
} from '../../../services/router/names/learnt-names.ts';
import { destHash } from '../../../services/router/wire/hash.ts';

const HASH = destHash(Buffer.alloc(32, 1));
const NOW = 1_700_000_000_000;

/** A disk that does as it is told. */
class Disk {
  readonly rows = new Map<string, Uint8Array>();

  keep(changes: readonly NameChange[] | undefined): boolean {
    for (const change of changes ?? []) {
      if (change.kind === 'put') this.rows.set(change.row, change.value);
      else this.rows.delete(change.row);
    }
    return changes !== undefined;
  }

  all(): { key: string; value: Uint8Array }[] {
    return [...this.rows].map(([key, value]) => ({ key, value }));
  }
}

function fill(names: LearntNames, key: string, count: number, now = NOW): void {
  for (let at = 0; at < count; at++) names.add(key, `n${at}.i2p`, HASH, now + at);
}

test('the oldest name of a key makes room for its next, on disk too', (t) => {
  const names = new LearntNames();
  const disk = new Disk();
  for (let at = 0; at <= LEARNT_PER_KEY; at++) disk.keep(names.add('a', `n${at}.i2p`, HASH, NOW + at));
  t.is(names.size, LEARNT_PER_KEY);
  t.is(names.get('a', 'n0.i2p'), undefined);
  t.is(names.get('a', 'n1.i2p'), HASH);
  t.is(disk.rows.size, LEARNT_PER_KEY);
  t.false(disk.rows.has('a n0.i2p'));
});

test('a flood of one key, or of many, pushes out nothing of another', (t) => {
  const names = new LearntNames();
  names.add('quiet', 'mine.i2p', HASH, NOW);
  fill(names, 'loud', 3 * LEARNT_PER_KEY);
  t.is(names.get('quiet', 'mine.i2p'), HASH);
  for (let key = 0; key < LEARNT_MAX; key++) names.add(`k${key}`, 'n.i2p', HASH, NOW);
  t.is(names.size, LEARNT_MAX);
  t.is(names.get('quiet', 'mine.i2p'), HASH);
  t.is(names.add('new', 'n.i2p', HASH, NOW), undefined, 'no room');
  t.truthy(names.add('quiet', 'next.i2p', HASH, NOW), 'at its own cost');
  t.is(names.get('quiet', 'mine.i2p'), undefined);
  t.is(names.size, LEARNT_MAX);
});

test('a key that learnt nothing for long makes room for one that has none', (t) => {
  const names = new LearntNames();
  const disk = new Disk();
  disk.keep(names.add('gone', 'a.i2p', HASH, NOW));
  disk.keep(names.add('gone', 'b.i2p', HASH, NOW));
  for (let key = 2; key < LEARNT_MAX; key++) names.add(`k${key}`, 'n.i2p', HASH, NOW + LEARNT_STALE_MS);
  t.false(disk.keep(names.add('new', 'n.i2p', HASH, NOW + LEARNT_STALE_MS - 1)));
  t.true(disk.keep(names.add('new', 'n.i2p', HASH, NOW + LEARNT_STALE_MS)));
  t.is(names.get('gone', 'b.i2p'), undefined);
  t.deepEqual([...disk.rows.keys()], ['new n.i2p']);
});

test('names come back from disk in the order in which they were learnt', (t) => {
  const disk = new Disk();
  const first = new LearntNames();
  disk.keep(first.add('', 'young.i2p', HASH, NOW + 2));
  disk.keep(first.add('a', 'old.i2p', HASH, NOW + 1));
  const second = new LearntNames();
  t.deepEqual(second.restore(disk.all()), []);
  t.is(second.get('', 'young.i2p'), HASH);
  t.is(second.get('a', 'old.i2p'), HASH);
  t.is(second.get('a', 'young.i2p'), undefined);
  fill(second, 'a', LEARNT_PER_KEY, NOW + 3);
  t.is(second.get('a', 'old.i2p'), undefined, 'the oldest went first');
});

test('damaged rows, and more than there may be, are removed from disk', (t) => {
  const value = Buffer.concat([Buffer.alloc(32), Buffer.alloc(8)]);
  const rows = Array.from({ length: LEARNT_PER_KEY + 2 }, (_, at) => ({ key: `a n${at}.i2p`, value }));
  const odd = [
    { key: 'b x.i2p', value: Buffer.alloc(39) },
    { key: 'b y.i2p', value: Buffer.alloc(41) },
    { key: 'b z.i2p', value: Buffer.alloc(40, 0xff) },
    { key: 'nothing', value },
  ];
  const names = new LearntNames();
  const removed = names.restore([...odd, ...rows]).map(({ row }) => row);
  t.deepEqual(removed.sort(), ['a n500.i2p', 'a n501.i2p', 'b x.i2p', 'b y.i2p', 'b z.i2p', 'nothing']);
  t.is(names.size, LEARNT_PER_KEY);
});
