import { decode, encode } from '@allium/common/bytes/codec.ts';
import test from 'ava';
import fc from 'fast-check';
import {
  decayed,
  HALF_LIFE,
  MAX_COUNT,
  NEW_PROFILE,
  type Profile,
  profileCodec,
  recorded,
  STAGES,
  type Stage,
  successRate,
} from '../../../services/router/peers/profile.ts';
import { PROFILE_TTL, ProfileTable } from '../../../services/router/peers/profile-table.ts';
import { codecHolds } from '../../support/codec-macro.ts';
import { NOW, someHash } from '../netdb/make.ts';

const PEER = someHash('peer');

test('counts lose half their weight every three hours', (t) => {
  let profile = NEW_PROFILE;
  for (let i = 0; i < 8; i++) profile = recorded(profile, 'accepted', NOW);
  t.is(profile.counts.accepted, 8);
  t.is(decayed(profile, NOW + HALF_LIFE).counts.accepted, 4);
  t.is(decayed(profile, NOW + 3 * HALF_LIFE).counts.accepted, 1);
  t.is(decayed(decayed(profile, NOW + HALF_LIFE), NOW + 2 * HALF_LIFE).counts.accepted, 2);
});

test('a clock that goes back neither decays nor grows anything', (t) => {
  const profile = recorded(NEW_PROFILE, 'declined', NOW);
  t.is(decayed(profile, NOW - 5_000), profile);
  const again = recorded(profile, 'declined', NOW - 5_000);
  t.is(again.counts.declined, 2);
  t.is(again.at, NOW);
});

test('a long past is overcome within some tries', (t) => {
  let profile = NEW_PROFILE;
  for (let i = 0; i < 10_000; i++) profile = recorded(profile, 'handshakeFailed', NOW);
  t.is(profile.counts.handshakeFailed, MAX_COUNT);
});

test('the reason of the last failure stays until a session is established', (t) => {
  const banned = recorded(NEW_PROFILE, 'handshakeFailed', NOW, 17);
  t.is(banned.reason, 17);
  t.is(recorded(banned, 'connectFailed', NOW).reason, 17);
  t.is(recorded(banned, 'handshakeFailed', NOW, 13).reason, 13);
  t.false('reason' in recorded(banned, 'established', NOW));
});

test('the last use is the last event that did us good', (t) => {
  const used = recorded(NEW_PROFILE, 'accepted', NOW);
  t.is(used.lastUse, NOW);
  t.is(recorded(used, 'declined', NOW + 9).lastUse, NOW);
  t.is(recorded(used, 'tested', NOW + 9).lastUse, NOW + 9);
});

test('rates start at the prior and go where the tries lead', (t) => {
  t.is(successRate(0, 0, 0.3), 0.3);
  t.true(successRate(10, 0, 0.3) > 0.8);
  t.true(successRate(0, 10, 0.3) < 0.1);
});

test('a row is written and read as laid down', (t) => {
  const counts = Object.fromEntries(STAGES.map((stage, i) => [stage, i / 4])) as Record<Stage, number>;
  const value: Profile = { at: 0x0102030405, lastUse: 0x0203040506, reason: 17, counts };
  const bytes = Buffer.from(
    [
      '01',
      '0000000102030405',
      '0000000203040506',
      '11',
      ...STAGES.map((_, i) => (i * 25).toString(16).padStart(4, '0')),
    ].join(''),
    'hex',
  );
  codecHolds(t, profileCodec, { value, bytes });
});

test('counts above the limit are damage', (t) => {
  const bytes = Buffer.from(encode(profileCodec, NEW_PROFILE));
  bytes.writeUInt16BE(MAX_COUNT * 100 + 1, 18);
  t.throws(() => decode(profileCodec, bytes), { message: /value/ });
});

test('any history survives writing and reading to a hundredth', (t) => {
  const event = fc.tuple(
    fc.constantFrom(...STAGES),
    fc.nat(10_000_000),
    fc.option(fc.nat(17), { nil: undefined }),
  );
  fc.assert(
    fc.property(fc.array(event, { maxLength: 80 }), (events) => {
      let profile = NEW_PROFILE;
      let now = NOW;
      for (const [stage, later, reason] of events) {
        now += later;
        profile = recorded(profile, stage, now, reason);
      }
      const read = decode(profileCodec, encode(profileCodec, profile));
      t.is(read.reason, profile.reason);
      t.is(read.lastUse, profile.lastUse);
      for (const stage of STAGES) t.true(Math.abs(read.counts[stage] - profile.counts[stage]) <= 0.0051);
    }),
  );
});

test('a table hands out its changes once, and deletes what it evicts', (t) => {
  const table = new ProfileTable(2);
  table.record(PEER, 'connected', NOW);
  table.record(PEER, 'established', NOW + 1);
  t.deepEqual(
    table.takeRows().map(({ key }) => key),
    [PEER],
  );
  t.deepEqual(table.takeRows(), []);
  table.record(someHash('b'), 'connected', NOW);
  table.record(someHash('c'), 'connected', NOW);
  const rows = table.takeRows();
  t.deepEqual(
    rows.find(({ key }) => key === PEER),
    { key: PEER },
  );
  t.is(rows.length, 3);
  t.is(table.size, 2);
});

test('a flood of peers stays within the bound, unsent rows too', (t) => {
  const table = new ProfileTable(50);
  for (let i = 0; i < 500; i++) table.record(someHash(`${i}`), 'connectFailed', NOW);
  t.is(table.size, 50);
  t.is(table.takeRows().filter(({ value }) => value).length, 50);
});

test('rows load; damaged, misnamed, future and old ones are counted and deleted', (t) => {
  const source = new ProfileTable();
  source.record(PEER, 'accepted', NOW, undefined);
  const [row] = source.takeRows();
  const value = row?.value ?? Buffer.alloc(0);
  const table = new ProfileTable();
  table.load(
    [
      { key: PEER, value },
      { key: someHash('short'), value: value.subarray(1) },
      { key: 'no hash', value },
      { key: someHash('version'), value: Buffer.from(value).fill(9, 0, 1) },
    ],
    NOW + 1,
  );
  t.is(table.size, 1);
  t.is(table.get(PEER, NOW).counts.accepted, 1);
  t.is(table.counters.get('row-damaged'), 3);
  t.is(table.takeRows().length, 3);
  const late = new ProfileTable();
  late.load([{ key: PEER, value }], NOW + PROFILE_TTL);
  late.load([{ key: PEER, value }], NOW - 1);
  t.is(late.size, 0);
  t.is(late.counters.get('row-outdated'), 2);
});

test('a peer without events is forgotten after two weeks', (t) => {
  const table = new ProfileTable();
  table.record(PEER, 'accepted', NOW);
  t.is(table.expire(NOW + PROFILE_TTL - 1), 0);
  t.is(table.expire(NOW + PROFILE_TTL), 1);
  t.is(table.get(PEER, NOW).counts.accepted, 0);
});

test('handshake reasons are counted by number', (t) => {
  const table = new ProfileTable();
  table.record(PEER, 'handshakeFailed', NOW, 13);
  table.record(PEER, 'handshakeFailed', NOW);
  t.is(table.counters.get('handshakeFailed-13'), 1);
  t.is(table.counters.get('handshakeFailed'), 1);
});
