import { DecodeError } from '@allium/common/bytes/errors.ts';
import { sha256 } from '@allium/router/crypto/hash.ts';
import {
  MAX_HELD_BYTES,
  MAX_INCOMPLETE,
  REASSEMBLY_TIMEOUT,
  TunnelEndpoint,
} from '@allium/router/tunnel/endpoint.ts';
import {
  readFragments,
  TUNNEL_PAYLOAD_SIZE,
  writeChecksum,
  writeFirstHeader,
  writeFollowOnHeader,
} from '@allium/router/tunnel/fragment.ts';
import { MAX_TUNNELLED_SIZE, TunnelGateway } from '@allium/router/tunnel/gateway.ts';
import type { Delivery } from '@allium/router/tunnel/tunnel-io.ts';
import { routerHash } from '@allium/router/wire/hash.ts';
import test from 'ava';
import fc from 'fast-check';
import { onlyDecodeErrors } from '../../support/codec-macro.ts';
import { recordedEntropy } from '../../support/entropy.ts';

const random = recordedEntropy('fragment');
const router = routerHash(Buffer.alloc(32, 0xab));
const LOCAL: Delivery = { kind: 'local' };
const deliveries: Delivery[] = [
  LOCAL,
  { kind: 'router', router },
  { kind: 'tunnel', router, tunnelId: 0xfeedbeef },
];

/** A tunnel message around hand-made instructions. */
function around(content: Uint8Array): Buffer {
  const message = Buffer.alloc(1028, 7);
  const start = 1028 - content.length;
  message[start - 1] = 0;
  message.set(content, start);
  writeChecksum(message, start);
  return message;
}

function first(id: number, body: Uint8Array, delivery: Delivery = LOCAL): Buffer {
  const out = Buffer.alloc(43 + body.length);
  const at = writeFirstHeader(out, 0, delivery, body.length, id);
  out.set(body, at);
  return out.subarray(0, at + body.length);
}

function follow(messageId: number, number: number, body: Uint8Array, last = false): Buffer {
  const out = Buffer.alloc(7 + body.length);
  out.set(body, writeFollowOnHeader(out, 0, { messageId, number, last, size: body.length }));
  return out;
}

test('headers are those of the specification', (t) => {
  const tunnel = { kind: 'tunnel', router, tunnelId: 0x01020304 } as const;
  const hash = 'ab'.repeat(32);
  const head = (delivery: Delivery, id?: number) => {
    const out = Buffer.alloc(64);
    return out.subarray(0, writeFirstHeader(out, 0, delivery, 0x0203, id)).toString('hex');
  };
  t.is(head(LOCAL), '000203');
  t.is(head(LOCAL, 0x0a0b0c0d), '080a0b0c0d0203');
  t.is(head({ kind: 'router', router }), `40${hash}0203`);
  t.is(head(tunnel), `2001020304${hash}0203`, 'the tunnel ID before the hash');
  t.is(head(tunnel, 0x0a0b0c0d), `2801020304${hash}0a0b0c0d0203`);
  t.is(follow(0x0a0b0c0d, 63, Buffer.of(1), true).toString('hex'), 'ff0a0b0c0d000101');
  t.is(follow(0x0a0b0c0d, 1, Buffer.of(1)).toString('hex'), '820a0b0c0d000101');
});

test('a tunnel message is checksum, nonzero padding, zero, instructions', (t) => {
  const gateway = new TunnelGateway(random);
  const body = Buffer.alloc(100, 5);
  t.true(gateway.push(LOCAL, body, 1));
  const [message] = gateway.flush();
  if (!message) return t.fail();
  t.is(message.length, 1028);
  const zero = message.indexOf(0, 24);
  t.is(zero, 1028 - 103 - 1);
  t.deepEqual(message.subarray(zero + 1), Buffer.concat([Buffer.of(0, 0, 100), body]));
  const digest = sha256(message.subarray(zero + 1), message.subarray(4, 20));
  t.deepEqual(message.subarray(20, 24), Buffer.from(digest.subarray(0, 4)));
});

test('any messages in any order of tunnel messages arrive as they were', (t) => {
  const sizes = fc.array(
    fc.oneof(fc.integer({ min: 1, max: 1200 }), fc.integer({ min: 1, max: MAX_TUNNELLED_SIZE })),
    { minLength: 1, maxLength: 6 },
  );
  fc.assert(
    fc.property(sizes, fc.array(fc.nat(), { maxLength: 80 }), fc.nat(2), (lengths, order, kind) => {
      const gateway = new TunnelGateway(random);
      const delivery = deliveries[kind] ?? LOCAL;
      const sent = lengths.map((length, id) => ({ bytes: Buffer.alloc(length, id + 1), id: id + 1 }));
      for (const { bytes, id } of sent) t.true(gateway.push(delivery, bytes, id));
      const messages = gateway.flush();
      for (const [at, swap] of order.entries()) {
        const a = at % messages.length;
        const b = swap % messages.length;
        [messages[a], messages[b]] = [messages[b] as Buffer, messages[a] as Buffer];
      }
      const endpoint = new TunnelEndpoint();
      const got = messages.flatMap((message) => endpoint.accept(message, 0));
      got.sort((a, b) => (a.bytes[0] ?? 0) - (b.bytes[0] ?? 0));
      t.is(got.length, sent.length);
      t.is(endpoint.held, 0);
      for (const [at, { bytes }] of sent.entries()) {
        t.true(bytes.equals(got[at]?.bytes ?? Buffer.alloc(0)));
        t.deepEqual(got[at]?.delivery, delivery);
      }
    }),
    { numRuns: 60 },
  );
});

test('lost tunnel messages lose only what they carried, and nothing stays behind', (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 1, maxLength: 8 }),
      fc.array(fc.boolean(), { maxLength: 40 }),
      (lengths, lost) => {
        const gateway = new TunnelGateway(random);
        for (const [id, length] of lengths.entries())
          gateway.push(LOCAL, Buffer.alloc(length, id + 1), id + 1);
        const endpoint = new TunnelEndpoint();
        const arrived = gateway.flush().filter((_, at) => !lost[at]);
        const got = arrived.flatMap((message) => endpoint.accept(message, 1000));
        t.true(got.every(({ bytes }) => bytes.length === lengths[(bytes[0] ?? 0) - 1]));
        t.true(got.every(({ bytes }) => bytes.every((byte) => byte === bytes[0])));
        endpoint.expire(1000 + REASSEMBLY_TIMEOUT);
        t.is(endpoint.held, 0);
      },
    ),
    { numRuns: 60 },
  );
});

test('the largest message fits into 64 fragments and one byte more is refused', (t) => {
  for (const delivery of deliveries) {
    const gateway = new TunnelGateway(random);
    t.true(gateway.push(delivery, Buffer.alloc(MAX_TUNNELLED_SIZE, 3), 9));
    const messages = gateway.flush();
    t.true(messages.length <= 64);
    const endpoint = new TunnelEndpoint();
    t.is(messages.flatMap((message) => endpoint.accept(message, 0))[0]?.bytes.length, MAX_TUNNELLED_SIZE);
  }
  const gateway = new TunnelGateway(random);
  t.true(gateway.push(LOCAL, Buffer.alloc(500), 1));
  t.true(gateway.push({ kind: 'tunnel', router, tunnelId: 1 }, Buffer.alloc(MAX_TUNNELLED_SIZE), 2));
  t.false(gateway.push({ kind: 'tunnel', router, tunnelId: 1 }, Buffer.alloc(MAX_TUNNELLED_SIZE + 1), 2));
  t.true(MAX_TUNNELLED_SIZE >= 62_708, 'the size that the specification promises');
});

test('packing wastes little: a message never takes a tunnel message more than alone', (t) => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 12 }), (lengths) => {
      const together = new TunnelGateway(random);
      let alone = 0;
      for (const [id, length] of lengths.entries()) {
        together.push(LOCAL, Buffer.alloc(length, 1), id + 1);
        const single = new TunnelGateway(random);
        single.push(LOCAL, Buffer.alloc(length, 1), 1);
        alone += single.flush().length;
      }
      return together.flush().length <= alone;
    }),
  );
  t.pass();
});

test('duplicate fragments change nothing, whichever comes first', (t) => {
  const endpoint = new TunnelEndpoint();
  const a = around(first(1, Buffer.from('one ')));
  const b = around(follow(1, 1, Buffer.from('two'), true));
  t.deepEqual(endpoint.accept(a, 0), []);
  t.deepEqual(endpoint.accept(a, 0), []);
  t.deepEqual(endpoint.accept(around(first(1, Buffer.from('other'))), 0), []);
  t.is(Buffer.from(endpoint.accept(b, 0)[0]?.bytes ?? []).toString(), 'one two');
});

test('contradicting fragments end their message', (t) => {
  const endpoint = new TunnelEndpoint();
  const feed = (...parts: Buffer[]) => parts.flatMap((part) => endpoint.accept(around(part), 0));
  const x = Buffer.from('x');
  t.deepEqual(feed(follow(1, 2, x, true), follow(1, 3, x)), [], 'behind the last');
  t.deepEqual(feed(follow(2, 2, x, true), follow(2, 1, x, true)), [], 'two last ones');
  t.deepEqual(feed(follow(3, 5, x), follow(3, 4, x, true)), [], 'a last one before another');
  t.is(endpoint.lost, 3);
  t.is(endpoint.held, 0);
});

test('incomplete messages are bounded in number, bytes and time', (t) => {
  const endpoint = new TunnelEndpoint();
  for (let id = 1; id <= 5 * MAX_INCOMPLETE; id++) endpoint.accept(around(first(id, Buffer.alloc(10))), 0);
  t.is(endpoint.lost, 4 * MAX_INCOMPLETE);
  t.is(endpoint.held, 10 * MAX_INCOMPLETE);
  const greedy = new TunnelEndpoint();
  for (let i = 0; i < 40; i++) {
    for (let number = 1; number < 64; number++) {
      greedy.accept(around(follow(i + 1, number, Buffer.alloc(990))), 0);
      t.true(greedy.held <= MAX_HELD_BYTES);
    }
  }
  t.deepEqual(greedy.accept(around(first(999, Buffer.alloc(3))), REASSEMBLY_TIMEOUT), []);
  t.is(greedy.held, 3, 'the old ones are gone');
});

test('garbled tunnel messages throw DecodeError and nothing else', (t) => {
  const gateway = new TunnelGateway(random);
  for (const delivery of deliveries) gateway.push(delivery, Buffer.alloc(200, 1), 5);
  gateway.push(LOCAL, Buffer.alloc(1500, 1), 6);
  const [message] = gateway.flush();
  if (!message) return t.fail();
  onlyDecodeErrors(t, (bytes) => readFragments(Buffer.from(bytes)), message);
  t.is(readFragments(message).length, 3);
  const changed = Buffer.from(message);
  changed[1000] = (changed[1000] ?? 0) ^ 1;
  t.is(t.throws(() => readFragments(changed), { instanceOf: DecodeError })?.code, 'authentication');
  t.is(t.throws(() => readFragments(Buffer.alloc(1028, 1)), { instanceOf: DecodeError })?.code, 'value');
  // Well-formed checksums around instructions that are not.
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: TUNNEL_PAYLOAD_SIZE }), (content) => {
      try {
        new TunnelEndpoint().accept(around(content), 0);
      } catch (error) {
        t.true(error instanceof DecodeError);
      }
    }),
  );
  for (const [content, code] of [
    [Buffer.of(0x60, 0, 1, 1), 'value'],
    [Buffer.of(0x80, 0, 0, 0, 1, 0, 1, 1), 'value'],
    [Buffer.of(0, 0, 0), 'length'],
    [Buffer.of(0, 0, 9, 1), 'short'],
  ] as const) {
    t.is(t.throws(() => readFragments(around(content)), { instanceOf: DecodeError })?.code, code);
  }
});

test('optional header fields that nobody sends are skipped', (t) => {
  const [fragment] = readFragments(around(Buffer.of(0x14, 9, 2, 8, 8, 0, 1, 0x55)));
  t.deepEqual(Buffer.from(fragment?.body ?? []), Buffer.of(0x55));
});

test('cover traffic without instructions is silence', (t) => {
  t.deepEqual(readFragments(around(Buffer.alloc(0))), []);
});
