import {
  elligatorDecode,
  elligatorEncode,
  elligatorKeyPair,
  representativeOf,
} from '@allium/router/crypto/elligator2.ts';
import { x25519Public } from '@allium/router/crypto/x25519.ts';
import test from 'ava';
import fc from 'fast-check';
import { recordedEntropy } from '../../support/entropy.ts';

const fromHex = (value: string): Buffer => Buffer.from(value, 'hex');
const hex = (value: Uint8Array | undefined): string => Buffer.from(value ?? []).toString('hex');

/** Numbers from i2pd's tests/test-elligator.cpp: representative, then key. */
const DECODED = [
  [
    'e73507d38bae63992b3f57aac48c0abc14509589288457995a2b4ca3490aa207',
    '1e8afffed6bf53fe271ad572473262ded8faec68e5e67ef45ebb82eeba52604f',
  ],
  [
    '95a16019041dbefed9832048ede11928d90365f24a38aa7aef1b97e23954101b',
    '794f05ba3e3a72958022468c88981e0be5782be1e1145ce2c3c6fde16ded5363',
  ],
  [
    'f6ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff3f',
    '9cdb525555555555555555555555555555555555555555555555555555555555',
  ],
] as const;

test('representatives decode to the keys of i2pd', (t) => {
  for (const [representative, key] of DECODED) t.is(hex(elligatorDecode(fromHex(representative))), key);
});

test('a key encodes to both representatives of i2pd', (t) => {
  const key = fromHex('33951964003c940878063ccfd0348af42150ca16d2646f2c5856e8338377d880');
  t.is(hex(representativeOf(key, false)), '2820b6b241e0f68a6c4a7fee3d978228ef3ae45533cd410aa91a415331d8612d');
  t.is(hex(representativeOf(key, true)), '3cfb87c46c0b4575ca8175e0ed1c0ae9dae79db78df86997c4847b9f20b27718');
});

test('a key that i2pd cannot encode has no representative here', (t) => {
  const key = fromHex('e6f66fdf6e230c603c5e6e59a254ea1476a13eb9511b9549846781e12e52230a');
  t.is(elligatorEncode(key, recordedEntropy('failed')), undefined);
});

test('every 32 bytes decode to a key with a representative that decodes to it again', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.boolean(), (bytes, high) => {
      const key = elligatorDecode(bytes);
      const back = representativeOf(key, high);
      t.is(hex(elligatorDecode(back ?? new Uint8Array(32))), hex(key));
    }),
    { numRuns: 50 },
  );
});

test('generated pairs decode to their key and use all four values of the top bits', (t) => {
  const random = recordedEntropy('pairs');
  const tops = new Set<number>();
  for (let i = 0; i < 40; i++) {
    const { keyPair, representative } = elligatorKeyPair(random);
    t.is(hex(elligatorDecode(representative)), hex(keyPair.publicKey));
    t.is(hex(x25519Public(keyPair.privateKey)), hex(keyPair.publicKey));
    tops.add((representative[31] ?? 0) >>> 6);
  }
  t.is(tops.size, 4);
});

test('broken entropy ends in an error, not in a loop', (t) => {
  const failing = fromHex('e6f66fdf6e230c603c5e6e59a254ea1476a13eb9511b9549846781e12e52230a');
  let stuck = failing;
  for (let i = 1; elligatorEncode(x25519Public(stuck), recordedEntropy('x')); i++)
    stuck = Buffer.alloc(32, i);
  t.throws(() => elligatorKeyPair((n) => stuck.subarray(0, n)), { instanceOf: RangeError });
});
