import { toBase64 } from '@allium/common/bytes/text.ts';
import { ReplayCache } from '@allium/router/ntcp2/replay-cache.ts';
import { Ntcp2Session } from '@allium/router/ntcp2/session.ts';
import type { Close, Ntcp2Acceptance } from '@allium/router/ntcp2/types.ts';
import { publishedNtcp2Address, routerOptions } from '@allium/router/wire/own-router.ts';
import test from 'ava';
import { block, ForgedAlice, type Forgery, routerInfoBlock } from './forged-alice.ts';
import { ALICE_INFO, ALICE_KEYS, BOB_KEYS, bobConfig, flipBit, NOW, routerInfo, Side } from './support.ts';

interface Meeting {
  readonly bob: Side;
  /** what Bob said after message 3 */
  readonly answer?: Uint8Array;
}

function meet(forgery: Forgery, acceptance: Partial<Ntcp2Acceptance> = {}): Meeting {
  const alice = new ForgedAlice(forgery);
  const bob = new Side(Ntcp2Session.responder(bobConfig(), { replays: new ReplayCache(), ...acceptance }));
  bob.step({ kind: 'connected' }, NOW);
  bob.step({ kind: 'bytes', bytes: alice.request() }, NOW);
  const created = bob.unsent.shift();
  if (!created) return { bob };
  bob.step({ kind: 'bytes', bytes: alice.confirm(created) }, NOW);
  const frame = bob.unsent.shift();
  return frame ? { bob, answer: alice.firstFrame(frame) } : { bob };
}

const close = (stage: Close['stage'], code: Close['code'], peerFault: boolean, reason?: number): Close =>
  reason === undefined ? { stage, code, peerFault } : { stage, code, peerFault, reason };

test('an Alice written from the specification with other primitives is accepted', (t) => {
  const { bob } = meet({});
  t.is(bob.of('established')[0]?.peer, ALICE_KEYS.identity.hash);
  t.is(bob.closed, undefined);
  t.truthy(meet({ padding: 31 }).bob.of('established')[0]);
  t.truthy(meet({ netId: 0 }).bob.of('established')[0]);
});

const REQUESTS: readonly (readonly [string, Forgery, Close])[] = [
  ['another network', { netId: 2 }, close('request', 'network-id', true)],
  ['another version', { version: 3 }, close('request', 'version', true)],
  ["padding over Java's limit", { padding: 257 }, close('request', 'format', true)],
  ['a message 3 without room for a tag', { confirmedLength: 15 }, close('request', 'format', true)],
  ['a message 3 longer than any RouterInfo', { confirmedLength: 4097 }, close('request', 'format', true)],
  ['bytes behind its padding', { padding: 5, paddingSent: 6 }, close('request', 'format', true)],
];
for (const [title, forgery, expected] of REQUESTS) {
  test(`message 1 with ${title} is refused without an answer`, (t) => {
    const { bob } = meet(forgery);
    t.deepEqual(bob.closed, expected);
    t.is(bob.of('send').length, 0);
  });
}

const withInfo = (changes: Parameters<typeof routerInfo>[1]): Forgery => ({
  payload: routerInfoBlock(routerInfo(ALICE_KEYS, changes).raw),
});
const options = (netId: number, version: string): ReadonlyMap<string, string> =>
  routerOptions({ caps: 'LUG', netId, version });
const MINUTE = 60_000;

const REASONED: readonly (readonly [string, Forgery, Close])[] = [
  [
    'a broken signature',
    { payload: routerInfoBlock(flipBit(ALICE_INFO.raw, ALICE_INFO.raw.length * 8 - 9)) },
    close('confirmed', 'router-info', true, 15),
  ],
  [
    'the RouterInfo of another network',
    withInfo({ options: options(2, '0.9.68') }),
    close('confirmed', 'router-info', true, 15),
  ],
  [
    'no version',
    withInfo({ options: new Map([['netId', '99']]) }),
    close('confirmed', 'router-info', true, 15),
  ],
  ['no address', withInfo({ addresses: [] }), close('confirmed', 'router-info', true, 15)],
  [
    'a RouterInfo of 91 minutes',
    withInfo({ published: NOW - 91 * MINUTE }),
    close('confirmed', 'router-info', true, 13),
  ],
  [
    'a RouterInfo from the future',
    withInfo({ published: NOW + 3 * MINUTE }),
    close('confirmed', 'router-info', true, 13),
  ],
  [
    'a clock 62 seconds off',
    { timestamp: Math.round(NOW / 1000) - 62 },
    close('confirmed', 'skew', false, 7),
  ],
];
for (const [title, forgery, expected] of REASONED) {
  test(`${title} is refused with reason ${expected.reason}`, (t) => {
    const { bob, answer } = meet(forgery);
    t.deepEqual(bob.closed, expected);
    t.is(bob.of('established').length, 0);
    const text = Buffer.from(answer ?? []).toString('hex');
    const reason = (expected.reason ?? 0).toString(16).padStart(2, '0');
    t.true(text.startsWith(`0400090000000000000000${reason}`), text);
  });
}

test('RouterInfos just within the limits pass', (t) => {
  for (const published of [NOW - 89 * MINUTE, NOW + MINUTE]) {
    t.truthy(meet(withInfo({ published })).bob.of('established')[0]);
  }
});

const ri = routerInfoBlock(ALICE_INFO.raw);
const opts = block(1, new Uint8Array(12));
const pad = block(254, new Uint8Array(9));
const join = (...parts: Uint8Array[]): Uint8Array => Buffer.concat(parts);

const SILENT: readonly (readonly [string, Forgery, Close])[] = [
  [
    'a static key that the RouterInfo does not show',
    { staticPrivateKey: BOB_KEYS.encryption.privateKey },
    close('confirmed', 'router-info', true),
  ],
  [
    'a static key shown for SSU2 only',
    withInfo({
      addresses: [
        {
          transport: 'SSU2',
          cost: 8,
          options: new Map([
            ['s', toBase64(ALICE_KEYS.ntcp2.publicKey)],
            ['v', '2'],
          ]),
        },
      ],
    }),
    close('confirmed', 'router-info', true),
  ],
  ['no block', { payload: new Uint8Array(0) }, close('confirmed', 'format', true)],
  ['no RouterInfo', { payload: join(opts, pad) }, close('confirmed', 'format', true)],
  ['Options before the RouterInfo', { payload: join(opts, ri) }, close('confirmed', 'format', true)],
  ['Padding before Options', { payload: join(ri, pad, opts) }, close('confirmed', 'format', true)],
  ['two RouterInfos', { payload: join(ri, ri) }, close('confirmed', 'format', true)],
  ['a foreign block', { payload: join(ri, block(3, new Uint8Array(9))) }, close('confirmed', 'format', true)],
  ['half a block header', { payload: join(ri, Uint8Array.of(254, 0)) }, close('confirmed', 'format', true)],
  [
    'a block over the end',
    { payload: join(ri, Uint8Array.of(254, 0, 1)) },
    close('confirmed', 'format', true),
  ],
];
for (const [title, forgery, expected] of SILENT) {
  test(`message 3 with ${title} ends in silence`, (t) => {
    const { bob, answer } = meet(forgery);
    t.deepEqual(bob.closed, expected);
    t.is(answer, undefined);
    t.is(bob.of('established').length, 0);
  });
}

test('RouterInfo, Options and Padding in this order pass, any of the last two missing', (t) => {
  for (const payload of [join(ri, opts, pad), join(ri, pad), join(ri, opts), ri]) {
    t.truthy(meet({ payload }).bob.of('established')[0]);
  }
});

test('a peer that publishes another host of the same family than it came from is banned', (t) => {
  const published = withInfo({
    addresses: [publishedNtcp2Address(ALICE_KEYS, { host: '192.0.2.1', port: 4567 })],
  });
  t.deepEqual(
    meet(published, { remoteHost: '192.0.2.9' }).bob.closed,
    close('confirmed', 'refused', false, 17),
  );
  for (const remoteHost of ['192.0.2.1', '2001:db8::1']) {
    t.truthy(meet(published, { remoteHost }).bob.of('established')[0]);
  }
  t.truthy(meet({}, { remoteHost: '192.0.2.9' }).bob.of('established')[0]);
});

test('a peer that the node wants nothing to do with is banned', (t) => {
  const refuses = ({ hash }: { hash: string }): boolean => hash === ALICE_KEYS.identity.hash;
  t.deepEqual(meet({}, { refuses }).bob.closed, close('confirmed', 'refused', false, 17));
});

test('the replay cache forgets after twice the skew on both sides, and is bounded', (t) => {
  const cache = new ReplayCache();
  const key = (n: number): Uint8Array => {
    const bytes = Buffer.alloc(32);
    bytes.writeUInt32BE(n);
    return bytes;
  };
  t.true(cache.add(key(1), NOW));
  t.false(cache.add(key(1), NOW + 239_999));
  t.true(cache.add(key(1), NOW + 240_000));
  for (let i = 0; i < 9_000; i++) cache.add(key(i), NOW + 240_000);
  t.is(cache.size, 8_192);
});
