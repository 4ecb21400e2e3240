import { TokenBucket } from '@allium/common/core/token-bucket.ts';
import { AckTimer } from '@allium/router/streaming/ack.ts';
import { Agenda } from '@allium/router/streaming/agenda.ts';
import { ENSEMBLE_WINDOW, Ensemble, MIN_SHARE } from '@allium/router/streaming/ensemble.ts';
import { Pacer } from '@allium/router/streaming/pacer.ts';
import { INITIAL_RTO, MAX_RTO, MIN_RTO, RttEstimator } from '@allium/router/streaming/rtt.ts';
import {
  CHOKED_MAX_WINDOW,
  CongestionWindow,
  INITIAL_WINDOW,
  MAX_WINDOW,
  MIN_WINDOW,
} from '@allium/router/streaming/window.ts';
import test from 'ava';

function measured(rtt: number, samples = 20): RttEstimator {
  const estimator = new RttEstimator();
  for (let i = 0; i < samples; i++) estimator.sample(rtt, i);
  return estimator;
}

test('the first timeout is 9 s, then RFC 6298 rules within bounds', (t) => {
  const rtt = new RttEstimator();
  t.is(rtt.rto, INITIAL_RTO);
  rtt.sample(1_000, 0);
  t.is(rtt.rto, 3_000);
  t.is(measured(1).rto, MIN_RTO);
  for (let i = 0; i < 20; i++) rtt.backOff();
  t.is(rtt.rto, MAX_RTO);
  rtt.progress();
  t.is(rtt.rto, 3_000);
});

test('a smoothed RTT follows RFC 6298 to the digit', (t) => {
  const rtt = new RttEstimator();
  rtt.sample(400, 0);
  rtt.sample(800, 1);
  t.is(rtt.smoothed, 400 + 400 / 8);
  t.is(rtt.variance, 200 + (400 - 200) / 4);
});

test('the lowest RTT is forgotten after a minute, or with the path', (t) => {
  const rtt = new RttEstimator();
  rtt.sample(100, 0);
  for (let now = 1_000; now < 70_000; now += 1_000) rtt.sample(300, now);
  t.is(rtt.lowest, 300);
  rtt.pathChanged();
  t.is(rtt.lowest, rtt.smoothed);
});

test('a window opens quickly until a queue shows', (t) => {
  const window = new CongestionWindow();
  t.is(window.size, INITIAL_WINDOW);
  const rtt = measured(100);
  const sizes: number[] = [];
  for (let round = 0; round < 12; round++) {
    window.acknowledged(window.size, true, rtt, round * 100);
    sizes.push(window.size);
  }
  t.true((sizes[5] ?? 0) >= 40 && (sizes[9] ?? 0) >= 170, `${sizes}`);
  const before = window.size;
  for (let i = 0; i < 40; i++) rtt.sample(400, 2_000);
  for (let round = 0; round < 4; round++) window.acknowledged(window.size, true, rtt, 2_000 + round * 400);
  t.true(window.size < before * 2, `${before} → ${window.size}`);
});

test('streams of a young session together stay within what a ratchet receiver looks ahead', (t) => {
  const ensemble = new Ensemble();
  const streams = Array.from({ length: 4 }, () => ({}));
  for (const stream of streams) ensemble.mark(stream, true);
  let delivered = 0;
  for (let round = 0; round < 40; round++) {
    const together = ensemble.share * streams.length;
    t.true(together <= 24 + delivered / 2, `${together} after ${delivered}`);
    delivered += together;
    ensemble.delivered(together);
  }
  t.is(ensemble.share, ENSEMBLE_WINDOW / 4, 'an old session carries all that is allowed');
  for (const stream of streams.slice(1)) ensemble.mark(stream, false);
  t.is(ensemble.share, ENSEMBLE_WINDOW, 'who is alone has it all');
  ensemble.doubted();
  t.true(ensemble.share <= 24, 'a session that may be lost is young again');
});

test('every stream of a crowd may send', (t) => {
  const ensemble = new Ensemble();
  for (let i = 0; i < 1_000; i++) ensemble.mark({}, true);
  t.is(ensemble.share, MIN_SHARE);
});

test('a window that starts with a former stream’s size keeps it', (t) => {
  const window = new CongestionWindow(150);
  t.is(window.size, 150);
  window.acknowledged(10, true, measured(100), 0);
  t.true(window.size >= 150);
});

test('a window reaches i2pd’s 512 and no more', (t) => {
  const window = new CongestionWindow();
  const rtt = measured(300);
  for (let round = 0; round < 40; round++) window.acknowledged(window.size, true, rtt, round * 300);
  t.is(window.size, MAX_WINDOW);
});

test('a window does not grow while the application has little to send', (t) => {
  const window = new CongestionWindow();
  for (let i = 0; i < 100; i++) window.acknowledged(1, false, measured(100), i * 100);
  t.is(window.size, INITIAL_WINDOW);
});

test('a few losses without a queue cost nothing; many cost once per window', (t) => {
  const window = new CongestionWindow();
  const rtt = measured(100);
  for (let round = 0; round < 8; round++) window.acknowledged(window.size, true, rtt, round * 10);
  const size = window.size;
  window.lost(100, 1, 200, 100);
  t.is(window.size, size);
  window.lost(210, 30, 400, 1);
  const reduced = window.size;
  t.true(reduced >= size * 0.65 && reduced <= size * 0.75, `${size} → ${reduced}`);
  window.lost(211, 5, 420, 1);
  t.is(window.size, reduced, 'the same window');
  window.lost(401, 5, 500, 1);
  t.true(window.size < reduced);
});

test('a timeout starts over and keeps the minimum', (t) => {
  const window = new CongestionWindow(200);
  for (let i = 0; i < 5; i++) window.timedOut(i * 100, 100);
  t.is(window.size, MIN_WINDOW);
});

test('a peer that choked once gets Java’s window at most', (t) => {
  const window = new CongestionWindow();
  window.choked();
  const rtt = measured(100);
  for (let round = 0; round < 60; round++) window.acknowledged(window.size, true, rtt, round * 100);
  t.is(window.size, CHOKED_MAX_WINDOW);
  t.is(window.span, CHOKED_MAX_WINDOW);
});

test('a pacer spreads a window over its round trip', (t) => {
  const pacer = new Pacer();
  pacer.adjust(100, 1_000, false);
  let sent = 0;
  for (let now = 0; now <= 1_000; now += 1) while (pacer.take(now)) sent++;
  t.true(sent >= 100 && sent <= 140, `${sent}`);
  t.false(pacer.take(1_000));
  t.true(pacer.next(1_000) > 1_000);
});

test('a pacer lets no burst through after a pause', (t) => {
  const pacer = new Pacer();
  pacer.adjust(100, 1_000, false);
  pacer.take(0);
  let burst = 0;
  while (pacer.take(60_000)) burst++;
  t.true(burst <= 8, `${burst}`);
});

test('without an RTT nothing is paced', (t) => {
  const pacer = new Pacer();
  for (let i = 0; i < 1_000; i++) t.true(pacer.take(0));
});

test('a young stream is acked at every second packet, a running one ten times per round trip', (t) => {
  const young = new AckTimer();
  young.inOrder(0, 1_000, false);
  t.is(young.due, 100);
  young.inOrder(1, 1_000, false);
  t.is(young.due, 1);
  const running = new AckTimer();
  let acks = 0;
  for (let now = 0; now < 2_000; now++) {
    running.inOrder(now, 1_000, false);
    if (running.due > now) continue;
    running.sent(now);
    acks++;
  }
  // 32 for the first 64 packets, then 10 for each of two round trips
  t.true(acks >= 50 && acks <= 54, `${acks}`);
});

test('a gap is reported at once, and an asked-for ack comes soon', (t) => {
  const timer = new AckTimer();
  timer.gap(5, 1_000, true);
  t.is(timer.due, 5);
  timer.sent(5);
  t.is(timer.due, Number.POSITIVE_INFINITY);
  timer.requested(10);
  t.true(timer.due <= 15);
});

test('a delayed ack waits 200 ms at most', (t) => {
  const timer = new AckTimer();
  timer.inOrder(0, 60_000, false);
  t.is(timer.due, 200);
});

test('an agenda asks for a wake only when it is earlier than the one on its way', (t) => {
  const agenda = new Agenda<string>();
  agenda.set('a', 100);
  t.is(agenda.wakeFor('a'), 100);
  agenda.set('b', 200);
  t.is(agenda.wakeFor('b'), undefined);
  agenda.set('b', 50);
  t.is(agenda.wakeFor('b'), 50);
  t.deepEqual(agenda.due(60), ['b']);
  agenda.delete('b');
  t.is(agenda.wake(), 100);
});

test('a token bucket allows its burst and then its rate', (t) => {
  const bucket = new TokenBucket(10, 5);
  let taken = 0;
  for (let now = 0; now < 1_000; now++) if (bucket.take(now)) taken++;
  t.is(taken, 14);
});
