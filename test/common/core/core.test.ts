import { BoundedMap } from '@allium/common/core/bounded-map.ts';
import { randomBelow, randomU32, shuffled } from '@allium/common/core/random.ts';
import { Counters } from '@allium/common/observe/counters.ts';
import test from 'ava';
import fc from 'fast-check';
import { recordedEntropy } from '../../support/entropy.ts';

test('a bounded map never holds more than its limit and names what it drops, oldest first', (t) => {
  const dropped: string[] = [];
  const map = new BoundedMap<string, number>(2, (key) => dropped.push(key));
  for (const [key, value] of [
    ['a', 1],
    ['b', 2],
    ['a', 3],
    ['c', 4],
    ['d', 5],
  ] as const)
    map.set(key, value);
  t.deepEqual(dropped, ['b', 'a']);
  t.deepEqual(
    [...map.entries()],
    [
      ['c', 4],
      ['d', 5],
    ],
  );
  t.is(
    map.prune((value) => value === 4),
    1,
  );
  t.is(map.size, 1);
});

test('random integers stay below their limit and reach every value', (t) => {
  const random = recordedEntropy('below');
  const seen = new Set(Array.from({ length: 200 }, () => randomBelow(random, 7)));
  t.deepEqual([...seen].sort(), [0, 1, 2, 3, 4, 5, 6]);
  t.throws(() => randomBelow(random, 0), { instanceOf: RangeError });
  t.true(randomU32(random) > 0);
});

test('shuffling keeps every item', (t) => {
  fc.assert(
    fc.property(fc.array(fc.nat()), fc.string(), (items, seed) => {
      const out = shuffled(recordedEntropy(seed), items);
      return out.length === items.length && [...out].sort().join() === [...items].sort().join();
    }),
  );
  t.pass();
});

test('counters keep a bounded number of names', (t) => {
  const counters = new Counters();
  for (let i = 0; i < 600; i++) counters.add(`name-${i}`);
  counters.add('name-3', 2);
  t.is(counters.get('name-3'), 3);
  t.is(Object.keys(counters.toJSON()).length, 501);
  t.is(counters.get('other'), 100);
});
