import { HANDSHAKE_TIMEOUT, IDLE_CLOSE, LINGER_BYTES, LINGER_TIME } from '@allium/router/ntcp2/limits.ts';
import { TERMINATION } from '@allium/router/ntcp2/termination.ts';
import { createRouterKeys } from '@allium/router/wire/router-keys.ts';
import test from 'ava';
import fc from 'fast-check';
import { recordedEntropy } from '../../support/entropy.ts';
import { ForgedAlice, routerInfoBlock } from '../ntcp2/forged-alice.ts';
import {
  ALICE_INFO,
  ALICE_KEYS,
  BOB_INFO,
  BOB_KEYS,
  flipBit,
  message,
  NOW,
  routerInfo,
} from '../ntcp2/support.ts';
import { ALICE, BOB, join, knowing, Office, offices, Wires } from './session-rig.ts';

test('noise in place of message 1 closes the link and is counted; nobody is known to be blamed', (t) => {
  const random = recordedEntropy('noise 1');
  const { bob } = offices();
  for (let link = 1; link <= 20; link++) {
    bob.step({ kind: 'accepted', link });
    bob.step({ kind: 'bytes', link, bytes: random(64 + LINGER_BYTES + 288 * (link % 2)) });
    bob.tick(link, NOW + LINGER_TIME);
  }
  t.is(bob.sessions.size, 0);
  t.is(bob.out('hangup').length, 20);
  t.is(bob.sessions.counters.get('closed-request-authentication'), 20);
  t.deepEqual([bob.of('down'), bob.of('up'), bob.unsent], [[], [], []]);
});

test('noise in place of message 2 is the fault of whom we dialled', (t) => {
  const { alice } = offices();
  alice.send(BOB, message(1));
  alice.step({ kind: 'dialed', link: 1 });
  alice.step({ kind: 'bytes', link: 1, bytes: recordedEntropy('noise 2')(64) });
  alice.tick(1, NOW + LINGER_TIME);
  const close = { stage: 'created', code: 'authentication', peerFault: true };
  t.deepEqual(alice.failures, [{ stage: 'session', established: false, close }]);
  t.deepEqual(alice.out('hangup'), [{ kind: 'hangup', link: 1 }]);
  t.is(alice.sessions.counters.get('dropped-closed'), 1, 'the message that waited');
  t.is(alice.sessions.size, 0);
});

test('a message 3 with a flipped bit brings no session up', (t) => {
  for (const bit of [0, 100, 383, 384, 1_000, 4_000]) {
    const { alice, bob, wires } = offices();
    alice.dial(BOB);
    const link = wires.connect(alice, 1, bob);
    wires.carry(alice);
    wires.carry(bob);
    wires.carry(alice, NOW, (bytes) => flipBit(bytes, bit));
    bob.tick(link, NOW + LINGER_TIME);
    t.deepEqual([bob.of('up'), bob.of('down'), bob.sessions.size], [[], [], 0], `bit ${bit}`);
    t.is(bob.sessions.counters.get('closed-confirmed-authentication'), 1, `bit ${bit}`);
  }
});

for (const side of ['who dialled', 'who was dialled'] as const) {
  test(`a mutilated frame ends an established session as the peer's fault, for ${side}`, (t) => {
    for (const bit of [0, 9, 16, 300]) {
      const { alice, bob, wires } = offices();
      const { near, far } = join(alice, bob, wires);
      for (const office of [alice, bob]) office.send(office === alice ? BOB : ALICE, message(1));
      wires.settle();
      const [victim, link, peer] = side === 'who dialled' ? [alice, near, bob] : [bob, far, alice];
      peer.send(victim.hash, message(2, 900));
      wires.carry(peer, NOW, (bytes) => flipBit(bytes, bit));
      for (let n = 0; n < 80; n++) victim.step({ kind: 'bytes', link, bytes: Buffer.alloc(1_000, n) });
      victim.tick(link, NOW + LINGER_TIME);
      t.like(victim.failures, [
        { stage: 'session', established: true, close: { stage: 'data', peerFault: true } },
      ]);
      t.deepEqual(victim.received, [1]);
      t.is(victim.sessions.size, 0);
    }
  });
}

test('any bytes at any point of a session throw nothing, leave no link behind and bring no message', (t) => {
  fc.assert(
    fc.property(
      fc.nat({ max: 4 }),
      fc.boolean(),
      fc.array(fc.uint8Array({ minLength: 1, maxLength: 400 }), { minLength: 1, maxLength: 6 }),
      (carried, toAlice, chunks) => {
        const { alice, bob, wires } = offices();
        alice.dial(BOB);
        const far = wires.connect(alice, 1, bob);
        for (let n = 0; n < carried; n++) wires.carry(n % 2 === 0 ? alice : bob);
        const [victim, link] = toAlice ? [alice, 1] : [bob, far];
        for (const bytes of chunks) victim.step({ kind: 'bytes', link, bytes });
        for (const after of [LINGER_TIME, HANDSHAKE_TIMEOUT, IDLE_CLOSE, 2 * IDLE_CLOSE]) {
          victim.tick(link, NOW + after);
        }
        t.is(victim.sessions.size, 0);
        t.is(victim.out('hangup').length, 1);
        t.deepEqual(victim.received, []);
        t.true(victim.of('down').length <= 1);
      },
    ),
    { numRuns: 150 },
  );
});

test('a peer that takes the handshake and then refuses our RouterInfo has given no session', (t) => {
  const stale = routerInfo(ALICE_KEYS, { published: NOW - 2 * 3_600_000 });
  const alice = new Office(ALICE_KEYS, stale, knowing(BOB_KEYS));
  const bob = new Office(BOB_KEYS, BOB_INFO, knowing(ALICE_KEYS));
  join(alice, bob, new Wires());
  t.is(bob.of('up').length, 0, 'Bob refuses');
  const [failure] = alice.of('down').map((event) => event.failure);
  t.like(failure, {
    stage: 'session',
    established: false,
    close: { stage: 'accepted', reason: TERMINATION.message3 },
  });
});

/** Bob's office with a session of a peer who may put anything into his frames. */
function forged(): { bob: Office; send: (at: number, ...blocks: Uint8Array[]) => void } {
  const { bob } = offices();
  const alice = new ForgedAlice();
  bob.step({ kind: 'accepted', link: 1 });
  bob.step({ kind: 'bytes', link: 1, bytes: alice.request() });
  const created = bob.unsent.shift()?.bytes ?? new Uint8Array(0);
  bob.step({ kind: 'bytes', link: 1, bytes: alice.confirm(created) });
  const send = (at: number, ...blocks: Uint8Array[]): void =>
    void bob.step({ kind: 'bytes', link: 1, bytes: alice.frame(...blocks) }, at);
  return { bob, send };
}

test('a peer tells of itself, and of nobody else', (t) => {
  const { bob, send } = forged();
  t.is(bob.of('up').length, 1);
  const before = bob.of('routerInfo').length;
  const stranger = routerInfo(createRouterKeys(recordedEntropy('stranger')));
  send(NOW, routerInfoBlock(stranger.raw), routerInfoBlock(BOB_INFO.raw));
  t.is(bob.of('routerInfo').length, before);
  t.is(bob.sessions.counters.get('router-info-of-another'), 2);
  send(NOW + 1, routerInfoBlock(ALICE_INFO.raw));
  t.is(bob.of('routerInfo').length, before + 1);
});

test('a peer that tells of itself all the time is heard once a minute', (t) => {
  const { bob, send } = forged();
  const before = bob.of('routerInfo').length;
  for (let at = NOW; at < NOW + 60_000; at += 500) send(at, routerInfoBlock(ALICE_INFO.raw));
  t.is(bob.of('routerInfo').length, before + 1);
  const looked = bob.sessions.counters.get('router-info-too-often');
  t.true(looked > 3 && looked < 12, `${looked} of 119: the others are not even read`);
  send(NOW + 75_000, routerInfoBlock(ALICE_INFO.raw));
  t.is(bob.of('routerInfo').length, before + 2);
});
