import {
  FLUSH_LIMIT,
  FRAME_TIMEOUT,
  IDLE_CLOSE,
  KEEP_ALIVE_MAX,
  KEEP_ALIVE_MIN,
  ROUTER_INFO_RESEND,
  SEND_QUEUE_LIMIT,
} from '@allium/router/ntcp2/limits.ts';
import { terminationName } from '@allium/router/ntcp2/termination.ts';
import { createRouterInfo } from '@allium/router/wire/router-info.ts';
import test from 'ava';
import fc from 'fast-check';
import {
  ALICE_INFO,
  ALICE_KEYS,
  connectedPair,
  cutter,
  flipBit,
  message,
  NOW,
  type Pair,
  routerInfo,
  type Side,
} from './support.ts';

const ids = (side: Side): number[] => side.messages.map(({ id }) => id);

/** Ticks whenever a side has asked for it, until `until`. */
function pass(pair: Pair, from: number, until: number): void {
  for (let now = from; ; ) {
    now = Math.min(pair.alice.wake, pair.bob.wake);
    if (!(now <= until)) return;
    for (const side of [pair.alice, pair.bob]) if (side.wake <= now) side.step({ kind: 'tick' }, now);
    pair.settle(now);
    if (pair.alice.closed && pair.bob.closed) return;
  }
}

test('messages go both ways, each at once', (t) => {
  const pair = connectedPair();
  const sent = message(1);
  const [output] = pair.alice.step({ kind: 'send', message: sent }, NOW);
  t.is(output?.kind, 'send');
  pair.settle(NOW);
  pair.bob.step({ kind: 'send', message: message(2) }, NOW);
  pair.settle(NOW);
  const [received] = pair.bob.messages;
  t.deepEqual(Buffer.from(received?.payload ?? []), Buffer.from(sent.payload));
  t.is(received?.type, 18);
  t.is(received?.expires, Math.round(sent.expires / 1000) * 1000);
  t.deepEqual(ids(pair.alice), [2]);
});

test('any messages over any cutting of the stream arrive in their order', (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.nat({ max: 20_000 }), { minLength: 1, maxLength: 8 }),
      fc.array(fc.integer({ min: 1, max: 4_000 }), { minLength: 1, maxLength: 4 }),
      (lengths, cuts) => {
        const pair = connectedPair({ cut: cutter(cuts) });
        for (const [id, length] of lengths.entries()) {
          pair.alice.step({ kind: 'send', message: message(id, length) }, NOW);
        }
        pair.settle(NOW);
        t.deepEqual(ids(pair.bob), [...lengths.keys()]);
        t.deepEqual(
          pair.bob.messages.map(({ payload }) => payload.length),
          lengths,
        );
      },
    ),
    { numRuns: 15 },
  );
});

test('what waits for the socket shares frames', (t) => {
  const pair = connectedPair();
  pair.alice.step({ kind: 'blocked' }, NOW);
  for (let id = 0; id < 30; id++) pair.alice.step({ kind: 'send', message: message(id, 1_028) }, NOW);
  t.is(pair.alice.unsent.length, 0);
  t.is(pair.alice.session.stats.queued, 30);
  pair.alice.step({ kind: 'drained' }, NOW);
  t.is(pair.alice.unsent.length, 2);
  t.true(pair.alice.unsent.every(({ length }) => length <= 16 * 1024 + 3 + 255 + 18));
  pair.settle(NOW);
  t.deepEqual(ids(pair.bob), [...Array(30).keys()]);
  t.is(pair.bob.session.stats.framesReceived, 2);
  t.is(pair.alice.session.stats.messagesSent, 30);
});

test('one step writes a bounded number of bytes and asks for another', (t) => {
  const pair = connectedPair();
  pair.alice.step({ kind: 'blocked' }, NOW);
  for (let id = 0; id < 40; id++) pair.alice.step({ kind: 'send', message: message(id, 16_000) }, NOW);
  const outputs = pair.alice.step({ kind: 'drained' }, NOW);
  const written = pair.alice.unsent.reduce((sum, { length }) => sum + length, 0);
  t.true(written >= FLUSH_LIMIT && written < FLUSH_LIMIT + 17_000);
  t.deepEqual(outputs.at(-1), { kind: 'wake', at: NOW });
  pair.alice.step({ kind: 'tick' }, NOW);
  pair.alice.step({ kind: 'blocked' }, NOW);
  const queued = pair.alice.session.stats.queued;
  t.true(queued > 0);
  pair.alice.step({ kind: 'tick' }, NOW + 1);
  t.is(pair.alice.session.stats.queued, queued);
  pair.alice.step({ kind: 'drained' }, NOW + 1);
  pair.alice.step({ kind: 'tick' }, NOW + 1);
  pair.alice.step({ kind: 'tick' }, NOW + 1);
  pair.settle(NOW + 1);
  t.deepEqual(ids(pair.bob), [...Array(40).keys()]);
});

test('messages that expired while they waited, overflowed or are too big come back with the cause', (t) => {
  const pair = connectedPair();
  pair.alice.step({ kind: 'blocked' }, NOW);
  pair.alice.step({ kind: 'send', message: message(1, 10, NOW + 5_000) }, NOW);
  pair.alice.step({ kind: 'send', message: message(2, 10, NOW - 1) }, NOW);
  pair.alice.step({ kind: 'send', message: message(3, 65_508) }, NOW);
  pair.alice.step({ kind: 'send', message: message(4, 65_507) }, NOW);
  pair.alice.step({ kind: 'drained' }, NOW + 5_000);
  const causes = pair.alice.of('dropped').map(({ cause, message: { id } }) => [id, cause]);
  t.deepEqual(causes, [
    [2, 'expired'],
    [3, 'oversized'],
    [1, 'expired'],
  ]);
  pair.settle(NOW + 5_000);
  t.deepEqual(ids(pair.bob), [4]);
  pair.alice.step({ kind: 'blocked' }, NOW);
  for (let id = 0; id <= SEND_QUEUE_LIMIT; id++)
    pair.alice.step({ kind: 'send', message: message(id, 1) }, NOW);
  t.deepEqual(pair.alice.session.stats.dropped, { expired: 2, oversized: 1, overflow: 1, closed: 0 });
});

test('a session that must stay sends a small frame every 60 to 90 seconds, and the peer gets it', (t) => {
  const pair = connectedPair({ alice: { keepAlive: () => true }, bob: { idleClose: 3_600_000 } });
  const before = pair.alice.session.stats.framesSent;
  const heard = pair.bob.session.stats.framesReceived;
  pass(pair, NOW, NOW + 20 * 60_000);
  const sent = pair.alice.session.stats.framesSent - before;
  t.true(sent >= (20 * 60_000) / KEEP_ALIVE_MAX - 1 && sent <= (20 * 60_000) / KEEP_ALIVE_MIN, `${sent}`);
  t.is(pair.alice.closed, undefined);
  t.is(pair.bob.session.stats.framesReceived - heard, sent);
});

test('traffic of our own puts the keep-alive frame off', (t) => {
  const pair = connectedPair({ alice: { keepAlive: () => true } });
  for (let now = NOW; now < NOW + 600_000; now += 30_000) {
    pair.alice.step({ kind: 'tick' }, now);
    pair.alice.step({ kind: 'send', message: message(1, 10, now + 1_000) }, now);
  }
  t.is(pair.alice.session.stats.framesSent, 20);
});

test('a session that nobody needs is closed for idleness, and the peer hears the reason', (t) => {
  const pair = connectedPair();
  pair.alice.step({ kind: 'send', message: message(1) }, NOW + 10_000);
  pair.settle(NOW + 10_000);
  pair.alice.step({ kind: 'tick' }, NOW + 10_000 + IDLE_CLOSE - 1);
  t.is(pair.alice.closed, undefined);
  pair.alice.step({ kind: 'tick' }, NOW + 10_000 + IDLE_CLOSE);
  t.deepEqual(pair.alice.closed, { stage: 'accepted', code: 'idle', peerFault: false, reason: 2 });
  pair.settle(NOW);
  t.deepEqual(pair.bob.closed, { stage: 'data', code: 'terminated', peerFault: false, reason: 2 });
});

test('the idle time can be configured, and keep-alive frames of the peer do not count', (t) => {
  const pair = connectedPair({ alice: { keepAlive: () => true }, bob: { idleClose: 100_000 } });
  pass(pair, NOW, NOW + 200_000);
  t.is(pair.bob.closed?.code, 'idle');
  t.deepEqual(pair.alice.closed, { stage: 'accepted', code: 'terminated', peerFault: false, reason: 2 });
});

test('a changed RouterInfo is sent after 25 minutes, an unchanged one is not', (t) => {
  let current = ALICE_INFO;
  const pair = connectedPair({
    alice: { keepAlive: () => true, localRouterInfo: () => current },
    bob: { idleClose: 1e9 },
  });
  pass(pair, NOW, NOW + ROUTER_INFO_RESEND + 1_000);
  t.is(pair.bob.of('routerInfo').length, 0);
  current = routerInfo(ALICE_KEYS, { published: NOW + 30 * 60_000 });
  pass(pair, NOW, NOW + 2 * ROUTER_INFO_RESEND + 1_000);
  pass(pair, NOW, NOW + 3 * ROUTER_INFO_RESEND + 1_000);
  const received = pair.bob.of('routerInfo');
  t.is(received.length, 1);
  t.is(received[0]?.routerInfo.published, current.published);
  t.false(received[0]?.flood);
});

for (let reason = 0; reason <= 17; reason++) {
  test(`reason ${reason}, ${terminationName(reason)}, goes both ways`, (t) => {
    const pair = connectedPair();
    pair.bob.step({ kind: 'send', message: message(1) }, NOW);
    pair.settle(NOW);
    pair.alice.step({ kind: 'terminate', reason }, NOW);
    t.deepEqual(pair.alice.closed, { stage: 'data', code: 'local', peerFault: false, reason });
    pair.settle(NOW);
    t.deepEqual(pair.bob.closed, { stage: 'data', code: 'terminated', peerFault: false, reason });
    const back = connectedPair();
    back.bob.step({ kind: 'terminate', reason }, NOW);
    back.settle(NOW);
    // The first frame of Bob is his verdict on message 3.
    t.deepEqual(back.alice.closed, { stage: 'accepted', code: 'terminated', peerFault: false, reason });
  });
}

test('a frame with a flipped bit makes the receiver linger, say so and close', (t) => {
  const pair = connectedPair();
  pair.alice.step({ kind: 'send', message: message(1) }, NOW);
  pair.carry(pair.alice, NOW, (bytes) => flipBit(bytes, 200));
  t.is(pair.bob.closed, undefined);
  t.is(pair.bob.unsent.length, 0);
  pair.bob.step({ kind: 'tick' }, pair.bob.wake);
  t.deepEqual(pair.bob.closed, { stage: 'data', code: 'authentication', peerFault: true, reason: 4 });
  pair.settle(NOW);
  t.deepEqual(pair.alice.closed, { stage: 'accepted', code: 'terminated', peerFault: false, reason: 4 });
  t.deepEqual(ids(pair.bob), []);
});

test('a flipped length is a frame that does not fit: an error or a timeout, never a message', (t) => {
  for (let bit = 0; bit < 16; bit++) {
    const pair = connectedPair();
    pair.alice.step({ kind: 'send', message: message(1, 30) }, NOW);
    pair.carry(pair.alice, NOW, (bytes) => flipBit(bytes, bit));
    pair.bob.step({ kind: 'tick' }, NOW + 4_000);
    pair.bob.step({ kind: 'tick' }, NOW + FRAME_TIMEOUT);
    t.true(['authentication', 'format', 'timeout'].includes(pair.bob.closed?.code ?? ''), `bit ${bit}`);
    t.deepEqual(ids(pair.bob), []);
  }
});

test('a frame that stops half-way is a timeout with reason 14', (t) => {
  for (const part of [1, 2, 40]) {
    const pair = connectedPair();
    pair.alice.step({ kind: 'send', message: message(1) }, NOW);
    pair.carry(pair.alice, NOW, (bytes) => bytes.subarray(0, part));
    pair.bob.step({ kind: 'tick' }, NOW + FRAME_TIMEOUT - 1);
    t.is(pair.bob.closed, undefined);
    t.true(pair.bob.wake <= NOW + FRAME_TIMEOUT);
    pair.bob.step({ kind: 'tick' }, NOW + FRAME_TIMEOUT);
    t.deepEqual(pair.bob.closed, { stage: 'data', code: 'timeout', peerFault: false, reason: 14 });
  }
});

test('a frame that comes slowly but in time is read', (t) => {
  const pair = connectedPair();
  pair.alice.step({ kind: 'send', message: message(1) }, NOW);
  const frame = pair.alice.unsent.shift() ?? new Uint8Array(0);
  pair.bob.step({ kind: 'bytes', bytes: frame.subarray(0, 50) }, NOW);
  pair.bob.step({ kind: 'bytes', bytes: frame.subarray(50) }, NOW + FRAME_TIMEOUT - 1);
  pair.bob.step({ kind: 'tick' }, NOW + FRAME_TIMEOUT);
  t.is(pair.bob.closed, undefined);
  t.deepEqual(ids(pair.bob), [1]);
});

test('TCP that ends before the first frame is told apart from one that ends later', (t) => {
  const early = connectedPair();
  early.alice.step({ kind: 'closed' }, NOW);
  t.deepEqual(early.alice.closed, { stage: 'accepted', code: 'peer-closed', peerFault: false });
  const late = connectedPair();
  late.bob.step({ kind: 'send', message: message(1) }, NOW);
  late.settle(NOW);
  late.alice.step({ kind: 'closed' }, NOW);
  t.deepEqual(late.alice.closed, { stage: 'data', code: 'peer-closed', peerFault: false });
});

test('a tick that comes early, as timers do, changes nothing and is answered with the same wish', (t) => {
  const pair = connectedPair({ alice: { keepAlive: () => true } });
  const [asked] = pair.alice.step({ kind: 'tick' }, NOW);
  if (asked?.kind !== 'wake') return t.fail('no wish');
  for (const early of [30_000, 1, 0.5]) {
    t.deepEqual(pair.alice.step({ kind: 'tick' }, asked.at - early), [asked]);
  }
  const [frame, next] = pair.alice.step({ kind: 'tick' }, asked.at);
  t.is(frame?.kind, 'send');
  t.true(next?.kind === 'wake' && next.at > asked.at);
});

test('a busy session asks for few ticks', (t) => {
  const pair = connectedPair();
  for (let i = 0; i < 500; i++) {
    pair.alice.step({ kind: 'send', message: message(i, 10, NOW + i * 100 + 5_000) }, NOW + i * 100);
    pair.settle(NOW + i * 100);
  }
  t.true(pair.alice.of('wake').length < 10, `${pair.alice.of('wake').length}`);
  t.true(pair.bob.of('wake').length < 10, `${pair.bob.of('wake').length}`);
});

test('RouterInfos of any size that the codec makes pass a handshake', (t) => {
  for (const extra of [0, 500, 2_000]) {
    const options = new Map(ALICE_INFO.options);
    for (let i = 0; i * 250 < extra; i++) options.set(`x${i}`, 'y'.repeat(240));
    const { published, addresses } = ALICE_INFO;
    const info = createRouterInfo(ALICE_KEYS, { published, addresses, options });
    const pair = connectedPair({ alice: { localRouterInfo: () => info } });
    t.is(pair.bob.of('established')[0]?.routerInfo?.raw.length, info.raw.length);
  }
});
