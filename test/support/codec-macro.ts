import { type Codec, decode, encode } from '@allium/common/bytes/codec.ts';
import { DecodeError } from '@allium/common/bytes/errors.ts';
import { ByteReader } from '@allium/common/bytes/reader.ts';
import type { ExecutionContext } from 'ava';
import fc from 'fast-check';

export interface CodecFixture<T> {
  readonly value: T;
  /** the same value on the wire; from the specification, or recorded from another implementation */
  readonly bytes: Uint8Array;
}

/**
 * What every codec owes: the vector both ways, a prefix never passes, bytes behind it are left alone by `read`
 * and refused by `decode`, and no input whatever throws anything but `DecodeError`.
 */
export function codecHolds<T>(t: ExecutionContext, codec: Codec<T>, fixture: CodecFixture<T>): void {
  t.deepEqual(
    Buffer.from(encode(codec, fixture.value)),
    Buffer.from(fixture.bytes),
    'encode gives the vector',
  );
  t.deepEqual(
    Buffer.from(encode(codec, decode(codec, fixture.bytes))),
    Buffer.from(fixture.bytes),
    'decode reads it',
  );
  for (let length = 0; length < fixture.bytes.length; length++) {
    t.throws(
      () => decode(codec, fixture.bytes.subarray(0, length)),
      { instanceOf: DecodeError },
      `prefix ${length}`,
    );
  }
  const longer = new ByteReader(Buffer.concat([fixture.bytes, Buffer.of(1, 2, 3)]), codec.structure);
  codec.read(longer);
  t.is(longer.remaining, 3, 'what follows is left unread');
  t.throws(() => decode(codec, Buffer.concat([fixture.bytes, Buffer.of(0)])), { instanceOf: DecodeError });
  onlyDecodeErrors(t, (bytes) => decode(codec, bytes), fixture.bytes);
}

/** Random input and the vector with flipped bits never throw anything but `DecodeError`. */
export function onlyDecodeErrors(
  t: ExecutionContext,
  read: (bytes: Uint8Array) => unknown,
  seed: Uint8Array,
): void {
  const attempt = (bytes: Uint8Array): void => {
    try {
      read(bytes);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
    }
  };
  fc.assert(fc.property(fc.uint8Array({ maxLength: seed.length + 64 }), attempt));
  fc.assert(
    fc.property(fc.nat({ max: Math.max(0, seed.length * 8 - 1) }), (bit) => {
      const bytes = Buffer.from(seed);
      if (bytes.length === 0) return;
      bytes[bit >>> 3] = (bytes[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
      attempt(bytes);
    }),
  );
  t.pass();
}
