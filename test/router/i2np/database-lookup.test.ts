import { decode, encode } from '@allium/common/bytes/codec.ts';
import { DecodeError } from '@allium/common/bytes/errors.ts';
import test from 'ava';
import {
  type DatabaseLookup,
  databaseLookupCodec,
  MAX_EXCLUDED_PEERS,
} from '../../../services/router/i2np/database-lookup.ts';
import { codecHolds } from '../../support/codec-macro.ts';

const KEY = Buffer.alloc(32, 0xaa);
const FROM = Buffer.alloc(32, 0xbb);
const PEER = Buffer.alloc(32, 0xcc);
const REPLY_KEY = Buffer.alloc(32, 0xdd);
const TAG = Buffer.alloc(8, 0xee);

const plain: DatabaseLookup = {
  kind: 'databaseLookup',
  key: KEY,
  from: FROM,
  lookup: 'routerInfo',
  exclude: [],
};

function layout(flags: number, ...rest: readonly Uint8Array[]): Buffer {
  return Buffer.concat([KEY, FROM, Buffer.of(flags), ...rest]);
}

test('a direct lookup holds', (t) => {
  codecHolds(t, databaseLookupCodec, { value: plain, bytes: layout(0x08, Buffer.of(0, 0)) });
});

test('a lookup with reply tunnel, excluded peers and one-time key holds', (t) => {
  codecHolds(t, databaseLookupCodec, {
    value: {
      ...plain,
      lookup: 'leaseSet',
      replyTunnelId: 0x01020304,
      exclude: [PEER, KEY],
      reply: { key: REPLY_KEY, tag: TAG },
    },
    bytes: layout(0x15, Buffer.of(1, 2, 3, 4), Buffer.of(0, 2), PEER, KEY, REPLY_KEY, Buffer.of(1), TAG),
  });
});

test('bits 3 and 2 say what is sought', (t) => {
  for (const [lookup, flags] of [
    ['any', 0x00],
    ['leaseSet', 0x04],
    ['routerInfo', 0x08],
    ['exploratory', 0x0c],
  ] as const) {
    t.is(encode(databaseLookupCodec, { ...plain, lookup })[64], flags);
    t.is(decode(databaseLookupCodec, layout(flags, Buffer.of(0, 0))).lookup, lookup);
  }
});

test('reserved bits are ignored', (t) => {
  t.deepEqual(decode(databaseLookupCodec, layout(0xe8, Buffer.of(0, 0))), plain);
});

for (const [title, bytes, code] of [
  ['an answer for ElGamal', layout(0x0a, Buffer.of(0, 0), REPLY_KEY, Buffer.of(1), REPLY_KEY), 'unsupported'],
  ['bits 4 and 1 together', layout(0x1a, Buffer.of(0, 0), REPLY_KEY, Buffer.of(1), TAG), 'unsupported'],
  ['no reply tag', layout(0x18, Buffer.of(0, 0), REPLY_KEY, Buffer.of(0)), 'value'],
  ['two reply tags', layout(0x18, Buffer.of(0, 0), REPLY_KEY, Buffer.of(2), TAG, TAG), 'value'],
  ['513 excluded peers', layout(0x08, Buffer.of(2, 1), Buffer.alloc(513 * 32)), 'length'],
  ['excluded peers that are not there', layout(0x08, Buffer.of(2, 0), Buffer.alloc(511 * 32)), 'short'],
] as const) {
  test(`${title}: refused`, (t) => {
    t.is(t.throws(() => decode(databaseLookupCodec, bytes), { instanceOf: DecodeError }).code, code);
  });
}

test('512 excluded peers pass', (t) => {
  const exclude = Array<Buffer>(MAX_EXCLUDED_PEERS).fill(PEER);
  t.is(decode(databaseLookupCodec, encode(databaseLookupCodec, { ...plain, exclude })).exclude.length, 512);
  const more = { ...plain, exclude: [...exclude, PEER] };
  t.throws(() => encode(databaseLookupCodec, more), { instanceOf: RangeError });
});

test('a reply key of wrong length is a programming error', (t) => {
  const value = { ...plain, reply: { key: TAG, tag: REPLY_KEY } };
  t.throws(() => encode(databaseLookupCodec, value), { instanceOf: RangeError });
});
