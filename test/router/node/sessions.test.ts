import { SILENT_FOR } from '@allium/router/node/link.ts';
import { MAX_LINKS } from '@allium/router/node/sessions.ts';
import { IDLE_CLOSE } from '@allium/router/ntcp2/limits.ts';
import { TERMINATION } from '@allium/router/ntcp2/termination.ts';
import test from 'ava';
import { someHash } from '../netdb/make.ts';
import { ALICE_INFO, ALICE_KEYS, BOB_INFO, BOB_KEYS, message, NOW } from '../ntcp2/support.ts';
import { ALICE, BOB, join, knowing, Office, offices } from './session-rig.ts';

/** Alice dials Bob, and before that is answered Bob has dialled her: both know one session. */
function crossing() {
  const { alice, bob, wires } = offices();
  alice.send(BOB, message(1));
  const { far } = join(bob, alice, wires);
  return { alice, bob, wires, dialled: 1, incoming: far };
}

/** Two sessions between Alice and Bob, `first` dialled by her. */
function twice() {
  const { alice, bob, wires } = offices();
  alice.dial(BOB);
  bob.dial(ALICE);
  const first = { near: 1, far: wires.connect(alice, 1, bob) };
  const second = { near: wires.connect(bob, 1, alice), far: 1 };
  wires.settle();
  return { alice, bob, wires, first, second };
}

test('a first message dials once, later ones wait with it, and all arrive in order', (t) => {
  const { alice, bob, wires } = offices();
  for (const id of [1, 2, 3]) alice.send(BOB, message(id));
  alice.dial(BOB);
  t.deepEqual(alice.emitted, [
    { kind: 'dial', link: 1, host: '203.0.113.9', port: 4_567, isolation: 'peers-7' },
  ]);
  t.true(alice.sessions.has(BOB));
  t.false(alice.sessions.isUp(BOB));
  t.deepEqual([alice.sessions.dialing(), alice.sessions.connected()], [[BOB], []]);
  wires.connect(alice, 1, bob);
  wires.settle();
  alice.send(BOB, message(4));
  wires.settle();
  t.deepEqual(bob.received, [1, 2, 3, 4]);
  t.deepEqual(alice.of('up'), [{ kind: 'up', router: BOB, incoming: false }]);
  t.deepEqual(bob.of('up'), [{ kind: 'up', router: ALICE, incoming: true }]);
  t.deepEqual([alice.sessions.dialing(), alice.sessions.connected()], [[], [BOB]]);
  t.is(alice.out('dial').length, 1);
});

test('who was dialled tells the RouterInfo of the handshake before it tells that the session is up', (t) => {
  const { alice, bob, wires } = offices();
  join(alice, bob, wires);
  const told = bob.events.filter(({ kind }) => kind === 'routerInfo' || kind === 'up');
  t.deepEqual(
    told.map(({ kind }) => kind),
    ['routerInfo', 'up'],
  );
  const [info] = bob.of('routerInfo');
  t.is(info?.from, ALICE);
  t.deepEqual(Buffer.from(info?.routerInfo.raw ?? []), Buffer.from(ALICE_INFO.raw));
  t.is(alice.of('skew').length, 1);
});

test('links are bounded: the next one is refused with limit, and there is room again when one ends', (t) => {
  const { alice } = offices();
  for (let link = 1_000; link < 1_000 + MAX_LINKS; link++) alice.step({ kind: 'accepted', link });
  t.is(alice.sessions.size, MAX_LINKS);
  alice.step({ kind: 'accepted', link: 5_000 });
  t.deepEqual(alice.out('hangup'), [{ kind: 'hangup', link: 5_000 }]);
  const limit = { kind: 'down', router: BOB, failure: { stage: 'limit' } };
  t.deepEqual(alice.dial(BOB), [limit]);
  t.deepEqual(alice.send(BOB, message(1)), [limit]);
  t.is(alice.sessions.size, MAX_LINKS);
  t.deepEqual(alice.out('dial'), []);
  alice.step({ kind: 'closed', link: 1_000 });
  alice.dial(BOB);
  t.is(alice.out('dial').length, 1);
});

test('a router without an address fails as such, and nothing is dialled', (t) => {
  const { alice } = offices();
  const nobody = someHash('nobody');
  const down = { kind: 'down', router: nobody, failure: { stage: 'address' } };
  t.deepEqual(alice.send(nobody, message(1)), [down]);
  t.deepEqual(alice.dial(nobody), [down]);
  t.deepEqual(alice.emitted, []);
  t.false(alice.sessions.has(nobody));
});

for (const code of ['proxy', 'refused', 'timeout', 'aborted'] as const) {
  test(`a dial that ends with ${code} says so, and the next message dials anew without the old one`, (t) => {
    const { alice, bob, wires } = offices();
    alice.send(BOB, message(1));
    const down = { kind: 'down', router: BOB, failure: { stage: 'dial', code } };
    t.deepEqual(alice.step({ kind: 'dialFailed', link: 1, code }), [down]);
    t.is(alice.sessions.counters.get(`dial-${code}`), 1);
    t.deepEqual([alice.sessions.size, alice.sessions.has(BOB)], [0, false]);
    t.deepEqual(alice.step({ kind: 'dialFailed', link: 1, code }), [], 'it is over once');
    alice.send(BOB, message(2));
    wires.connect(alice, 2, bob);
    wires.settle();
    t.deepEqual(bob.received, [2]);
  });
}

for (const kind of ['dialFailed', 'closed'] as const) {
  test(`an incoming session takes over when our own dial ends with ${kind}, and nothing is down`, (t) => {
    const { alice, bob, wires, dialled } = crossing();
    const end =
      kind === 'closed' ? { kind, link: dialled } : ({ kind, link: dialled, code: 'refused' } as const);
    t.deepEqual(alice.step(end), []);
    t.true(alice.sessions.isUp(BOB));
    alice.send(BOB, message(2));
    wires.settle();
    t.deepEqual(bob.received, [2]);
    t.is(alice.out('dial').length, 1);
    t.is(alice.sessions.size, 1);
  });
}

test('messages go over the incoming session while our own dial is still under way', (t) => {
  const { alice, bob, wires } = crossing();
  alice.send(BOB, message(2));
  wires.settle();
  t.deepEqual(bob.received, [2]);
  t.deepEqual([alice.sessions.connected(), alice.sessions.dialing()], [[BOB], []]);
});

test('an incoming session that ends leaves our own dial in its place: no second one', (t) => {
  const { alice, bob, wires, dialled, incoming } = crossing();
  const [down, ...more] = alice.step({ kind: 'closed', link: incoming });
  t.is(down?.kind, 'down');
  t.deepEqual(more, []);
  t.deepEqual(alice.sessions.dialing(), [BOB]);
  alice.send(BOB, message(2));
  t.is(alice.out('dial').length, 1);
  wires.connect(alice, dialled, bob);
  wires.settle();
  t.deepEqual(bob.received, [1, 2]);
  t.true(alice.sessions.isUp(BOB));
});

test('after an incoming session ended, a dial that fails is told too', (t) => {
  const { alice, dialled, incoming } = crossing();
  alice.step({ kind: 'closed', link: incoming });
  const events = alice.step({ kind: 'dialFailed', link: dialled, code: 'timeout' });
  t.deepEqual(events, [{ kind: 'down', router: BOB, failure: { stage: 'dial', code: 'timeout' } }]);
  t.deepEqual([alice.sessions.size, alice.sessions.has(BOB)], [0, false]);
});

for (const order of ['first', 'second'] as const) {
  test(`of two sessions with one router the ${order} may end unnoticed, the end of both is one`, (t) => {
    const { alice, bob, wires, first, second } = twice();
    t.deepEqual([alice.sessions.size, alice.sessions.connected()], [2, [BOB]]);
    const [gone, left] = order === 'first' ? [first, second] : [second, first];
    t.deepEqual(alice.step({ kind: 'closed', link: gone.near }), []);
    t.true(alice.sessions.isUp(BOB));
    alice.send(BOB, message(1));
    t.is(alice.out('send').at(-1)?.link, left.near);
    wires.settle();
    t.deepEqual(bob.received, [1]);
    const [down] = alice.step({ kind: 'closed', link: left.near });
    t.is(down?.kind === 'down' && down.router, BOB);
    t.deepEqual(alice.sessions.connected(), []);
    t.is(alice.of('down').length, 1);
  });
}

test('who dials us again has lost what it had: it is answered over the new session', (t) => {
  const { alice, bob, wires } = offices();
  const { near } = join(alice, bob, wires);
  const again = new Office(BOB_KEYS, BOB_INFO, knowing(ALICE_KEYS), 'again');
  join(again, alice, wires);
  t.is(alice.of('up').length, 2);
  alice.send(BOB, message(1));
  t.not(alice.out('send').at(-1)?.link, near);
});

test('of a live session and a dial that goes on, the live one takes over', (t) => {
  const { alice, wires, incoming } = crossing();
  const again = new Office(BOB_KEYS, BOB_INFO, knowing(ALICE_KEYS), 'again');
  const { far } = join(again, alice, wires);
  t.deepEqual(alice.step({ kind: 'closed', link: incoming }), []);
  t.deepEqual(alice.sessions.connected(), [BOB]);
  alice.send(BOB, message(2));
  t.is(alice.out('send').at(-1)?.link, far);
});

test('ending all says goodbye with router shutdown, and what is being opened is hung up', (t) => {
  const { alice, bob, wires } = offices();
  join(alice, bob, wires);
  alice.step({ kind: 'accepted', link: 7_000 });
  alice.terminate();
  t.is(alice.sessions.size, 0);
  t.deepEqual(
    alice.out('hangup').map(({ link }) => link),
    [1, 7_000],
  );
  wires.settle();
  const reason = TERMINATION.routerShutdown;
  t.like(bob.failures[0], { stage: 'session', established: true, close: { code: 'terminated', reason } });
  t.like(alice.failures, [
    { stage: 'session', established: true, close: { code: 'local', peerFault: false } },
  ]);
});

test('giving up dialling leaves live sessions alone and blames nobody', (t) => {
  const { alice, bob, wires } = offices();
  const carol = new Office(ALICE_KEYS, ALICE_INFO, knowing(BOB_KEYS, ALICE_KEYS));
  carol.dial(ALICE);
  join(carol, bob, wires);
  carol.step({ kind: 'accepted', link: 7_000 });
  carol.giveUpDialing();
  t.deepEqual(carol.sessions.connected(), [BOB]);
  t.is(carol.sessions.size, 1);
  t.deepEqual(
    carol.out('hangup').map(({ link }) => link),
    [1, 7_000],
  );
  const close = { stage: 'connect', code: 'local', peerFault: false, reason: TERMINATION.normal };
  t.deepEqual(carol.of('down'), [
    { kind: 'down', router: ALICE, failure: { stage: 'session', established: false, close } },
  ]);
  t.deepEqual(alice.giveUpDialing(), []);
});

test('whether a session must stay is asked when its timer runs out, not before, and for that router', (t) => {
  const { alice, bob, wires } = offices();
  const { near } = join(alice, bob, wires);
  for (let id = 1; id < 20; id++) alice.send(BOB, message(id));
  wires.settle();
  t.deepEqual(alice.asked, []);
  alice.keep = true;
  const frames = alice.out('send').length;
  let now = NOW;
  while (now < NOW + 2 * IDLE_CLOSE) {
    now = Math.max(now + 1, alice.wakeOf(near));
    alice.tick(near, now);
  }
  t.true(alice.asked.length > 0 && alice.asked.every((router) => router === BOB));
  t.true(alice.out('send').length > frames, 'small frames keep it');
  t.true(alice.sessions.isUp(BOB));
  alice.keep = false;
  alice.tick(near, now + 2 * IDLE_CLOSE);
  t.like(alice.failures, [
    { stage: 'session', established: true, close: { code: 'idle', peerFault: false } },
  ]);
});

test('who was dialled asks about whoever turned out to be there', (t) => {
  const { alice, bob, wires } = offices();
  const { far } = join(alice, bob, wires);
  bob.keep = true;
  bob.tick(far, NOW + IDLE_CLOSE);
  t.deepEqual(bob.asked, [ALICE]);
  t.true(bob.sessions.isUp(ALICE));
});

test('a full socket holds messages back until it is drained', (t) => {
  const { alice, bob, wires } = offices();
  const { near } = join(alice, bob, wires);
  alice.step({ kind: 'blocked', link: near });
  alice.send(BOB, message(1));
  alice.send(BOB, message(2));
  t.is(alice.unsent.length, 0);
  alice.step({ kind: 'drained', link: near });
  wires.settle();
  t.deepEqual(bob.received, [1, 2]);
});

test('what is said of a link that is over or never was changes nothing', (t) => {
  const { alice } = offices();
  const bytes = Buffer.alloc(64);
  t.deepEqual(alice.step({ kind: 'dialed', link: 9 }), []);
  t.deepEqual(alice.step({ kind: 'bytes', link: 9, bytes }), []);
  t.deepEqual(alice.step({ kind: 'dialFailed', link: 9, code: 'refused' }), []);
  for (const kind of ['blocked', 'drained', 'closed'] as const)
    t.deepEqual(alice.step({ kind, link: 9 }), []);
  t.deepEqual(alice.tick(9, NOW), []);
  t.deepEqual([alice.emitted, alice.sessions.size, alice.sessions.counters.toJSON()], [[], 0, {}]);
});

/** Alice's session with Bob, who has gone without a word. */
function silent() {
  const { alice, bob, wires } = offices();
  join(alice, bob, wires);
  const hangups = alice.out('hangup').length;
  return { alice, over: () => alice.out('hangup').length > hangups };
}

test('a session over which nothing comes and tests are lost is closed after four minutes, not before', (t) => {
  const { alice, over } = silent();
  alice.testLost(BOB, NOW + 60_000);
  alice.testLost(BOB, NOW + SILENT_FOR - 1);
  t.false(over());
  alice.testLost(BOB, NOW + SILENT_FOR);
  t.true(over());
  t.like(alice.failures[0], { stage: 'session', established: true });
  t.is(alice.sessions.counters.get('closed-silent'), 1);
});

test('silence alone, one lost test, or what was heard since then closes nothing', (t) => {
  const quiet = silent();
  quiet.alice.testLost(BOB, NOW + 2 * SILENT_FOR);
  t.false(quiet.over(), 'one test may be lost anywhere');
  quiet.alice.sessions.testPassed(BOB, NOW + 2 * SILENT_FOR);
  for (let i = 0; i < 5; i++) quiet.alice.testLost(BOB, NOW + 3 * SILENT_FOR - 1);
  t.false(quiet.over(), 'a test that came back says that it was there');
  const { alice, bob, wires } = offices();
  join(alice, bob, wires);
  alice.keep = true;
  bob.keep = true;
  bob.send(ALICE, { ...message(1), expires: NOW + 2 * SILENT_FOR }, NOW + SILENT_FOR);
  wires.settle(NOW + SILENT_FOR);
  for (let i = 0; i < 5; i++) alice.testLost(BOB, NOW + SILENT_FOR + 1_000);
  t.deepEqual(alice.out('hangup'), []);
  t.deepEqual(alice.testLost(someHash('nobody'), NOW), []);
});
