import test from 'ava';
import { FORGIVEN_MS, MAX_WAIT_MS, Patience } from '../../../services/supervisor/plan/patience.ts';

test('repairs begin after a while without change and go on until nothing is wrong', (t) => {
  const patience = new Patience(5_000, 0);
  patience.found(true, 1_000);
  t.false(patience.settled(5_999));
  patience.changed(4_000);
  t.false(patience.settled(8_999));
  t.true(patience.settled(9_000));
  // Our own repair changes things, too.
  patience.changed(9_100);
  t.true(patience.settled(9_101));
  patience.found(false, 9_200);
  t.false(patience.settled(20_000));
});

test('a long quiet time does not make the first repair sooner', (t) => {
  const patience = new Patience(5_000, 0);
  t.false(patience.settled(60_000));
  patience.found(true, 60_000);
  t.false(patience.settled(64_999));
  patience.found(true, 64_999);
  t.true(patience.settled(65_000));
});

test('a container that ends again and again is made less and less often', (t) => {
  const patience = new Patience(5_000, 0);
  let now = 0;
  let made = 0;
  for (; now < 60 * 60_000; now += 500) {
    if (!patience.mayTouch('tor', now)) continue;
    patience.made('tor', now);
    made++;
  }
  t.true(made >= 10 && made <= 20, `${made} times in an hour`);
  t.false(patience.mayTouch('tor', now));
  t.true(patience.mayTouch('tor', now + MAX_WAIT_MS));
  t.true(patience.mayTouch('forwarder', now));
});

test('after a quiet time the next repair is as quick as the first', (t) => {
  const patience = new Patience(5_000, 0);
  for (const at of [0, 5_000, 15_000]) patience.made('tor', at);
  t.false(patience.mayTouch('tor', 25_000));
  const later = 15_000 + FORGIVEN_MS;
  patience.made('tor', later);
  t.true(patience.mayTouch('tor', later + 5_000));
});
