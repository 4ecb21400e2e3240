import { gzipSync } from 'node:zlib';
import { decode, encode } from '@allium/common/bytes/codec.ts';
import { DecodeError } from '@allium/common/bytes/errors.ts';
import test from 'ava';
import { databaseStoreCodec, storeOf } from '../../../services/router/i2np/database-store.ts';
import { createDestinationKeys } from '../../../services/router/wire/destination.ts';
import { hashBytes } from '../../../services/router/wire/hash.ts';
import { decodeLeaseSet2 } from '../../../services/router/wire/lease-set2.ts';
import { decodeRouterInfo } from '../../../services/router/wire/router-info.ts';
import { codecHolds, onlyDecodeErrors } from '../../support/codec-macro.ts';
import { recordedEntropy } from '../../support/entropy.ts';
import {
  encryptedLeaseSet,
  metaLeaseSet,
  type OddLeaseSet,
  oldLeaseSet,
  strangelyDelegated,
  strangelySigned,
} from '../../support/odd-lease-sets.ts';
import { bytesOf, flipped, leaseSetVectors, named, routerInfoVectors } from '../wire/vectors.ts';

const routerInfo = decodeRouterInfo(bytesOf(named(routerInfoVectors, 'flood').hex));
const leaseSet = decodeLeaseSet2(bytesOf(named(leaseSetVectors, 'flood').hex));
const ROUTER_KEY = hashBytes(routerInfo.hash);
const LEASE_SET_KEY = hashBytes(leaseSet.hash);
const GATEWAY = Buffer.alloc(32, 0xbb);
const NO_REPLY = Buffer.alloc(4);

function compressed(bytes: Uint8Array): Buffer {
  const body = gzipSync(bytes);
  return Buffer.concat([Buffer.of(body.length >>> 8, body.length & 0xff), body]);
}

function code(bytes: Uint8Array): string {
  try {
    decode(databaseStoreCodec, bytes);
    return 'accepted';
  } catch (error) {
    if (error instanceof DecodeError) return error.code;
    throw error;
  }
}

test('a RouterInfo is stored compressed and comes back', (t) => {
  const value = storeOf({ what: 'routerInfo', routerInfo });
  const bytes = encode(databaseStoreCodec, value);
  codecHolds(t, databaseStoreCodec, { value, bytes });
  t.true(bytes.length < routerInfo.raw.length);
  const read = decode(databaseStoreCodec, bytes);
  t.true(read.entry.what === 'routerInfo' && Buffer.from(routerInfo.raw).equals(read.entry.routerInfo.raw));
  t.is(read.reply, undefined);
});

test("the gzip header is that of Java routers and hides the operating system's", (t) => {
  const bytes = encode(databaseStoreCodec, storeOf({ what: 'routerInfo', routerInfo }));
  t.is(Buffer.from(bytes.subarray(39, 49)).toString('hex'), '1f8b08000000000002ff');
  t.is(Buffer.from(bytes).readUInt16BE(37), bytes.length - 39);
});

test('a RouterInfo that another program compressed is read', (t) => {
  for (const level of [0, 1, 9]) {
    const body = gzipSync(routerInfo.raw, { level });
    const size = Buffer.of(body.length >>> 8, body.length & 0xff);
    t.is(code(Buffer.concat([ROUTER_KEY, Buffer.of(0), NO_REPLY, size, body])), 'accepted');
  }
});

test('a LeaseSet2 is the rest of the message, behind the reply fields', (t) => {
  const value = storeOf({ what: 'leaseSet', leaseSet }, { token: 0x01020304, tunnelId: 7, gateway: GATEWAY });
  const bytes = encode(databaseStoreCodec, value);
  const head = Buffer.concat([
    LEASE_SET_KEY,
    Buffer.of(3),
    Buffer.of(1, 2, 3, 4),
    Buffer.of(0, 0, 0, 7),
    GATEWAY,
  ]);
  t.deepEqual(Buffer.from(bytes), Buffer.concat([head, leaseSet.raw]));
  t.deepEqual(decode(databaseStoreCodec, bytes), {
    ...value,
    reply: { token: 0x01020304, tunnelId: 7, gateway: GATEWAY },
  });
  for (let length = 0; length < bytes.length; length++) {
    t.not(code(bytes.subarray(0, length)), 'accepted');
  }
  t.is(code(Buffer.concat([bytes, Buffer.of(0)])), 'trailing');
  onlyDecodeErrors(t, (input) => decode(databaseStoreCodec, input), bytes);
});

test('no flipped bit of key or entry passes for another entry', (t) => {
  const router = encode(databaseStoreCodec, storeOf({ what: 'routerInfo', routerInfo }));
  for (let at = 0; at < router.length; at++) {
    // Some bits change how the same bytes are compressed; ignored are the gzip header's and the type's upper bits.
    const changed = flipped(router, at);
    if (code(changed) !== 'accepted') continue;
    const { entry } = decode(databaseStoreCodec, changed);
    t.true(entry.what === 'routerInfo' && Buffer.from(routerInfo.raw).equals(entry.routerInfo.raw));
  }
  const lease = encode(databaseStoreCodec, storeOf({ what: 'leaseSet', leaseSet }));
  for (let at = 0; at < 32; at++) t.is(code(flipped(lease, at)), 'value');
  for (let at = 37; at < lease.length; at++) t.not(code(flipped(lease, at)), 'accepted');
});

test('an entry under another key is refused', (t) => {
  t.is(code(Buffer.concat([LEASE_SET_KEY, Buffer.of(0), NO_REPLY, compressed(routerInfo.raw)])), 'value');
  t.is(code(Buffer.concat([ROUTER_KEY, Buffer.of(3), NO_REPLY, leaseSet.raw])), 'value');
});

test('a gzip bomb is stopped at the size of a RouterInfo', (t) => {
  const head = Buffer.concat([ROUTER_KEY, Buffer.of(0), NO_REPLY]);
  const bomb = compressed(Buffer.alloc(40_000_000));
  t.true(bomb.length < 0xffff, 'fits in one message');
  // 'length' would mean that it was inflated first and measured afterwards.
  t.is(code(Buffer.concat([head, bomb])), 'value');
  t.is(code(Buffer.concat([head, compressed(Buffer.concat([routerInfo.raw, Buffer.alloc(3072)]))])), 'value');
});

test('what is no gzip, is cut off, or has bytes behind it is refused', (t) => {
  const good = compressed(routerInfo.raw);
  const head = Buffer.concat([ROUTER_KEY, Buffer.of(0), NO_REPLY]);
  t.is(code(Buffer.concat([head, Buffer.of(0, 4), Buffer.from('text')])), 'value');
  t.is(code(Buffer.concat([head, Buffer.of(0, 0)])), 'value');
  t.is(code(Buffer.concat([head, good.subarray(0, -1)])), 'short');
  t.is(code(Buffer.concat([head, good, Buffer.of(0)])), 'trailing');
  const cut = good.subarray(0, -20);
  cut.writeUInt16BE(cut.length - 2, 0);
  t.is(code(Buffer.concat([head, cut])), 'value');
});

test('types that nobody has defined are unsupported, the upper type bits ignored', (t) => {
  for (const type of [2, 9, 15]) {
    t.is(code(Buffer.concat([LEASE_SET_KEY, Buffer.of(type), NO_REPLY, leaseSet.raw])), 'unsupported');
  }
  t.is(code(Buffer.concat([LEASE_SET_KEY, Buffer.of(0xf3), NO_REPLY, leaseSet.raw])), 'accepted');
});

const AT = Date.UTC(2026, 10, 24);
const odd = createDestinationKeys(recordedEntropy('odd'));
const unreadable: [string, OddLeaseSet, boolean][] = [
  ['old', oldLeaseSet(odd, AT), true],
  ['Meta', metaLeaseSet(odd, AT), true],
  ['encrypted', encryptedLeaseSet(recordedEntropy('blinded'), AT), true],
  ['strangely signed', strangelySigned(odd, AT), true],
  ['strangely delegated', strangelyDelegated(odd, AT), false],
];
for (const [name, { type, raw, hash }, proven] of unreadable) {
  test(`${name} LeaseSets are known for what they are, and whether their owner made them`, (t) => {
    const bytes = Buffer.concat([hashBytes(hash), Buffer.of(type), NO_REPLY, raw]);
    const { entry } = decode(databaseStoreCodec, bytes);
    t.like(entry, { what: 'unreadable', leaseSet: { type, hash, proven } });
    t.deepEqual(Buffer.from(encode(databaseStoreCodec, storeOf(entry))), bytes);
    t.is(code(Buffer.concat([ROUTER_KEY, bytes.subarray(32)])), 'value', 'under another key');
    onlyDecodeErrors(t, (input) => decode(databaseStoreCodec, input), bytes);
    for (let at = 37; at < bytes.length; at += 13) {
      const changed = flipped(bytes, at);
      if (code(changed) !== 'accepted' || type === 5 || name === 'strangely signed') continue;
      const { entry: other } = decode(databaseStoreCodec, changed);
      t.like(other, { leaseSet: { proven: false } }, `byte ${at}`);
    }
  });
}

test('what is stored does not view the message', (t) => {
  const input = Buffer.from(encode(databaseStoreCodec, storeOf({ what: 'leaseSet', leaseSet })));
  const { entry } = decode(databaseStoreCodec, input);
  input.fill(0);
  t.true(entry.what === 'leaseSet' && Buffer.from(leaseSet.raw).equals(entry.leaseSet.raw));
});
