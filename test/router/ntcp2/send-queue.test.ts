import type { I2npMessage } from '@allium/router/i2np/message.ts';
import { i2npBlockSize } from '@allium/router/ntcp2/blocks.ts';
import { FRAME_TARGET, SEND_QUEUE_BYTES, SEND_QUEUE_LIMIT } from '@allium/router/ntcp2/limits.ts';
import { SendQueue } from '@allium/router/ntcp2/send-queue.ts';
import test from 'ava';
import fc from 'fast-check';
import { message, NOW } from './support.ts';

const never = (): never => {
  throw new Error('nothing should be dropped');
};

const sized = (id: number, length: number, expires = NOW + 1): I2npMessage => ({
  type: 18,
  id,
  expires,
  payload: new Uint8Array(length),
});

test('messages come out in their order, in frames of about 16 KB, and none is lost', (t) => {
  const length = fc.oneof(fc.nat({ max: 2_000 }), fc.nat({ max: 60_000 }));
  fc.assert(
    fc.property(fc.array(length, { maxLength: 15 }), (lengths) => {
      const queue = new SendQueue();
      for (const [id, n] of lengths.entries()) queue.push(sized(id, n), never);
      const order: number[] = [];
      while (queue.size > 0) {
        const { messages, size } = queue.batch(NOW, never);
        t.is(
          size,
          messages.reduce((sum, next) => sum + i2npBlockSize(next), 0),
        );
        t.true(messages.length === 1 || size <= FRAME_TARGET);
        order.push(...messages.map(({ id }) => id));
      }
      t.deepEqual(order, [...lengths.keys()]);
      t.is(queue.bytes, 0);
    }),
  );
});

test('a full queue drops its oldest messages', (t) => {
  const queue = new SendQueue();
  const evicted: number[] = [];
  for (let id = 0; id < SEND_QUEUE_LIMIT + 3; id++)
    queue.push(sized(id, 10), ({ id: gone }) => evicted.push(gone));
  t.deepEqual(evicted, [0, 1, 2]);
  t.is(queue.size, SEND_QUEUE_LIMIT);
  t.is(queue.shift()?.id, 3);
});

test('the queue is bounded in bytes too', (t) => {
  const queue = new SendQueue();
  let evicted = 0;
  for (let id = 0; id < 100; id++) queue.push(sized(id, 60_000), () => evicted++);
  t.true(queue.bytes <= SEND_QUEUE_BYTES);
  t.is(queue.size + evicted, 100);
  t.true(queue.size >= 16);
});

test('expired messages are dropped when their turn comes', (t) => {
  const queue = new SendQueue();
  queue.push(message(1, 10, NOW), never);
  queue.push(message(2, 10, NOW + 1), never);
  queue.push(message(3, 10, NOW - 5), never);
  const expired: number[] = [];
  const { messages } = queue.batch(NOW, ({ id }) => expired.push(id));
  t.deepEqual(
    messages.map(({ id }) => id),
    [2],
  );
  t.deepEqual(expired, [1, 3]);
  t.deepEqual(queue.batch(NOW, never), { messages: [], size: 0 });
});
