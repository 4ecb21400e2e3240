import { Wake } from '@allium/common/core/wake.ts';
import test from 'ava';

test('a wake is asked for once, unless an earlier one is wanted', (t) => {
  const wake = new Wake();
  t.is(wake.ask(100, 0), 100);
  t.is(wake.ask(100, 10), undefined);
  t.is(wake.ask(150, 10), undefined);
  t.is(wake.ask(90, 10), 90);
  t.is(wake.ask(100, 10), undefined);
});

test('after a tick, and when the wake is overdue, it is asked for anew', (t) => {
  const wake = new Wake();
  t.is(wake.ask(100, 0), 100);
  wake.spent();
  t.is(wake.ask(200, 50), 200);
  t.is(wake.ask(300, 199), undefined);
  t.is(wake.ask(300, 200), 300);
});

test('nothing is asked for when nothing is wanted, and what was asked for stays', (t) => {
  const wake = new Wake();
  t.is(wake.ask(Number.POSITIVE_INFINITY, 0), undefined);
  t.is(wake.ask(50, 0), 50);
  t.is(wake.ask(Number.POSITIVE_INFINITY, 10), undefined);
  t.is(wake.ask(60, 10), undefined);
});
