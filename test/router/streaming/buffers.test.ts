import { SharedLimit } from '@allium/common/core/shared-limit.ts';
import { RECEIVE_WINDOW, ReceiveBuffer } from '@allium/router/streaming/receive-buffer.ts';
import { CHOKE_AT, RECEIVE_LIMIT, Receiver, UNCHOKE_AT } from '@allium/router/streaming/receiver.ts';
import { SendBuffer } from '@allium/router/streaming/send-buffer.ts';
import test from 'ava';
import fc from 'fast-check';
import { pattern } from './stream-net.ts';

const NOTHING = new Uint8Array(0);

test('packets in any order, any number of times, come out once and in order', (t) => {
  const orders = fc
    .integer({ min: 1, max: 40 })
    .chain((count) => fc.tuple(fc.constant(count), fc.array(fc.nat({ max: count - 1 }), { maxLength: 200 })));
  fc.assert(
    fc.property(orders, ([count, order]) => {
      const budget = new SharedLimit(2 ** 27).share();
      const buffer = new ReceiveBuffer(budget);
      const out: number[] = [];
      const all = [...order, ...Array.from({ length: count }, (_, sequence) => sequence)];
      for (const sequence of all) {
        const { ready } = buffer.receive(sequence, Uint8Array.of(sequence), sequence === count - 1);
        out.push(...ready.map(({ payload }) => payload[0] ?? -1));
      }
      t.deepEqual(out, [...new Array(count).keys()]);
      t.true(buffer.closed);
      t.is(budget.used, 0);
    }),
  );
});

test('an ack names exactly what is missing', (t) => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat({ max: 300 }), { minLength: 1 }), (sequences) => {
      const buffer = new ReceiveBuffer(new SharedLimit(2 ** 27).share());
      for (const sequence of sequences) buffer.receive(sequence, Uint8Array.of(1), false);
      const ack = buffer.ack();
      if (!ack) return t.fail('something was received');
      const missing = new Set(ack.nacks);
      for (let sequence = 0; sequence <= ack.ackThrough; sequence++) {
        t.is(missing.has(sequence), !sequences.includes(sequence), `${sequence}`);
      }
      t.true(ack.nacks.length <= 255);
      const highest = Math.max(...sequences);
      const gaps = highest + 1 - sequences.length;
      if (gaps <= 255) t.is(ack.ackThrough, highest);
    }),
  );
});

test('with more gaps than NACKs can name, the ack stops before the first unnamed one', (t) => {
  const buffer = new ReceiveBuffer(new SharedLimit(2 ** 27).share());
  for (let sequence = 1; sequence < 600; sequence += 2) buffer.receive(sequence, NOTHING, false);
  const ack = buffer.ack();
  t.is(ack?.nacks.length, 255);
  t.is(ack?.ackThrough, 509);
});

test('what is too far ahead is refused, and so is what follows a CLOSE', (t) => {
  const buffer = new ReceiveBuffer(new SharedLimit(2 ** 27).share());
  t.is(buffer.receive(RECEIVE_WINDOW, NOTHING, false).status, 'refused');
  t.is(buffer.receive(RECEIVE_WINDOW - 1, NOTHING, false).status, 'held');
  t.is(buffer.receive(0, NOTHING, true).status, 'next');
  t.is(buffer.receive(1, NOTHING, false).status, 'refused');
});

test('held packets keep their bytes when the input buffer is reused', (t) => {
  const buffer = new ReceiveBuffer(new SharedLimit(2 ** 27).share());
  const input = Buffer.from('one');
  buffer.receive(1, input, false);
  input.fill(0);
  const { ready } = buffer.receive(0, NOTHING, false);
  t.is(Buffer.from(ready[1]?.payload ?? NOTHING).toString(), 'one');
});

test('no budget, no held packets', (t) => {
  const buffer = new ReceiveBuffer(new SharedLimit(20).share());
  t.is(buffer.receive(2, new Uint8Array(8), false).status, 'held');
  t.is(buffer.receive(3, new Uint8Array(8), false).status, 'refused');
});

test('a receiver whose application does not consume chokes, and unchokes several times when it does', (t) => {
  const budget = new SharedLimit(2 ** 27).share();
  const receiver = new Receiver(budget);
  let sequence = 0;
  while (!receiver.choking) receiver.receive(sequence++, new Uint8Array(1_812), false, 0, 100);
  t.true(budget.used >= CHOKE_AT);
  t.true((receiver.delay() ?? 0) > 60_000);
  receiver.consumed(CHOKE_AT - UNCHOKE_AT - 4_000, 0);
  t.true(receiver.choking, 'not yet');
  receiver.consumed(8_000, 0);
  let unchokes = 0;
  for (let now = 0; now < 10_000; now += 50) {
    if (receiver.due > now) continue;
    t.true((receiver.delay() ?? 99_999) <= 60_000);
    receiver.sent(now, 100);
    unchokes++;
  }
  t.true(unchokes >= 3, `${unchokes}`);
  receiver.clear();
  t.is(budget.used, 0);
});

test('what was in flight before the choke does not pass for an answer to the unchoke', (t) => {
  const receiver = new Receiver(new SharedLimit(2 ** 27).share());
  let sequence = 0;
  while (!receiver.choking) receiver.receive(sequence++, new Uint8Array(1_812), false, 0, 100);
  receiver.consumed(sequence * 1_812, 0);
  for (const last = sequence + 100; sequence < last; sequence++) {
    receiver.receive(sequence, new Uint8Array(1_812), false, 0, 100);
    receiver.consumed(1_812, 0);
  }
  t.is(receiver.delay(), 200, 'a choked peer’s probe is still answered with an unchoke');
  let unchokes = 0;
  for (let now = 0; now < 5_000; now += 100) {
    if (receiver.due > now) continue;
    receiver.sent(now, 100);
    unchokes++;
  }
  t.true(unchokes >= 3, `${unchokes} unchokes left`);
});

test('a receiver choked for want of common room unchokes when there is some', (t) => {
  const budget = new SharedLimit(9_000).share();
  const receiver = new Receiver(budget);
  t.true(budget.take(4_000));
  receiver.receive(0, new Uint8Array(1_812), false, 0, 100);
  t.true(receiver.choking);
  budget.give(4_000);
  t.is(receiver.receive(0, new Uint8Array(1_812), false, 0, 100).length, 1);
  t.false(receiver.choking);
  t.is(budget.used, 1_812);
});

test('what comes after the end takes nothing of the budget', (t) => {
  const budget = new SharedLimit(2 ** 27).share();
  const receiver = new Receiver(budget);
  receiver.receive(0, NOTHING, true, 0, 100);
  receiver.receive(1, new Uint8Array(1_812), false, 0, 100);
  t.is(budget.used, 0);
});

test('a peer that goes on in spite of a choke fills no more than the limit', (t) => {
  const budget = new SharedLimit(2 ** 27).share();
  const receiver = new Receiver(budget);
  let delivered = 0;
  for (let sequence = 0; sequence < 4_000; sequence++) {
    for (const { payload } of receiver.receive(sequence, new Uint8Array(1_812), false, 0, 100)) {
      delivered += payload.length;
    }
  }
  t.true(budget.used <= RECEIVE_LIMIT);
  t.is(delivered, budget.used);
});

test('written chunks become packets of the same bytes, whatever the chunks', (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.nat({ max: 5_000 }), { maxLength: 150 }),
      fc.integer({ min: 1, max: 1_812 }),
      (lengths, max) => {
        const buffer = new SendBuffer();
        const written = lengths.map((length, index) => pattern(length, index + 1));
        for (const chunk of written) buffer.push(chunk);
        const packed: Uint8Array[] = [];
        while (buffer.queued > 0) {
          const { payload } = buffer.pack('data', max, 0);
          t.true(payload.length === max || buffer.queued === 0, 'packets are filled');
          packed.push(payload);
        }
        t.true(Buffer.concat(packed).equals(Buffer.concat(written)));
      },
    ),
    { numRuns: 40 },
  );
});

test('an ack through 5 with NACKs 2 and 4 leaves 2, 4 and what is above 5', (t) => {
  const buffer = new SendBuffer();
  buffer.push(new Uint8Array(8));
  for (let i = 0; i < 8; i++) buffer.pack('data', 1, i);
  t.deepEqual(buffer.acknowledge(5, [2, 4], 100), { acknowledged: 4, rtt: 95 });
  t.is(buffer.unacknowledged, 4);
  t.is(buffer.oldest()?.sequence, 2);
});

test('a reported packet is lost when its time is up, and once only', (t) => {
  const buffer = new SendBuffer();
  buffer.push(new Uint8Array(8));
  for (let i = 0; i < 4; i++) buffer.pack('data', 1, 10);
  buffer.acknowledge(3, [1], 60);
  t.deepEqual(buffer.findLost(60, 80), { count: 0, first: undefined, again: 90 });
  t.deepEqual(buffer.findLost(90, 80), { count: 1, first: 1, again: Number.POSITIVE_INFINITY });
  t.is(buffer.findLost(90, 80).count, 0);
  const lost = buffer.firstLost();
  t.is(lost?.sequence, 1);
  if (lost) buffer.resent(lost, 95);
  t.is(buffer.firstLost(), undefined);
  t.is(buffer.findLost(500, 80).count, 0, 'no report since it was sent again');
});

test('an RTT comes from packets that were sent once only', (t) => {
  const buffer = new SendBuffer();
  buffer.push(new Uint8Array(2));
  const packet = buffer.pack('data', 1, 0);
  buffer.resent(packet, 50);
  t.deepEqual(buffer.acknowledge(0, [], 60), { acknowledged: 1, rtt: undefined });
});

test('an ack of what was never sent is refused', (t) => {
  const buffer = new SendBuffer();
  buffer.push(new Uint8Array(1));
  buffer.pack('data', 1, 0);
  t.is(buffer.acknowledge(1, [], 1), undefined);
  t.is(buffer.unacknowledged, 1);
});
