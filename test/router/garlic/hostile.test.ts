import test from 'ava';
import fc from 'fast-check';
import { encodeBlocks } from '../../../services/router/i2np/blocks.ts';
import { recordedEntropy } from '../../support/entropy.ts';
import { clove, code, connected, numbers, open, party, START, send } from './pair.ts';
import { ReferencePeer, sealReferenceExisting } from './reference.ts';

const MINUTE = 60_000;

function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = Buffer.from(bytes);
  copy[bit >>> 3] = (copy[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
  return copy;
}

test('replays of every stage are refused', (t) => {
  const alice = party('alice');
  const bob = party('bob');
  const [first, second] = [send(alice, bob, [1], START), send(alice, bob, [2], START)];
  open(bob, first, START);
  t.is(code(bob, first, START + 4 * MINUTE), 'replay');
  t.is(
    code(bob, flipped(first, 31 * 8 + 7), START),
    'replay',
    'with the free bits of the representative changed',
  );
  open(bob, second, START);
  const reply = send(bob, alice, [3], START);
  open(alice, reply, START);
  t.is(code(alice, reply, START), 'unknown');
  const message = send(alice, bob, [4], START);
  open(bob, message, START);
  t.is(code(bob, message, START), 'unknown');
});

test('a New Session is accepted from 5 minutes behind to 2 minutes ahead', (t) => {
  const bob = party('bob');
  const sent = (at: number): Uint8Array => send(party(`alice ${at}`), bob, [1], at);
  t.is(code(bob, sent(START - 5 * MINUTE), START), 'opened');
  t.is(code(bob, sent(START - 5 * MINUTE - 1_000), START), 'clock');
  t.is(code(bob, sent(START + 2 * MINUTE), START), 'opened');
  t.is(code(bob, sent(START + 2 * MINUTE + 1_000), START), 'clock');
});

test('a message for somebody else is unknown', (t) => {
  const [alice, bob, carol] = [party('alice'), party('bob'), party('carol')];
  t.is(code(carol, send(alice, bob, [1], START), START), 'unknown');
});

test('a flipped bit anywhere in a New Session is refused, and the true one still opens', (t) => {
  const [alice, bob] = [party('alice'), party('bob', { newSessionsBurst: 10_000 })];
  const message = send(alice, bob, [1], START);
  // The two top bits of the representative are free by design.
  const bits = [0, 100, 253, 256, 400, 600, 639, 640, 700, message.length * 8 - 1];
  for (const bit of bits) t.is(code(bob, flipped(message, bit), START), 'unknown', `bit ${bit}`);
  t.deepEqual(numbers(open(bob, message, START)), [1]);
});

test('a flipped bit in a reply uses its tag up; the next reply opens', (t) => {
  const [alice, bob] = [party('alice'), party('bob')];
  open(bob, send(alice, bob, [1], START), START);
  const [one, two] = [send(bob, alice, [2], START), send(bob, alice, [3], START)];
  for (const bit of [64, 330, 500]) {
    const reply = send(bob, alice, [4], START);
    t.is(code(alice, flipped(reply, bit), START), 'authentication', `bit ${bit}`);
    t.is(code(alice, reply, START), 'unknown');
  }
  t.deepEqual(numbers(open(alice, two, START)), [3]);
  t.deepEqual(numbers(open(alice, one, START)), [2]);
});

test('a flipped bit in a session message is refused, and the true one still opens', (t) => {
  const { alice, bob, now } = connected('flips');
  const message = send(alice, bob, [1], now);
  for (let bit = 64; bit < message.length * 8; bit += 13) {
    t.is(code(bob, flipped(message, bit), now), 'authentication');
  }
  t.is(code(bob, message.subarray(0, 20), now), 'short');
  t.is(code(bob, message.subarray(0, message.length - 1), now), 'authentication');
  t.deepEqual(numbers(open(bob, message, now)), [1]);
});

test('random bytes of any length never throw, and leave nothing behind', (t) => {
  const { alice, now } = connected('random');
  const before = alice.core.counts;
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(10_000), (bytes, later) => {
      const result = code(alice, bytes, now + later);
      return ['short', 'unknown', 'flood'].includes(result);
    }),
  );
  t.deepEqual(alice.core.counts, before);
});

test('garbage is looked at 300 times a second, after a burst of 600, half of it by one tunnel', (t) => {
  const bob = party('bob');
  const random = recordedEntropy('garbage');
  const tried = (source: number, now: number): number =>
    Array.from({ length: 700 }, () => bob.core.decrypt(random(200), now, source)).filter(
      (one) => one.kind === 'refused' && one.code === 'unknown',
    ).length;
  t.is(tried(1, START), 300);
  t.is(tried(1, START + 1_000), 300);
  t.is(tried(2, START + 1_000), 75, 'who took less may take of the rest');
  t.is(tried(1, START + 1_500), 75);
  t.like(bob.core.counts, { strangers: 0, tags: 0, replays: 0 });
});

/** How many of ten visitors a second get in beside `garbage` messages a second, in ten seconds. */
function letIn(garbage: number, sources: { garbage: number; visitors: number }): number {
  const bob = party('bob');
  const random = recordedEntropy('attack');
  const noise = Array.from({ length: 100 }, () => random(200));
  let opened = 0;
  let owed = 0;
  for (let ms = 0; ms < 10_000; ms += 10) {
    for (owed += garbage / 100; owed >= 1; owed--)
      bob.core.decrypt(noise[ms % 100] ?? random(200), START + ms, sources.garbage);
    if (ms % 100 !== 50) continue;
    const visit = send(party(`visitor ${ms}`), bob, [1], START + ms);
    if (bob.core.decrypt(visit, START + ms, sources.visitors).kind === 'opened') opened++;
  }
  return opened;
}

test('garbage keeps nobody out at 250 messages a second, nor at a thousand those who come by another tunnel', (t) => {
  t.is(letIn(250, { garbage: 1, visitors: 1 }), 100);
  t.is(letIn(1_000, { garbage: 1, visitors: 2 }), 100);
});

test('a crowd of real visitors by one tunnel leaves room for those by another', (t) => {
  const bob = party('bob');
  const visit = (source: number, ms: number, name: string): boolean =>
    bob.core.decrypt(send(party(`${name} ${ms}`), bob, [1], START + ms), START + ms, source).kind ===
    'opened';
  let crowd = 0;
  let quiet = 0;
  for (let ms = 0; ms < 6_000; ms += 10) {
    if (visit(1, ms, 'crowd')) crowd++;
    if (ms % 1_000 === 0 && visit(2, ms, 'quiet')) quiet++;
  }
  t.is(quiet, 6);
  t.true(crowd >= 120 && crowd <= 180, `${crowd}`);
});

test('a flood does not touch established sessions', (t) => {
  const { alice, bob, now } = connected('flooded');
  const random = recordedEntropy('flood');
  for (let i = 0; i < 700; i++) code(bob, random(500), now);
  t.is(code(bob, random(500), now), 'flood');
  t.deepEqual(numbers(open(bob, send(alice, bob, [1], now), now)), [1]);
});

test('strangers are bounded, displace no one, and a stranger that confirms is kept', (t) => {
  const bob = party('bob', { newSessionsBurst: 1_000 });
  const friend = party('friend');
  open(bob, send(friend, bob, [1], START), START);
  open(friend, send(bob, friend, [2], START), START);
  open(bob, send(friend, bob, [3], START), START);
  bob.core.tick(START + 1_000);
  let answers = 0;
  for (let i = 0; i < 300; i++) {
    open(bob, send(party(`stranger ${i}`), bob, [i], START), START);
    answers += bob.core.tick(START + 1_000).length;
  }
  t.like(bob.core.counts, { remotes: 1, strangers: 256, sessions: 1 });
  t.is(answers, 300);
  t.true(bob.core.counts.tags <= 256 * 24 + 100, `${bob.core.counts.tags} tags`);
  t.deepEqual(numbers(open(bob, send(friend, bob, [4], START), START)), [4]);
});

test('one remote that knocks without end is bounded', (t) => {
  const [alice, bob] = [party('alice'), party('bob', { newSessionsBurst: 1_000 })];
  for (let i = 0; i < 30; i++) {
    open(bob, send(alice, bob, [i], START), START);
    for (let j = 0; j < 3; j++) send(bob, alice, [j], START);
  }
  t.like(bob.core.counts, { strangers: 1, tags: 16 * 3 * 24 });
  t.is(alice.core.counts.tags, 16 * 12, 'and so are the New Sessions that wait for replies');
});

test('authentic nonsense is refused, and the session goes on', (t) => {
  const bob = party('bob');
  const mallory = new ReferencePeer('mallory');
  const { pk: publicKey } = mallory;
  const nonsense = Buffer.of(7, 0, 200, 1);
  t.is(code(bob, mallory.sealNewSession(bob.publicKey, nonsense), START), 'malformed');
  t.is(code(bob, mallory.sealNewSession(bob.publicKey, encodeBlocks([])), START), 'malformed', 'no DateTime');
  t.is(bob.core.counts.strangers, 0);
  const fresh = encodeBlocks([{ kind: 'dateTime', at: START }]);
  open(bob, mallory.sealNewSession(bob.publicKey, fresh), START);
  mallory.openReply(send(bob, { core: bob.core, publicKey }, [1], START));
  const { send: outgoing } = mallory;
  if (!outgoing) return t.fail('no tag set');
  t.is(code(bob, sealReferenceExisting(outgoing, nonsense), START), 'malformed');
  const good = encodeBlocks([{ kind: 'clove', clove: clove(2) }]);
  return t.deepEqual(numbers(open(bob, sealReferenceExisting(outgoing, good), START)), [2]);
});

test('a Termination ends the session', (t) => {
  const bob = party('bob');
  const mallory = new ReferencePeer('leaving');
  const to = { core: bob.core, publicKey: mallory.pk };
  open(bob, mallory.sealNewSession(bob.publicKey, encodeBlocks([{ kind: 'dateTime', at: START }])), START);
  mallory.openReply(send(bob, to, [1], START));
  const { send: outgoing } = mallory;
  if (!outgoing) return t.fail('no tag set');
  const farewell = encodeBlocks([{ kind: 'termination', reason: 0, data: new Uint8Array(0) }]);
  t.is(code(bob, sealReferenceExisting(outgoing, farewell), START), 'opened');
  t.is(bob.core.stage({ publicKey: mallory.pk }, START), 'new');
  return t.like(bob.core.counts, { sessions: 0, tags: 0 });
});
