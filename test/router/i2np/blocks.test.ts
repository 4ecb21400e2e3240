import { DecodeError } from '@allium/common/bytes/errors.ts';
import test from 'ava';
import fc from 'fast-check';
import type { PayloadBlock } from '../../../services/router/i2np/block-types.ts';
import {
  blocksSize,
  decodeBlocks,
  encodeBlocks,
  MAX_BLOCKS,
  MAX_PAYLOAD_SIZE,
} from '../../../services/router/i2np/blocks.ts';
import type { CloveDelivery } from '../../../services/router/i2np/clove.ts';
import { onlyDecodeErrors } from '../../support/codec-macro.ts';

const HASH = Buffer.alloc(32, 0xaa);
const KEY = Buffer.alloc(32, 0xbb);
const hash = HASH.toString('hex');
const message = { type: 20, id: 0x01020304, expires: 1_800_000_000_000, payload: Buffer.from('text') };
/** the message under its 9-byte header */
const short = '14010203046b49d20074657874';

function bytesOf(...hex: readonly string[]): Buffer {
  return Buffer.from(hex.join(''), 'hex');
}

const LAYOUTS: readonly (readonly [string, PayloadBlock, string])[] = [
  ['DateTime', { kind: 'dateTime', at: 1_800_000_000_000 }, '0000046b49d200'],
  ['Termination', { kind: 'termination', reason: 1, data: bytesOf('0203') }, '040003010203'],
  ['Options', { kind: 'options', data: Buffer.alloc(21, 9) }, `050015${'09'.repeat(21)}`],
  ['Message Number', { kind: 'messageNumber', previous: 0x1234 }, '0600021234'],
  ['Next Key', { kind: 'nextKey', keyId: 5, reverse: false, requestReverse: true }, '070003040005'],
  [
    'Next Key with a key',
    { kind: 'nextKey', keyId: 32767, reverse: true, requestReverse: false, publicKey: KEY },
    `070023037fff${KEY.toString('hex')}`,
  ],
  [
    'ACK',
    {
      kind: 'ack',
      acks: [
        { tagSetId: 1, messageNumber: 2 },
        { tagSetId: 3, messageNumber: 4 },
      ],
    },
    '0800080001000200030004',
  ],
  ['ACK Request', { kind: 'ackRequest' }, '09000100'],
  ['local clove', { kind: 'clove', clove: { delivery: { kind: 'local' }, message } }, `0b000e00${short}`],
  [
    'clove for a Destination',
    { kind: 'clove', clove: { delivery: { kind: 'destination', hash: HASH }, message } },
    `0b002e20${hash}${short}`,
  ],
  [
    'clove for a router',
    { kind: 'clove', clove: { delivery: { kind: 'router', hash: HASH }, message } },
    `0b002e40${hash}${short}`,
  ],
  [
    'clove for a tunnel: hash before tunnel id',
    { kind: 'clove', clove: { delivery: { kind: 'tunnel', hash: HASH, tunnelId: 9 }, message } },
    `0b003260${hash}00000009${short}`,
  ],
  ['Padding', { kind: 'padding', length: 3 }, 'fe0003000000'],
  ['empty Padding', { kind: 'padding', length: 0 }, 'fe0000'],
];

for (const [title, block, hex] of LAYOUTS) {
  test(`${title} has the layout of the specification`, (t) => {
    t.is(Buffer.from(encodeBlocks([block])).toString('hex'), hex);
    t.is(blocksSize([block]), hex.length / 2);
    t.deepEqual(decodeBlocks(bytesOf(hex)), [block]);
    for (let length = 1; length < hex.length / 2; length++) {
      t.throws(() => decodeBlocks(bytesOf(hex).subarray(0, length)), { instanceOf: DecodeError });
    }
    onlyDecodeErrors(t, decodeBlocks, bytesOf(hex));
  });
}

const hashes = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes));
const deliveries: fc.Arbitrary<CloveDelivery> = fc.oneof(
  fc.constant({ kind: 'local' } as const),
  fc.record({ kind: fc.constantFrom('destination' as const, 'router' as const), hash: hashes }),
  fc.record({ kind: fc.constant('tunnel' as const), hash: hashes, tunnelId: fc.nat() }),
);
const blocks: fc.Arbitrary<PayloadBlock> = fc.oneof(
  fc.record({ kind: fc.constant('dateTime' as const), at: fc.nat().map((seconds) => seconds * 1000) }),
  fc.record({ kind: fc.constant('messageNumber' as const), previous: fc.nat({ max: 0xffff }) }),
  fc.constant({ kind: 'ackRequest' } as const),
  deliveries.map((delivery) => ({ kind: 'clove' as const, clove: { delivery, message } })),
);

test('any blocks come back in their order, with padding at the end', (t) => {
  fc.assert(
    fc.property(fc.array(blocks, { maxLength: 20 }), fc.nat({ max: 40 }), (some, length) => {
      const all: PayloadBlock[] = [...some, { kind: 'padding', length }];
      t.deepEqual(decodeBlocks(encodeBlocks(all)), all);
    }),
  );
});

test('unknown blocks are skipped, also behind known ones', (t) => {
  const payload = bytesOf('e00002ffff', '09000100', 'ff0000', '0a0000');
  t.deepEqual(decodeBlocks(payload), [{ kind: 'ackRequest' }]);
});

for (const [title, hex, code] of [
  ['a second Padding', 'fe0000fe0000', 'value'],
  ['a block behind Padding', 'fe000009000100', 'value'],
  ['a block behind Termination', '0400010009000100', 'value'],
  ['a second Termination', '0400010004000100', 'value'],
  ['a DateTime with more', '0000050000000000', 'trailing'],
  ['a Next Key that announces a key', '070003010000', 'short'],
  ['a Next Key with a key it does not announce', `070023000000${'00'.repeat(32)}`, 'trailing'],
  ['a key id above 32767', '070003008000', 'value'],
  ['an ACK of nothing', '080000', 'short'],
  ['half an ACK', '0800060001000200', 'short'],
  ['short Options', '0500020000', 'short'],
  ['a clove without a message', '0b000100', 'short'],
  ['a clove with a session key', `0b002e80${hash}${short}`, 'unsupported'],
  ['a clove with a delay', `0b001210${short}00000000`, 'unsupported'],
  ['a block longer than the payload', '09ffff00', 'short'],
  ['more blocks than we look at', '0a0000'.repeat(MAX_BLOCKS + 1), 'length'],
] as const) {
  test(`${title} is refused`, (t) => {
    t.is(t.throws(() => decodeBlocks(bytesOf(hex)), { instanceOf: DecodeError }).code, code);
  });
}

test('Padding may follow a Termination', (t) => {
  t.is(decodeBlocks(bytesOf('04000100', 'fe0000')).length, 2);
});

test('what the specification forbids is not written', (t) => {
  const padding: PayloadBlock = { kind: 'padding', length: 0 };
  const termination: PayloadBlock = { kind: 'termination', reason: 0, data: new Uint8Array(0) };
  const request: PayloadBlock = { kind: 'ackRequest' };
  const badKey: PayloadBlock = { kind: 'nextKey', keyId: 32768, reverse: false, requestReverse: false };
  for (const bad of [
    [padding, request],
    [termination, request],
    [badKey],
    [{ kind: 'padding', length: MAX_PAYLOAD_SIZE } as const],
    Array<PayloadBlock>(MAX_BLOCKS + 1).fill(request),
  ]) {
    t.throws(() => encodeBlocks(bad), { instanceOf: RangeError });
  }
});

test('an empty payload has no blocks', (t) => {
  t.deepEqual(decodeBlocks(new Uint8Array(0)), []);
});
