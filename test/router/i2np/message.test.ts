import { createHash } from 'node:crypto';
import { DecodeError } from '@allium/common/bytes/errors.ts';
import test from 'ava';
import fc from 'fast-check';
import {
  decodeLong,
  decodeShort,
  encodeLong,
  encodeShort,
  type I2npMessage,
  longMessageCodec,
  SHORT_HEADER_SIZE,
} from '../../../services/router/i2np/message.ts';
import { decodeTunnelled } from '../../../services/router/tunnel/tunnelled.ts';
import { codecHolds } from '../../support/codec-macro.ts';

const message: I2npMessage = {
  type: 20,
  id: 0xdeadbeef,
  expires: 0x019a_bcde_f012,
  payload: Buffer.from('payload'),
};

const messages = fc.record({
  type: fc.integer({ min: 0, max: 255 }),
  id: fc.integer({ min: 0, max: 0xffffffff }),
  expires: fc.integer({ min: 0, max: 0xfffffff0 }).map((seconds) => seconds * 1000),
  payload: fc.uint8Array({ maxLength: 3000 }).map((bytes) => Buffer.from(bytes)),
});

test('the long header is 16 bytes with a checksum', (t) => {
  const sum = createHash('sha256').update('payload').digest().subarray(0, 1);
  const header = Buffer.from('14deadbeef0000019abcdef0120007', 'hex');
  codecHolds(t, longMessageCodec, { value: message, bytes: Buffer.concat([header, sum, message.payload]) });
});

test('a wrong checksum is refused', (t) => {
  const bytes = encodeLong(message);
  bytes[16] = (bytes[16] ?? 0) ^ 1;
  t.is(t.throws(() => decodeLong(bytes), { instanceOf: DecodeError }).code, 'authentication');
});

test('the short header is 9 bytes and counts seconds', (t) => {
  const bytes = encodeShort({ ...message, expires: 1_800_000_000_499 });
  t.is(Buffer.from(bytes).toString('hex'), '14deadbeef6b49d2007061796c6f6164');
  t.deepEqual(decodeShort(bytes), { ...message, expires: 1_800_000_000_000 });
  t.is(decodeShort(encodeShort({ ...message, expires: 1_800_000_000_500 })).expires, 1_800_000_001_000);
});

test('less than a header is refused', (t) => {
  const bytes = encodeShort(message);
  for (let length = 0; length < SHORT_HEADER_SIZE; length++) {
    t.throws(() => decodeShort(bytes.subarray(0, length)), { instanceOf: DecodeError });
  }
  t.is(decodeShort(bytes.subarray(0, SHORT_HEADER_SIZE)).payload.length, 0);
});

test('any message comes back under both headers', (t) => {
  fc.assert(
    fc.property(messages, (any) => {
      t.deepEqual(decodeLong(encodeLong(any)), any);
      t.deepEqual(decodeShort(encodeShort(any)), any);
    }),
  );
});

test('a payload that the size field cannot name is a programming error', (t) => {
  t.throws(() => encodeLong({ ...message, payload: Buffer.alloc(0x10000) }), { instanceOf: RangeError });
});

test('an end that no short header can say is taken for the last one that it can', (t) => {
  const far = { type: 20, id: 1, expires: 2 ** 52, payload: Buffer.of(1) };
  const { expires } = decodeLong(encodeLong(far));
  t.is(expires, 0xffff_ffff * 1_000);
  t.is(decodeShort(encodeShort({ ...far, expires })).expires, expires);
  t.is(decodeTunnelled(encodeLong(far)).expires, expires);
});
