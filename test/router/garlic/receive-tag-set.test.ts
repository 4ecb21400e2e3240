import { SharedLimit } from '@allium/common/core/shared-limit.ts';
import test from 'ava';
import { initializeTagSet } from '../../../services/router/garlic/key-schedule.ts';
import { ReceiveTagSet } from '../../../services/router/garlic/receive-tag-set.ts';
import { SendTagSet } from '../../../services/router/garlic/send-tag-set.ts';
import { TagTable, tagKey } from '../../../services/router/garlic/tag-table.ts';

const root = Buffer.alloc(32, 1);
const k = Buffer.alloc(32, 2);

function sets(): {
  table: TagTable<ReceiveTagSet<string>>;
  set: ReceiveTagSet<string>;
  send: SendTagSet;
} {
  const table = new TagTable<ReceiveTagSet<string>>(new SharedLimit(2 ** 20).share());
  const set = new ReceiveTagSet(table, 'owner', 0, initializeTagSet(root, k));
  return { table, set, send: new SendTagSet(0, initializeTagSet(root, k)) };
}

test('the window starts with 24 tags and grows by one for two messages, up to 640', (t) => {
  const { table, set } = sets();
  set.extend(24);
  t.is(table.size, 24);
  const ahead = new Map<number, number>();
  for (let index = 0; index < 1_500; index++) {
    set.key(index);
    set.used(index);
    ahead.set(index, set.generated - index - 1);
    t.is(table.size, set.size);
  }
  t.like(Object.fromEntries(ahead), { 0: 24, 1: 24, 2: 25, 272: 160, 1000: 524, 1232: 640, 1499: 640 });
});

test('the next tag set looks as far ahead as the one before it', (t) => {
  const { set } = sets();
  set.extend(24);
  t.is(set.successor(1, initializeTagSet(root, k)).generated, 24, 'nothing was received yet');
  for (let index = 0; index < 1_500; index++) {
    set.key(index);
    set.used(index);
  }
  t.is(set.successor(1, initializeTagSet(root, k)).generated, 24 + 616);
});

test('a sender that always jumps to the end of the window finds it shrunk', (t) => {
  const { set } = sets();
  set.extend(24);
  const costs: number[] = [];
  for (let jump = 0; jump < 200; jump++) {
    const before = set.generated;
    set.key(before - 1);
    set.used(before - 1);
    costs.push(set.generated - before);
  }
  t.true(
    costs.every((cost) => cost >= 8),
    'the session never dies of it',
  );
  t.is(costs.at(-1), 8);
  let next: ReceiveTagSet<string> = set;
  for (let id = 1; id < 10; id++) next = next.successor(id, initializeTagSet(root, k));
  t.is(next.generated, 24, 'and ratcheting does not help');
});

test('overtaken messages keep their keys until they are 160 behind', (t) => {
  const { table, set, send } = sets();
  set.extend(24);
  const entries = Array.from({ length: 400 }, () => send.next()).filter((entry) => entry !== undefined);
  for (const { index, tag, key } of entries) {
    if (index % 7 === 0) continue;
    t.deepEqual(table.get(tagKey(tag)), { set, index });
    t.deepEqual(set.key(index), key);
    set.used(index);
    t.is(table.get(tagKey(tag)), undefined, 'a tag is good once');
  }
  const overtaken = entries.filter(({ index }) => index % 7 === 0);
  for (const { index, tag, key } of overtaken) {
    const entry = table.get(tagKey(tag));
    if (index < 398 - 160) t.is(entry, undefined, `${index} is too late`);
    else t.deepEqual([entry?.index, set.key(index)], [index, key]);
  }
});

test('nothing of a closed set is left in the table', (t) => {
  const { table, set } = sets();
  set.extend(100);
  set.close();
  t.is(table.size, 0);
});

test('both ends stop at the last tag index', (t) => {
  const { set, send } = sets();
  set.extend(100_000);
  t.is(set.generated, 65_534);
  while (send.nextIndex < 65_533) send.nextTag();
  t.is(send.next()?.index, 65_533);
  t.is(send.next(), undefined);
  t.true(send.exhausted);
});

test('all bits of a tag but eleven tell tags apart', (t) => {
  const tag = Buffer.alloc(8);
  const keys = new Set<number>([tagKey(tag)]);
  for (let bit = 0; bit < 53; bit++) {
    const other = Buffer.alloc(8);
    other[bit >>> 3] = 1 << (bit & 7);
    keys.add(tagKey(other));
  }
  t.is(keys.size, 54);
  t.true([...keys].every((key) => Number.isSafeInteger(key)));
});
