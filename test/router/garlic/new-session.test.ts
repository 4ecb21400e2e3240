import { createHash } from 'node:crypto';
import test from 'ava';
import { stateToward } from '../../../services/router/garlic/new-session.ts';
import { clove, code, connected, numbers, open, party, START, send } from './pair.ts';

test('the handshake starts from the hashes that i2pd has precomputed', (t) => {
  // libi2pd/Crypto.cpp, InitNoiseIKState: the hash of the protocol name, and the hash of that.
  const name = '4caf11ef2c8e36564c53e88885064dbaacbe0054ad178f8079a646827e6ee40c';
  const prologue = '9ccf852cc93bb9504441e950e01d52322e0d47add1e9a555f755b569ae183b5c';
  const key = Buffer.alloc(32, 7);
  const state = stateToward(key);
  t.is(Buffer.from(state.ck).toString('hex'), name);
  t.deepEqual(
    Buffer.from(state.h),
    createHash('sha256').update(Buffer.from(prologue, 'hex')).update(key).digest(),
  );
});

test('a New Session, a reply and the first message make a session of both sides', (t) => {
  const alice = party('alice');
  const bob = party('bob');
  const toBob = { publicKey: bob.publicKey };
  const toAlice = { publicKey: alice.publicKey };
  t.is(alice.core.stage(toBob, START), 'new');
  const first = open(bob, send(alice, bob, [1, 2], START, 11), START + 500);
  t.like(first, { session: 'new', acked: [] });
  t.deepEqual(Buffer.from(first.from ?? []), Buffer.from(alice.publicKey));
  t.deepEqual(numbers(first), [1, 2]);
  t.is(bob.core.stage(toAlice, START + 500), 'reply');
  const reply = open(alice, send(bob, alice, [3], START + 500, 21), START + 900);
  t.like(reply, { session: 'reply', acked: [11] });
  t.is(alice.core.stage(toBob, START + 900), 'existing');
  t.is(bob.core.stage(toAlice, START + 900), 'reply', 'until alice has confirmed');
  const confirmed = open(bob, send(alice, bob, [4], START + 900), START + 1_200);
  t.like(confirmed, { session: 'existing', acked: [21] });
  t.is(bob.core.stage(toAlice, START + 1_200), 'existing');
  t.deepEqual(numbers(open(alice, send(bob, alice, [5], START + 1_200), START + 1_500)), [5]);
});

test('each retransmitted New Session can be answered, and the first reply wins', (t) => {
  const alice = party('alice');
  const bob = party('bob');
  const [one, two, three] = [1, 2, 3].map((id) => send(alice, bob, [id], START + id * 3_000));
  const late = START + 12_000;
  const replies = [three, one, two].map((message, i) => {
    open(bob, message ?? Buffer.alloc(0), late);
    return send(bob, alice, [10 + i], late);
  });
  for (const [i, reply] of replies.entries()) t.deepEqual(numbers(open(alice, reply, late)), [10 + i]);
  t.is(alice.core.counts.sessions, 1, 'late replies deliver and make no further session');
  t.like(open(bob, send(alice, bob, [4], late), late), { session: 'existing' });
  t.is(bob.core.counts.sessions, 1);
  t.like(open(alice, send(bob, alice, [5], late + 1), late + 1), { session: 'existing' });
});

test('several replies to one New Session arrive in any order', (t) => {
  const alice = party('alice');
  const bob = party('bob');
  open(bob, send(alice, bob, [0], START), START);
  const replies = Array.from({ length: 12 }, (_, i) => send(bob, alice, [i], START));
  t.is(bob.core.stage({ publicKey: alice.publicKey }, START), 'new', 'alice looks out for no thirteenth');
  const answer = replies.reverse().map((reply) => numbers(open(alice, reply, START)));
  t.deepEqual(answer.flat(), [11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
  open(bob, send(alice, bob, [1], START), START);
  t.is(bob.core.counts.tags, 24, 'the eleven other candidates are gone');
});

test('both sides may open at once', (t) => {
  const alice = party('alice');
  const bob = party('bob');
  const fromAlice = send(alice, bob, [1], START);
  const fromBob = send(bob, alice, [2], START);
  t.deepEqual(numbers(open(bob, fromAlice, START + 1)), [1]);
  t.deepEqual(numbers(open(alice, fromBob, START + 1)), [2]);
  for (let id = 3; id < 20; id++) {
    const now = START + id * 100;
    const [right, left] = [send(alice, bob, [id], now), send(bob, alice, [id], now)];
    t.deepEqual(numbers(open(bob, right, now + 50)), [id]);
    t.deepEqual(numbers(open(alice, left, now + 50)), [id]);
  }
  t.is(alice.core.stage({ publicKey: bob.publicKey }, START + 2_000), 'existing');
  t.is(bob.core.stage({ publicKey: alice.publicKey }, START + 2_000), 'existing');
});

test('a peer that lost its sessions is heard at once', (t) => {
  const { alice, bob, now } = connected('restart');
  const reborn = party('reborn', {}, alice.keys);
  t.like(open(bob, send(reborn, bob, [1], now + 1), now + 1), { session: 'new' });
  t.like(open(reborn, send(bob, reborn, [2], now + 2), now + 2), { session: 'reply' });
  t.like(open(bob, send(reborn, bob, [3], now + 3), now + 3), { session: 'existing' });
  t.like(open(reborn, send(bob, reborn, [4], now + 4), now + 4), { session: 'existing' });
});

test('after 90 s of silence a session is restarted, while the old one still receives', (t) => {
  const { alice, bob, now } = connected('silence');
  const toBob = { publicKey: bob.publicKey };
  const old = send(bob, alice, [1], now);
  t.is(alice.core.stage(toBob, now + 89_000), 'existing');
  t.is(alice.core.stage(toBob, now + 125_000), 'new');
  open(bob, send(alice, bob, [2], now + 125_000), now + 125_000);
  open(alice, send(bob, alice, [3], now + 126_000), now + 126_000);
  t.deepEqual(numbers(open(alice, old, now + 127_000)), [1]);
});

test('a session whose first messages are lost is given up after 20 s', (t) => {
  const alice = party('alice');
  const bob = party('bob');
  open(bob, send(alice, bob, [1], START), START);
  open(alice, send(bob, alice, [2], START), START);
  const toBob = { publicKey: bob.publicKey };
  t.is(alice.core.stage(toBob, START + 19_000), 'existing');
  t.is(alice.core.stage(toBob, START + 21_000), 'new');
});

test('what is idle is forgotten', (t) => {
  const { alice, bob, now } = connected('idle');
  for (const { core } of [alice, bob]) {
    let at = now;
    for (let wake = core.nextWake(); wake !== undefined; wake = core.nextWake()) {
      at = wake;
      core.tick(at);
      if (at > now + 3_600_000) t.fail('still held after an hour');
    }
    t.true(at > now + 590_000, 'ten minutes are granted');
    t.true(Object.values(core.counts).every((count) => count === 0));
  }
});

test('a one-time message makes no session and needs no answer', (t) => {
  const alice = party('alice');
  const bob = party('bob');
  const bytes = alice.core.encryptOneTime(bob.publicKey, [clove(1)], START) ?? Buffer.alloc(0);
  t.like(open(bob, bytes, START), { session: 'one-time', from: undefined });
  t.like(bob.core.counts, { remotes: 0, strangers: 0, tags: 0 });
  t.is(code(bob, bytes, START), 'replay');
  t.deepEqual(bob.core.tick(START + 5_000), []);
});

test('a key that shares no secret gives nothing instead of a message', (t) => {
  const alice = party('alice');
  t.is(alice.core.encrypt({ publicKey: new Uint8Array(32) }, [clove(1)], START), undefined);
  t.is(alice.core.encryptOneTime(new Uint8Array(32), [clove(1)], START), undefined);
});
