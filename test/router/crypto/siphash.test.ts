import { LengthMask, sipHash24 } from '@allium/router/crypto/siphash.ts';
import test from 'ava';
import fc from 'fast-check';

const KEY = Uint8Array.from({ length: 16 }, (_, i) => i);
const bytes16 = fc.uint8Array({ minLength: 16, maxLength: 16 });

/** Reference implementation's table: key 00…0f, message 00…(n-1). n = 15 is also appendix A of the paper. */
const VECTORS: readonly (readonly [number, string])[] = [
  [0, '310e0edd47db6f72'],
  [1, 'fd67dc93c539f874'],
  [2, '5a4fa9d909806c0d'],
  [3, '2d7efbd796666785'],
  [7, '37d1018bf50002ab'],
  [8, '6224939a79f5f593'],
  [15, 'e545be4961ca29a1'],
];

for (const [length, expected] of VECTORS) {
  test(`the paper's vector of ${length} bytes fits`, (t) => {
    t.is(
      Buffer.from(
        sipHash24(
          KEY,
          Uint8Array.from({ length }, (_, i) => i),
        ),
      ).toString('hex'),
      expected,
    );
  });
}

test('any key and message agree with the paper written in 64-bit arithmetic', (t) => {
  fc.assert(
    fc.property(bytes16, fc.uint8Array({ maxLength: 40 }), (key, message) => {
      t.deepEqual(Buffer.from(sipHash24(key, message)), bigSipHash(key, message));
    }),
  );
});

test('frame length masks are the low two bytes of the running hash', (t) => {
  fc.assert(
    fc.property(bytes16, fc.uint8Array({ minLength: 8, maxLength: 8 }), (key, iv) => {
      const masks = new LengthMask(key, iv);
      let running: Uint8Array = iv;
      for (let i = 0; i < 5; i++) {
        running = sipHash24(key, running);
        t.is(masks.next(), Buffer.from(running).readUInt16LE(0));
      }
    }),
  );
});

test('a key of the wrong size is our fault', (t) => {
  t.throws(() => sipHash24(new Uint8Array(15), KEY), { instanceOf: RangeError });
  t.throws(() => new LengthMask(KEY, new Uint8Array(7)), { instanceOf: RangeError });
});

function bigSipHash(key: Uint8Array, message: Uint8Array): Buffer {
  const k = Buffer.from(key);
  const k0 = k.readBigUInt64LE(0);
  const k1 = k.readBigUInt64LE(8);
  const mask = (1n << 64n) - 1n;
  const rotate = (x: bigint, n: bigint): bigint => ((x << n) | (x >> (64n - n))) & mask;
  let a = k0 ^ 0x736f6d6570736575n;
  let b = k1 ^ 0x646f72616e646f6dn;
  let c = k0 ^ 0x6c7967656e657261n;
  let d = k1 ^ 0x7465646279746573n;
  const rounds = (n: number): void => {
    for (let i = 0; i < n; i++) {
      a = (a + b) & mask;
      b = rotate(b, 13n) ^ a;
      a = rotate(a, 32n);
      c = (c + d) & mask;
      d = rotate(d, 16n) ^ c;
      a = (a + d) & mask;
      d = rotate(d, 21n) ^ a;
      c = (c + b) & mask;
      b = rotate(b, 17n) ^ c;
      c = rotate(c, 32n);
    }
  };
  const padded = Buffer.alloc((message.length & ~7) + 8);
  padded.set(message);
  padded[padded.length - 1] = message.length & 0xff;
  for (let at = 0; at < padded.length; at += 8) {
    const word = padded.readBigUInt64LE(at);
    d ^= word;
    rounds(2);
    a ^= word;
  }
  c ^= 0xffn;
  rounds(4);
  const out = Buffer.alloc(8);
  out.writeBigUInt64LE(a ^ b ^ c ^ d);
  return out;
}
