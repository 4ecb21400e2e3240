import { ClientCounts, plainAddress } from '@allium/common/net/client-counts.ts';
import test from 'ava';

test('places are counted for each address and in all, and given back once', (t) => {
  const counts = new ClientCounts({ perClient: 2, total: 3 });
  const [first, second] = [counts.enter('a'), counts.enter('a')];
  t.is(counts.enter('a'), undefined);
  const third = counts.enter('b');
  t.is(counts.enter('c'), undefined);
  first?.();
  first?.();
  t.is(counts.total, 2);
  t.truthy(counts.enter('c'));
  t.is(counts.enter('b'), undefined);
  for (const leave of [second, third]) leave?.();
  t.is(counts.total, 1);
});

test('an IPv4 address on a socket for both families is the same client', (t) => {
  t.is(plainAddress('::ffff:10.0.0.1'), '10.0.0.1');
  t.is(plainAddress('10.0.0.1'), '10.0.0.1');
  t.is(plainAddress('fd00::1'), 'fd00::1');
});
