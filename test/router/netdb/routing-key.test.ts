import { createHash } from 'node:crypto';
import test from 'ava';
import fc from 'fast-check';
import {
  closest,
  compareDistance,
  dayOf,
  routingKey,
  routingKeysAt,
} from '../../../services/router/netdb/routing-key.ts';

const HASH = Buffer.alloc(32, 7);
const MIDNIGHT = Date.UTC(2026, 11, 1);
const MINUTE = 60_000;

test('the routing key is SHA-256 over the hash and the UTC date as eight digits', (t) => {
  const expected = createHash('sha256').update(HASH).update('20261201').digest();
  t.deepEqual(Buffer.from(routingKey(HASH, dayOf(MIDNIGHT))), expected);
});

test('the day changes at midnight UTC and not a millisecond earlier', (t) => {
  t.is(dayOf(MIDNIGHT - 1), '20261130');
  t.is(dayOf(MIDNIGHT), '20261201');
});

test('another length than 32 bytes is our own fault', (t) => {
  t.throws(() => routingKey(HASH.subarray(1), '20261201'), { instanceOf: RangeError });
});

const days: [string, number, string[]][] = [
  ['noon', MIDNIGHT + 720 * MINUTE, ['20261201']],
  ['shortly before midnight', MIDNIGHT - MINUTE, ['20261130', '20261201']],
  ['before the margin', MIDNIGHT - 11 * MINUTE, ['20261130']],
  ['at midnight', MIDNIGHT, ['20261201', '20261130']],
  ['within the margin after it', MIDNIGHT + 5 * MINUTE - 1, ['20261201', '20261130']],
  ['behind it', MIDNIGHT + 5 * MINUTE, ['20261201']],
];
for (const [name, now, expected] of days) {
  test(`keys at ${name}: ${expected.join(' and ')}`, (t) => {
    const keys = routingKeysAt(HASH, now, 10 * MINUTE, 5 * MINUTE);
    t.deepEqual(
      keys,
      expected.map((day) => routingKey(HASH, day)),
    );
  });
}

const key = fc.uint8Array({ minLength: 32, maxLength: 32 });

test('distance is the order of the XOR read as a big-endian number', (t) => {
  fc.assert(
    fc.property(key, key, key, (target, a, b) => {
      const far = (x: Uint8Array): bigint =>
        BigInt(`0x${Buffer.from(x.map((byte, i) => byte ^ (target[i] ?? 0))).toString('hex')}`);
      const expected = far(a) < far(b) ? -1 : Number(far(a) > far(b));
      return Math.sign(compareDistance(target, a, b)) === expected;
    }),
  );
  t.pass();
});

test('the closest k are those of a full sort, with shared prefixes and duplicates too', (t) => {
  const near = fc.tuple(key, fc.nat(31)).map(([bytes, same]) => bytes.fill(0, 0, same));
  fc.assert(
    fc.property(near, fc.array(near, { maxLength: 60 }), fc.nat(20), (target, all, count) => {
      const found = closest(target, all, (x) => x, count);
      const sorted = all.toSorted((a, b) => compareDistance(target, a, b)).slice(0, count);
      t.deepEqual(found, sorted);
    }),
  );
});

test('the eight nearest of 2,000 floodfills are found by one pass', (t) => {
  const all = Array.from({ length: 2000 }, (_, i) => createHash('sha256').update(String(i)).digest());
  let reads = 0;
  const read = (x: Buffer): Buffer => {
    reads++;
    return x;
  };
  const found = closest(HASH, all, read, 8);
  t.is(reads, 2000);
  t.deepEqual(found, all.toSorted((a, b) => compareDistance(HASH, a, b)).slice(0, 8));
});
