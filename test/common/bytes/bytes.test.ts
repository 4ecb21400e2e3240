import { concatBytes, equalBytes } from '@allium/common/bytes/compare.ts';
import { DecodeError } from '@allium/common/bytes/errors.ts';
import { ByteReader } from '@allium/common/bytes/reader.ts';
import { fromBase32, fromBase64, toBase32, toBase64 } from '@allium/common/bytes/text.ts';
import { ByteWriter } from '@allium/common/bytes/writer.ts';
import test from 'ava';
import fc from 'fast-check';

test('a reader gives back what a writer wrote', (t) => {
  const u64 = fc.nat({ max: Number.MAX_SAFE_INTEGER });
  const fields = fc.tuple(fc.nat(255), fc.nat(65_535), fc.nat(0xffff_ffff), u64, fc.uint8Array());
  fc.assert(
    fc.property(fields, ([a, b, c, d, e]) => {
      const bytes = new ByteWriter(15 + e.length).u8(a).u16(b).u32(c).u64(d).bytes(e).finish();
      const input = new ByteReader(bytes, 'Test');
      const read = [input.u8(), input.u16(), input.u32(), input.u64(), Uint8Array.from(input.rest())];
      input.expectEnd();
      return JSON.stringify(read) === JSON.stringify([a, b, c, d, e]);
    }),
  );
  t.pass();
});

test('reading past the end says which structure was short and where', (t) => {
  const input = new ByteReader(Buffer.of(1, 2, 3), 'Lease');
  input.u16();
  const error = t.throws(() => input.u32(), { instanceOf: DecodeError });
  t.deepEqual(error?.detail, { code: 'short', structure: 'Lease', offset: 2 });
  t.throws(() => input.bytes(-1), { instanceOf: DecodeError });
  t.throws(() => input.bytes(Number.NaN), { instanceOf: DecodeError });
  t.is(input.remaining, 1, 'a failed read takes nothing');
});

test('an integer above 2^53-1 is refused', (t) => {
  const error = t.throws(() => new ByteReader(Buffer.alloc(8, 0xff), 'Date').u64(), {
    instanceOf: DecodeError,
  });
  t.is(error?.code, 'value');
});

test('a writer refuses to overflow and to finish early', (t) => {
  t.throws(() => new ByteWriter(2).u32(1), { instanceOf: RangeError });
  t.throws(() => new ByteWriter(2).bytes(Buffer.alloc(3)), { instanceOf: RangeError });
  t.throws(() => new ByteWriter(2).u8(1).finish(), { instanceOf: RangeError });
  t.throws(() => new ByteWriter(8).u64(2 ** 53), { instanceOf: RangeError });
});

test('Base64 and Base32 read what they wrote, and I2P Base64 differs from the standard one in two letters', (t) => {
  t.is(toBase64(Buffer.of(0xfb, 0xff, 0xbe)), '-~--');
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      return equalBytes(fromBase64(toBase64(bytes)), bytes) && equalBytes(fromBase32(toBase32(bytes)), bytes);
    }),
  );
});

const rfc4648: [string, string][] = [
  ['f', 'my'],
  ['fo', 'mzxq'],
  ['foo', 'mzxw6'],
  ['foob', 'mzxw6yq'],
  ['foobar', 'mzxw6ytboi'],
];
for (const [plain, text] of rfc4648) {
  test(`RFC 4648 Base32 of ${plain}`, (t) => {
    t.is(toBase32(Buffer.from(plain)), text);
    t.is(Buffer.from(fromBase32(text.toUpperCase())).toString(), plain);
  });
}

for (const text of ['a', 'mz=', 'm1', 'mz', 'aaa']) {
  test(`Base32 refuses ${text}`, (t) => {
    t.throws(() => fromBase32(text), { instanceOf: DecodeError });
  });
}

for (const text of ['ab', 'a+==', 'ab c', 'AB==AB==', 'AQ=', 'AR==']) {
  test(`Base64 refuses ${text}`, (t) => {
    t.throws(() => fromBase64(text), { instanceOf: DecodeError });
  });
}

test('equality sees every byte and the length', (t) => {
  t.true(equalBytes(Buffer.of(1, 2), concatBytes(Buffer.of(1), Buffer.of(2))));
  t.false(equalBytes(Buffer.of(1, 2), Buffer.of(1, 3)));
  t.false(equalBytes(Buffer.of(1, 2), Buffer.of(1, 2, 0)));
});
