import test from 'ava';
import { connected, numbers, open, type Party, party, START, send } from './pair.ts';

/** Ticks `from` when it asked to be woken, and gives what it says then to `to`. */
function wake(from: Party, to: Party): { at: number; sessions: string[]; acked: number[] } {
  const at = from.core.nextWake() ?? Number.NaN;
  const opened = from.core.tick(at).map(({ payload }) => open(to, payload, at));
  return { at, sessions: opened.map(({ session }) => session), acked: opened.flatMap(({ acked }) => acked) };
}

test('a silent application is answered for within a second, at every step', (t) => {
  const alice = party('alice');
  const bob = party('bob');
  open(bob, send(alice, bob, [1], START, 11), START);
  t.deepEqual(bob.core.tick(START + 999), [], 'the application has its second');
  t.deepEqual(wake(bob, alice), { at: START + 1_000, sessions: ['reply'], acked: [11] });
  t.deepEqual(wake(alice, bob), { at: START + 2_000, sessions: ['existing'], acked: [] });
  t.deepEqual(wake(bob, alice), { at: START + 3_000, sessions: ['existing'], acked: [] }, 'the ack of it');
  t.deepEqual(alice.core.tick(START + 10_000), []);
  t.deepEqual(bob.core.tick(START + 10_000), [], 'and then there is peace');
});

test('outputs name the remote as the application did', (t) => {
  const alice = party('alice');
  const bob = party('bob');
  open(bob, send(alice, bob, [1], START), START);
  const [output] = bob.core.tick(START + 1_000);
  t.deepEqual(Buffer.from(output?.remote.publicKey ?? []), Buffer.from(alice.publicKey));
  t.is(output?.remote.hash, undefined);
});

test('an answer of the application settles what is owed', (t) => {
  const alice = party('alice');
  const bob = party('bob');
  open(bob, send(alice, bob, [1], START), START);
  open(bob, send(alice, bob, [2], START), START);
  send(bob, alice, [3], START + 100);
  t.deepEqual(bob.core.tick(START + 5_000), []);
});

test('several New Sessions of one remote get one answer, to the newest', (t) => {
  const alice = party('alice');
  const bob = party('bob');
  for (let id = 0; id < 4; id++) open(bob, send(alice, bob, [id], START + id), START + id);
  const outputs = bob.core.tick(START + 5_000);
  t.is(outputs.length, 1);
  t.like(open(alice, outputs[0]?.payload ?? Buffer.alloc(0), START + 5_000), { session: 'reply' });
});

test('an ack request is acked with the next message, or alone', (t) => {
  const { alice, bob, now } = connected('acks');
  open(bob, send(alice, bob, [1], now, 71), now);
  open(bob, send(alice, bob, [2], now, 72), now);
  const together = open(alice, send(bob, alice, [3], now), now);
  t.deepEqual([together.acked, numbers(together)], [[71, 72], [3]]);
  open(bob, send(alice, bob, [4], now, 73), now);
  t.deepEqual(wake(bob, alice), { at: now + 1_000, sessions: ['existing'], acked: [73] });
});

test('a lost message is never acked, and no ack comes twice', (t) => {
  const { alice, bob, now } = connected('lost acks');
  send(alice, bob, [1], now, 71);
  open(bob, send(alice, bob, [2], now, 72), now);
  t.deepEqual(open(alice, send(bob, alice, [], now), now).acked, [72]);
  t.deepEqual(open(alice, send(bob, alice, [], now), now).acked, []);
});

test('one-sided traffic asks for a sign of life every 30 s, and gets it', (t) => {
  const { alice, bob, now } = connected('one-sided');
  let answers = 0;
  for (let at = now; at < now + 300_000; at += 5_000) {
    open(bob, send(alice, bob, [1], at), at);
    for (const { payload } of bob.core.tick(at + 1_000)) {
      open(alice, payload, at + 1_000);
      answers++;
    }
    t.is(alice.core.stage({ publicKey: bob.publicKey }, at + 1_000), 'existing');
  }
  t.true(answers >= 7 && answers <= 10, `${answers} answers in 300 s`);
});

test('superfluous ticks say nothing', (t) => {
  const { alice, now } = connected('ticks');
  for (let at = now; at < now + 60_000; at += 777) t.deepEqual(alice.core.tick(at), []);
  t.deepEqual(alice.core.tick(now - 5_000), []);
});
