import { gunzipSync, gzipSync } from 'node:zlib';
import { DecodeError } from '@allium/common/bytes/errors.ts';
import { decodeI2cp, encodeI2cp } from '@allium/router/destination/i2cp-gzip.ts';
import test from 'ava';
import fc from 'fast-check';
import { onlyDecodeErrors } from '../../support/codec-macro.ts';

/** As i2pd's GzipNoCompression writes it: XFL 2, one stored block; ports and protocol filled in. */
function likeI2pd(payload: Buffer): Buffer {
  const frame = Buffer.from(encodeI2cp({ fromPort: 0x1234, toPort: 0x5678, protocol: 6, payload }));
  frame[8] = 2;
  return frame;
}

test('a stored frame has the bytes that i2pd reads without zlib', (t) => {
  const frame = Buffer.from(
    encodeI2cp({ fromPort: 0x1234, toPort: 0x5678, protocol: 6, payload: Buffer.from('hello') }),
  );
  t.is(
    frame.toString('hex'),
    ['1f8b0800', '1234', '5678', '00', '06', '01', '0500', 'faff', '68656c6c6f', '86a61036', '05000000'].join(
      '',
    ),
  );
});

test('zlib reads our frames, and we read zlib’s of any level', (t) => {
  const payloads = fc.oneof(
    fc.uint8Array({ maxLength: 3_000 }),
    fc.string({ maxLength: 50 }).map((text) => Buffer.from(text.repeat(40))),
  );
  fc.assert(
    fc.property(payloads, fc.boolean(), fc.integer({ min: 0, max: 9 }), (payload, compress, level) => {
      const frame = { fromPort: 80, toPort: 65_535, protocol: 17, payload };
      const bytes = encodeI2cp(frame, compress);
      t.deepEqual(gunzipSync(bytes), Buffer.from(payload));
      const read = decodeI2cp(bytes);
      t.like(read, { fromPort: 80, toPort: 65_535, protocol: 17 });
      t.deepEqual(Buffer.from(read.payload), Buffer.from(payload));
      t.deepEqual(Buffer.from(decodeI2cp(gzipSync(payload, { level })).payload), Buffer.from(payload));
    }),
  );
});

test('compression is used where it pays only', (t) => {
  const frame = { fromPort: 0, toPort: 0, protocol: 6 };
  const padding = Buffer.alloc(384, 'thirty-two bytes of pure padding');
  t.true(encodeI2cp({ ...frame, payload: padding }, true).length < 100);
  t.is(encodeI2cp({ ...frame, payload: padding }).length, 384 + 23);
  t.is(encodeI2cp({ ...frame, payload: Buffer.from('short') }, true).length, 5 + 23);
});

test('i2pd’s frames are read without a copy', (t) => {
  const bytes = likeI2pd(Buffer.from('payload'));
  const { payload, fromPort, toPort } = decodeI2cp(bytes);
  t.is(Buffer.from(payload).toString(), 'payload');
  t.is(payload.buffer, bytes.buffer);
  t.deepEqual([fromPort, toPort], [0x1234, 0x5678]);
});

test('the largest payload passes, one byte more is our mistake', (t) => {
  const frame = { fromPort: 0, toPort: 0, protocol: 18 };
  t.is(decodeI2cp(encodeI2cp({ ...frame, payload: new Uint8Array(65_535) })).payload.length, 65_535);
  t.throws(() => encodeI2cp({ ...frame, payload: new Uint8Array(65_536) }), { instanceOf: RangeError });
});

test('a frame that would grow beyond bounds is refused', (t) => {
  const bomb = gzipSync(Buffer.alloc(50_000_000));
  t.throws(() => decodeI2cp(bomb), { instanceOf: DecodeError });
});

test('damage is noticed', (t) => {
  const stored = likeI2pd(Buffer.from('payload'));
  for (const at of [0, 2, 11, 13, 16, 22, stored.length - 1]) {
    const damaged = Buffer.from(stored);
    damaged[at] = (damaged[at] ?? 0) ^ 0x40;
    t.throws(() => decodeI2cp(damaged), { instanceOf: DecodeError }, `byte ${at}`);
  }
  onlyDecodeErrors(t, decodeI2cp, stored);
  onlyDecodeErrors(t, decodeI2cp, gzipSync(Buffer.from('some text '.repeat(30))));
});
