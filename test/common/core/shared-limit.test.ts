import { type Share, SharedLimit } from '@allium/common/core/shared-limit.ts';
import test from 'ava';
import fc from 'fast-check';

/** Takes one by one until it may not. */
function fill(share: Share): number {
  let taken = 0;
  while (share.take(1)) taken++;
  return taken;
}

test('one holder alone gets half, and greedy ones get equal shares with as much left over', (t) => {
  for (const count of [1, 2, 3, 9, 24]) {
    const limit = new SharedLimit(2_500);
    const shares = Array.from({ length: count }, () => limit.share());
    // in turns: whoever came first gives way as the others grow
    for (let round = 0; round < 400; round++) {
      for (const share of shares) {
        while (share.over) share.give(1);
        fill(share);
      }
    }
    const fair = 2_500 / (count + 1);
    for (const { used } of shares) t.true(Math.abs(used - fair) <= fair * 0.1 + 2, `${count}: ${used}`);
    t.true(limit.used <= 2_500 - fair * 0.8);
  }
});

test('whoever takes what he can leaves room for one who comes later', (t) => {
  const limit = new SharedLimit(1_000);
  const [greedy, modest] = [limit.share(), limit.share()];
  t.is(fill(greedy), 500);
  t.true(modest.take(100));
  t.true(greedy.over, 'he has to give way now');
  t.false(greedy.take(1));
});

test('what a holder that is gone still gives back or takes counts no more', (t) => {
  const limit = new SharedLimit(100);
  const [gone, stays] = [limit.share(), limit.share()];
  gone.add(30);
  stays.add(10);
  gone.release();
  t.is(limit.used, 10);
  gone.give(30);
  gone.add(5);
  t.is(limit.used, 10);
});

test('no holder gives back more than it took, and the sum is the sum of the shares', (t) => {
  const steps = fc.array(fc.tuple(fc.nat(2), fc.integer({ min: -60, max: 60 })), { maxLength: 100 });
  fc.assert(
    fc.property(steps, (all) => {
      const limit = new SharedLimit(200);
      const shares = [limit.share(), limit.share(), limit.share()];
      for (const [which, n] of all) {
        const share = shares[which];
        if (n < 0) share?.give(-n);
        else share?.take(n);
        t.is(
          limit.used,
          shares.reduce((sum, { used }) => sum + used, 0),
        );
        t.true(shares.every(({ used }) => used >= 0) && limit.used <= 200);
      }
    }),
  );
});
