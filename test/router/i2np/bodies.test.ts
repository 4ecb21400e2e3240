import { encode } from '@allium/common/bytes/codec.ts';
import { DecodeError } from '@allium/common/bytes/errors.ts';
import test from 'ava';
import fc from 'fast-check';
import { decodeBody, encodeBody, type I2npBody, messageOf } from '../../../services/router/i2np/body.ts';
import {
  databaseSearchReplyCodec,
  MAX_SEARCH_REPLY_PEERS,
} from '../../../services/router/i2np/database-search-reply.ts';
import { deliveryStatusCodec } from '../../../services/router/i2np/delivery-status.ts';
import {
  dataCodec,
  garlicCodec,
  outboundTunnelBuildReplyCodec,
  shortTunnelBuildCodec,
  tunnelDataCodec,
  tunnelGatewayCodec,
} from '../../../services/router/i2np/opaque.ts';
import { codecHolds, onlyDecodeErrors } from '../../support/codec-macro.ts';

const HASH = Buffer.alloc(32, 0xaa);
const PEER = Buffer.alloc(32, 0xbb);
const FROM = Buffer.alloc(32, 0xcc);
const RECORDS = [Buffer.alloc(218, 1), Buffer.alloc(218, 2)];
const TEXT = Buffer.from('text');

test('DatabaseSearchReply holds', (t) => {
  codecHolds(t, databaseSearchReplyCodec, {
    value: { kind: 'databaseSearchReply', key: HASH, peers: [PEER], from: FROM },
    bytes: Buffer.concat([HASH, Buffer.of(1), PEER, FROM]),
  });
});

test('a DatabaseSearchReply names at most 16 routers, however many it carries', (t) => {
  const many = Buffer.concat([HASH, Buffer.of(255), Buffer.alloc(255 * 32, 1), FROM]);
  const body = decodeBody({ type: 3, payload: many });
  t.true(body.kind === 'databaseSearchReply' && body.peers.length === MAX_SEARCH_REPLY_PEERS);
  t.true(body.kind === 'databaseSearchReply' && FROM.equals(body.from));
  const peers = Array<Buffer>(17).fill(PEER);
  const value = { kind: 'databaseSearchReply', key: HASH, peers, from: FROM } as const;
  t.throws(() => encode(databaseSearchReplyCodec, value), { instanceOf: RangeError });
});

test('DeliveryStatus holds', (t) => {
  codecHolds(t, deliveryStatusCodec, {
    value: { kind: 'deliveryStatus', messageId: 0x01020304, timestamp: 0x019a_bcde_f012 },
    bytes: Buffer.from('010203040000019abcdef012', 'hex'),
  });
});

test('Garlic and Data hold', (t) => {
  const bytes = Buffer.concat([Buffer.of(0, 0, 0, 4), TEXT]);
  codecHolds(t, garlicCodec, { value: { kind: 'garlic', data: TEXT }, bytes });
  codecHolds(t, dataCodec, { value: { kind: 'data', data: TEXT }, bytes });
});

test('a length of 4 GB is not believed', (t) => {
  const payload = Buffer.concat([Buffer.alloc(4, 0xff), TEXT]);
  for (const type of [11, 20]) {
    t.is(t.throws(() => decodeBody({ type, payload }), { instanceOf: DecodeError }).code, 'short');
  }
});

test('TunnelData and TunnelGateway hold', (t) => {
  const data = Buffer.alloc(1024, 7);
  codecHolds(t, tunnelDataCodec, {
    value: { kind: 'tunnelData', tunnelId: 0xfffffffe, data },
    bytes: Buffer.concat([Buffer.from('fffffffe', 'hex'), data]),
  });
  codecHolds(t, tunnelGatewayCodec, {
    value: { kind: 'tunnelGateway', tunnelId: 9, data: TEXT },
    bytes: Buffer.concat([Buffer.from('000000090004', 'hex'), TEXT]),
  });
});

test('the build messages hold', (t) => {
  const bytes = Buffer.concat([Buffer.of(2), ...RECORDS]);
  codecHolds(t, shortTunnelBuildCodec, { value: { kind: 'shortTunnelBuild', records: RECORDS }, bytes });
  const reply = { kind: 'outboundTunnelBuildReply', records: RECORDS } as const;
  codecHolds(t, outboundTunnelBuildReplyCodec, { value: reply, bytes });
});

test('no or more than 8 build records are refused', (t) => {
  for (const count of [0, 9, 255]) {
    const payload = Buffer.concat([Buffer.of(count), Buffer.alloc(count * 218)]);
    t.is(t.throws(() => decodeBody({ type: 25, payload }), { instanceOf: DecodeError }).code, 'length');
    const records = Array<Buffer>(count).fill(Buffer.alloc(218));
    t.throws(() => encodeBody({ kind: 'shortTunnelBuild', records }), { instanceOf: RangeError });
  }
});

const BODIES: readonly [number, I2npBody][] = [
  [2, { kind: 'databaseLookup', key: HASH, from: FROM, lookup: 'leaseSet', exclude: [] }],
  [3, { kind: 'databaseSearchReply', key: HASH, peers: [], from: FROM }],
  [10, { kind: 'deliveryStatus', messageId: 1, timestamp: 2 }],
  [11, { kind: 'garlic', data: TEXT }],
  [18, { kind: 'tunnelData', tunnelId: 1, data: Buffer.alloc(1024) }],
  [19, { kind: 'tunnelGateway', tunnelId: 1, data: TEXT }],
  [20, { kind: 'data', data: TEXT }],
  [25, { kind: 'shortTunnelBuild', records: RECORDS }],
  [26, { kind: 'outboundTunnelBuildReply', records: RECORDS }],
];

for (const [type, body] of BODIES) {
  test(`${body.kind} travels as type ${type}`, (t) => {
    const message = messageOf(body, 5, 6000);
    t.like(message, { type, id: 5, expires: 6000 });
    t.deepEqual(decodeBody(message), body);
    onlyDecodeErrors(t, (payload) => decodeBody({ type, payload }), message.payload);
  });
}

test('long tunnel builds and unknown types are unsupported', (t) => {
  for (const type of [0, 4, 21, 22, 23, 24, 27, 255]) {
    const error = t.throws(() => decodeBody({ type, payload: TEXT }), { instanceOf: DecodeError });
    t.is(error.code, 'unsupported');
  }
});

test('no type and payload throw anything but DecodeError', (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 30 }), fc.uint8Array({ maxLength: 2000 }), (type, payload) => {
      try {
        t.is(encodeBody(decodeBody({ type, payload })).type, type);
      } catch (error) {
        t.true(error instanceof DecodeError);
      }
    }),
  );
});
