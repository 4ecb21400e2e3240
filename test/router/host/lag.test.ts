import { setTimeout as sleep } from 'node:timers/promises';
import { EventLoopLag } from '@allium/router/host/lag.ts';
import test from 'ava';

test('a loop that stands still is seen, with how long it stood', async (t) => {
  const lag = new EventLoopLag();
  lag.start();
  t.teardown(() => lag.stop());
  await sleep(200);
  const until = performance.now() + 400;
  while (performance.now() < until);
  await sleep(200);
  const { p50, max } = lag.figures;
  t.true(max >= 350, `${max} ms`);
  t.true(p50 < max);
});

test('before anything was measured there is no lag', (t) => {
  t.deepEqual(new EventLoopLag().figures, { p50: 0, p99: 0, max: 0 });
});
