import { FirstHopShares, MAX_SHARE, MIN_SHARE } from '@allium/router/peers/first-hop-shares.ts';
import type { RouterHash } from '@allium/router/wire/hash.ts';
import test from 'ava';
import { recordedEntropy } from '../../support/entropy.ts';
import { someHash } from '../netdb/make.ts';

const all = Array.from({ length: 24 }, (_, i) => someHash(`share ${i}`));
const names = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

function shares(): FirstHopShares<number> {
  return new FirstHopShares(recordedEntropy('shares'));
}

/** How many pools each first hop has. */
function met(
  of: FirstHopShares<number>,
  pools: readonly number[],
  available: readonly RouterHash[] = all,
): number[] {
  const counts = new Map<RouterHash, number>();
  for (const pool of pools) {
    for (const hash of of.of(pool, available, pools.length)) counts.set(hash, (counts.get(hash) ?? 0) + 1);
  }
  return [...counts.values()];
}

test('four Destinations have six of 24 each, and none in common', (t) => {
  t.deepEqual(
    met(shares(), names(4)),
    all.map(() => 1),
  );
});

test('twenty-four Destinations have three each, and no first hop more than three of them', (t) => {
  t.deepEqual(
    met(shares(), names(24)),
    all.map(() => MIN_SHARE),
  );
});

test('a Destination keeps its first hops', (t) => {
  const of = shares();
  const first = of.of(1, all, 2);
  t.is(first.length, MAX_SHARE);
  for (let i = 0; i < 20; i++) {
    of.of(2, all, 2);
    t.deepEqual(of.of(1, all, 2), first);
  }
});

test('one that is away is replaced, and given back to nobody else', (t) => {
  const of = shares();
  const pools = names(3);
  const before = pools.map((pool) => of.of(pool, all, 3));
  const lost = before[0]?.[0] as RouterHash;
  const rest = all.filter((hash) => hash !== lost);
  const during = of.of(0, rest, 3);
  t.is(during.length, MAX_SHARE);
  t.false(during.includes(lost));
  for (let round = 0; round < 10; round++) {
    const available = round % 2 === 0 ? all : rest;
    for (const pool of [1, 2]) t.false(of.of(pool, available, 3).includes(lost));
    of.of(0, available, 3);
  }
});

test('where there are fewer than they need they share, and who is closed leaves room', (t) => {
  const of = shares();
  t.deepEqual(met(of, names(2), all.slice(0, MIN_SHARE)), [2, 2, 2]);
  const again = shares();
  const old = again.of(1, all.slice(0, 12), 2);
  const other = again.of(2, all.slice(0, 12), 2);
  again.retain(new Set([2]));
  t.deepEqual([...again.of(3, all.slice(0, 12), 2)].sort(), [...old].sort());
  t.deepEqual(again.of(2, all.slice(0, 12), 2), other);
});
