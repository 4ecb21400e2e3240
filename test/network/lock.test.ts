import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { alone } from './lock.ts';

test('the second waits until the first is done, and is told so once', async (t) => {
  const name = `allium-lock-test-${process.pid}`;
  const events: string[] = [];
  const first = alone(name, t.fail, async () => {
    events.push('first begins');
    await sleep(600);
    events.push('first ends');
  });
  await sleep(50);
  await alone(
    name,
    () => events.push('second waits'),
    async () => events.push('second begins'),
  );
  await first;
  t.deepEqual(events, ['first begins', 'second waits', 'first ends', 'second begins']);
});

test('work that fails frees the lock', async (t) => {
  const name = `allium-lock-fail-${process.pid}`;
  await t.throwsAsync(
    alone(name, t.fail, () => Promise.reject(new Error('no'))),
    { message: 'no' },
  );
  t.is(await alone(name, t.fail, async () => 1), 1);
});
