import { CONNECT_TIMEOUT, HANDSHAKE_TIMEOUT } from '@allium/router/ntcp2/limits.ts';
import { ReplayCache } from '@allium/router/ntcp2/replay-cache.ts';
import { Ntcp2Session } from '@allium/router/ntcp2/session.ts';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { recordedEntropy } from '../../support/entropy.ts';
import {
  ALICE_INFO,
  ALICE_KEYS,
  aliceConfig,
  BOB,
  BOB_KEYS,
  connectedPair,
  cutter,
  flipBit,
  message,
  NOW,
  Pair,
  Side,
} from './support.ts';

function bothEstablished(t: ExecutionContext, pair: Pair): void {
  t.is(pair.alice.of('established')[0]?.peer, BOB_KEYS.identity.hash);
  t.is(pair.bob.of('established')[0]?.peer, ALICE_KEYS.identity.hash);
  t.deepEqual(Buffer.from(pair.bob.of('established')[0]?.routerInfo?.raw ?? []), Buffer.from(ALICE_INFO.raw));
  t.is(pair.alice.closed, undefined);
  t.is(pair.bob.closed, undefined);
}

test('each of the three messages is one write, and both sides are established', (t) => {
  const pair = new Pair();
  pair.connect(NOW);
  t.is(pair.alice.unsent.length, 1);
  pair.carry(pair.alice, NOW);
  t.is(pair.bob.unsent.length, 1);
  pair.carry(pair.bob, NOW);
  t.is(pair.alice.unsent.length, 1);
  pair.carry(pair.alice, NOW);
  bothEstablished(t, pair);
});

test('the handshake survives any cutting of the stream', (t) => {
  bothEstablished(t, connectedPair({ cut: cutter([1]) }));
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 6 }), (lengths) => {
      bothEstablished(t, connectedPair({ cut: cutter(lengths) }));
    }),
    { numRuns: 15 },
  );
});

test('padding is between 0 and 31 bytes and differs', (t) => {
  const lengths = new Set<number>();
  for (let i = 0; i < 60; i++) {
    const side = new Side(Ntcp2Session.initiator(aliceConfig({ random: recordedEntropy(`${i}`) }), BOB));
    side.step({ kind: 'connected' }, NOW);
    lengths.add((side.unsent[0]?.length ?? 0) - 64);
  }
  t.true(Math.min(...lengths) >= 0 && Math.max(...lengths) <= 31);
  t.true(lengths.size > 20);
});

test('the same entropy and times give the same bytes and outputs', (t) => {
  const run = (): unknown => {
    const pair = connectedPair();
    pair.alice.step({ kind: 'send', message: message(1) }, NOW + 5);
    pair.settle(NOW + 6);
    return [pair.alice.outputs, pair.bob.outputs];
  };
  t.deepEqual(run(), run());
});

test('messages that wait for the handshake follow message 3', (t) => {
  const pair = new Pair();
  pair.alice.step({ kind: 'send', message: message(7) }, NOW);
  pair.connect(NOW);
  pair.alice.step({ kind: 'send', message: message(8) }, NOW);
  pair.carry(pair.alice, NOW);
  pair.carry(pair.bob, NOW);
  t.is(pair.alice.unsent.length, 2);
  // Alice may append frames to message 3 in one segment.
  const joined = Buffer.concat(pair.alice.unsent.splice(0));
  pair.bob.step({ kind: 'bytes', bytes: joined }, NOW);
  t.deepEqual(
    pair.bob.messages.map(({ id }) => id),
    [7, 8],
  );
});

for (const step of [1, 2, 3] as const) {
  const stage = { 1: 'request', 2: 'created', 3: 'confirmed' } as const;
  const advance = (pair: Pair): Side => {
    pair.connect(NOW);
    if (step >= 2) pair.carry(pair.alice, NOW);
    if (step >= 3) pair.carry(pair.bob, NOW);
    return step === 2 ? pair.bob : pair.alice;
  };
  const receiverOf = (pair: Pair): Side => (step === 2 ? pair.alice : pair.bob);

  test(`message ${step} with any bit flipped never establishes the receiver`, (t) => {
    const length = (() => {
      const pair = new Pair();
      return advance(pair).unsent[0]?.length ?? 0;
    })();
    for (let i = 0; i < 24; i++) {
      const pair = new Pair();
      const sender = advance(pair);
      const bit = Math.floor(((i + 0.5) / 24) * length * 8);
      pair.carry(sender, NOW, (bytes) => flipBit(bytes, bit));
      pair.settle(NOW);
      const victim = receiverOf(pair);
      // Padding is bare in messages 1 and 2: its change shows in the next message.
      t.is(pair.bob.of('established').length, 0, `bit ${bit}`);
      const closes = [victim.closed, pair.bob.closed].filter((close) => close !== undefined);
      for (const side of [pair.alice, pair.bob]) side.step({ kind: 'tick' }, NOW + HANDSHAKE_TIMEOUT);
      const codes = [...closes, pair.alice.closed, pair.bob.closed].map((close) => close?.code);
      t.true(codes.includes('authentication') || codes.includes('format') || codes.includes('timeout'));
      t.not(pair.bob.closed, undefined);
    }
  });

  test(`a connection that ends anywhere in message ${step} is the end at that stage`, (t) => {
    for (const part of [0, 1, 31, 32, 63]) {
      const pair = new Pair();
      const sender = advance(pair);
      if (part > 0) pair.carry(sender, NOW, (bytes) => bytes.subarray(0, part));
      const victim = receiverOf(pair);
      victim.step({ kind: 'closed' }, NOW);
      t.deepEqual(victim.closed, { stage: stage[step], code: 'peer-closed', peerFault: false });
    }
  });

  test(`a stall in message ${step} is a timeout at that stage`, (t) => {
    for (const part of [0, 1, 63]) {
      const pair = new Pair();
      const sender = advance(pair);
      if (part > 0) pair.carry(sender, NOW, (bytes) => bytes.subarray(0, part));
      const victim = receiverOf(pair);
      victim.step({ kind: 'tick' }, NOW + HANDSHAKE_TIMEOUT - 1);
      t.is(victim.closed, undefined);
      const at = victim.wake;
      t.is(at, NOW + HANDSHAKE_TIMEOUT);
      victim.step({ kind: 'tick' }, at);
      t.deepEqual(victim.closed, { stage: stage[step], code: 'timeout', peerFault: false });
    }
  });
}

test('a connection that never stands is a timeout at the first stage', (t) => {
  const side = new Side(Ntcp2Session.initiator(aliceConfig(), BOB));
  side.step({ kind: 'tick' }, NOW);
  t.is(side.wake, NOW + CONNECT_TIMEOUT);
  side.step({ kind: 'tick' }, NOW + CONNECT_TIMEOUT - 1);
  t.is(side.closed, undefined);
  side.step({ kind: 'tick' }, NOW + CONNECT_TIMEOUT);
  t.deepEqual(side.closed, { stage: 'connect', code: 'timeout', peerFault: false });
});

test('a connection that could not be opened ends at the first stage, and hands its messages back', (t) => {
  const side = new Side(Ntcp2Session.initiator(aliceConfig(), BOB));
  side.step({ kind: 'send', message: message(1) }, NOW);
  side.step({ kind: 'closed' }, NOW);
  t.deepEqual(side.closed, { stage: 'connect', code: 'peer-closed', peerFault: false });
  t.deepEqual(
    side.of('dropped').map(({ cause, message: { id } }) => [cause, id]),
    [['closed', 1]],
  );
  t.deepEqual(side.step({ kind: 'send', message: message(2) }, NOW), [
    { kind: 'dropped', message: message(2), cause: 'closed' },
  ]);
});

test('data behind message 1 or 2, which nobody may send, ends the handshake', (t) => {
  const more = (bytes: Uint8Array): Uint8Array => Buffer.concat([bytes, Buffer.of(1)]);
  const first = new Pair();
  first.connect(NOW);
  first.carry(first.alice, NOW, more);
  t.deepEqual(first.bob.closed, { stage: 'request', code: 'format', peerFault: true });
  t.is(first.bob.unsent.length, 0);
  const second = new Pair();
  second.connect(NOW);
  second.carry(second.alice, NOW);
  second.carry(second.bob, NOW, more);
  t.deepEqual(second.alice.closed, { stage: 'created', code: 'format', peerFault: true });
  t.is(second.alice.unsent.length, 0);
});

test('a replayed message 1 is refused, and the cache is shared by the sessions of a router', (t) => {
  const replays = new ReplayCache();
  const first = new Pair({ acceptance: { replays } });
  first.connect(NOW);
  const request = first.alice.unsent[0] ?? new Uint8Array(0);
  first.carry(first.alice, NOW);
  t.is(first.bob.closed, undefined);
  const again = new Pair({ acceptance: { replays } });
  again.connect(NOW);
  again.carry(again.alice, NOW, () => request);
  t.deepEqual(again.bob.closed, { stage: 'request', code: 'replay', peerFault: true });
});

test('another network is refused in message 1, and without answer', (t) => {
  const pair = connectedPair({ alice: { netId: 2 } });
  t.deepEqual(pair.bob.closed, { stage: 'request', code: 'network-id', peerFault: true });
  t.is(pair.bob.of('send').length, 0);
});

test('a peer whose static key is no point is not dialled in earnest', (t) => {
  const pair = new Pair({ peer: { staticKey: new Uint8Array(32) } });
  pair.connect(NOW);
  t.deepEqual(pair.alice.closed, { stage: 'created', code: 'authentication', peerFault: true });
  t.is(pair.alice.unsent.length, 0);
});

test('stale keys of the peer leave it silent: it lingers and closes without a word', (t) => {
  for (const peer of [
    { staticKey: ALICE_KEYS.ntcp2.publicKey },
    { iv: ALICE_KEYS.ntcp2Iv },
    { hash: ALICE_KEYS.identity.hash },
  ]) {
    const pair = new Pair({ peer });
    pair.connect(NOW);
    pair.carry(pair.alice, NOW);
    t.is(pair.bob.closed, undefined);
    t.true(pair.bob.wake < NOW + 4_000);
    pair.bob.step({ kind: 'tick' }, NOW + 4_000);
    t.deepEqual(pair.bob.closed, { stage: 'request', code: 'authentication', peerFault: true });
    t.is(pair.bob.of('send').length, 0);
  }
});

test('a lingering session ends early when enough bytes came, and for its own reason when TCP ends', (t) => {
  const flooded = new Pair({ peer: { iv: ALICE_KEYS.ntcp2Iv } });
  flooded.connect(NOW);
  flooded.carry(flooded.alice, NOW);
  flooded.bob.step({ kind: 'bytes', bytes: new Uint8Array(2000) }, NOW);
  t.is(flooded.bob.closed?.code, 'authentication');
  const ended = new Pair({ peer: { iv: ALICE_KEYS.ntcp2Iv } });
  ended.connect(NOW);
  ended.carry(ended.alice, NOW);
  ended.bob.step({ kind: 'closed' }, NOW);
  t.is(ended.bob.closed?.code, 'authentication');
});
