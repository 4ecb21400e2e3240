import test from 'ava';
import { flipBit, NOW, Pair } from './support.ts';

test('the skew that both sides measure takes half the round trip off', (t) => {
  const pair = new Pair();
  const ahead = 10_000;
  // Alice's clock is 10 s behind Bob's; each way takes 1.5 s.
  pair.alice.step({ kind: 'connected' }, NOW);
  pair.bob.step({ kind: 'connected' }, NOW + ahead);
  pair.carry(pair.alice, NOW + 1_500 + ahead);
  pair.carry(pair.bob, NOW + 3_000);
  pair.carry(pair.alice, NOW + 4_500 + ahead);
  const [seenByAlice] = pair.alice.of('skew');
  const [seenByBob] = pair.bob.of('skew');
  t.is(seenByAlice?.roundTrip, 3_000);
  t.is(seenByBob?.roundTrip, 3_000);
  // Timestamps are whole seconds, rounded.
  t.true(Math.abs((seenByAlice?.skew ?? 0) - ahead) <= 500, `${seenByAlice?.skew}`);
  t.true(Math.abs((seenByBob?.skew ?? 0) + ahead) <= 500, `${seenByBob?.skew}`);
});

test('over 60 seconds of skew Bob still answers, so that Alice learns it, and Alice gives up', (t) => {
  for (const ahead of [-62_000, 62_000]) {
    const pair = new Pair();
    pair.alice.step({ kind: 'connected' }, NOW);
    pair.bob.step({ kind: 'connected' }, NOW + ahead);
    pair.carry(pair.alice, NOW + ahead);
    pair.carry(pair.bob, NOW);
    t.deepEqual(pair.alice.closed, { stage: 'created', code: 'skew', peerFault: false });
    t.true(Math.abs((pair.alice.of('skew')[0]?.skew ?? 0) - ahead) <= 500);
    t.is(pair.alice.of('established').length, 0);
  }
});

test('a skewed Bob who has not read the padding of message 1, as i2pd, is told apart from a forger', (t) => {
  for (const [ahead, code, peerFault] of [
    [90_000, 'skew', false],
    [0, 'authentication', true],
  ] as const) {
    const pair = new Pair();
    pair.alice.step({ kind: 'connected' }, NOW);
    pair.bob.step({ kind: 'connected' }, NOW + ahead);
    t.true((pair.alice.unsent[0]?.length ?? 0) > 64);
    pair.carry(pair.alice, NOW + ahead, (bytes) => flipBit(bytes, 64 * 8));
    pair.carry(pair.bob, NOW);
    t.deepEqual(pair.alice.closed, { stage: 'created', code, peerFault });
    t.is(pair.alice.of('skew').length, 0);
  }
});
