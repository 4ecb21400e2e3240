import { SharedLimit } from '@allium/common/core/shared-limit.ts';
import test from 'ava';
import { x25519KeyPair } from '../../../services/router/crypto/x25519.ts';
import { initializeTagSet } from '../../../services/router/garlic/key-schedule.ts';
import { MAX_REMOTES, MAX_REPLAY_ENTRIES, MAX_SESSIONS } from '../../../services/router/garlic/limits.ts';
import { NewSessionGuard } from '../../../services/router/garlic/new-session-guard.ts';
import { Remotes } from '../../../services/router/garlic/remotes.ts';
import { type Remote, Session } from '../../../services/router/garlic/session.ts';
import { recordedEntropy } from '../../support/entropy.ts';
import { START } from './pair.ts';

const random = recordedEntropy('bounds');
const MAX_TAGS = 65_536;

function sessionWith(remotes: Remotes, remote: Remote, tags: number): Session {
  const keys = (): ReturnType<typeof initializeTagSet> => initializeTagSet(random(32), random(32));
  const session = new Session(remotes.tags, remote, { send: keys(), receive: keys() }, START);
  session.receive.extend(tags);
  return session;
}

test('tags above the limit cost the remotes that were silent longest', (t) => {
  const remotes = new Remotes(new SharedLimit(2 * MAX_TAGS).share());
  const all = Array.from({ length: 12 }, () => remotes.known(x25519KeyPair(random).publicKey));
  for (const remote of all) remotes.establish(sessionWith(remotes, remote, 6_000), START);
  const [first, second, third] = all;
  if (first) remotes.touch(first);
  remotes.makeRoom();
  t.true(remotes.tags.size <= MAX_TAGS && remotes.tags.size > MAX_TAGS - 6_000);
  const held = (remote: Remote | undefined): boolean =>
    remote !== undefined && remotes.find(remote.publicKey) === remote;
  t.deepEqual([first, second, third].map(held), [true, false, false]);
  t.is(remotes.counts.remotes, 10);
});

test('remotes are bounded, and the tags of one that goes go too', (t) => {
  const remotes = new Remotes(new SharedLimit(2 * MAX_TAGS).share());
  for (let i = 0; i < MAX_REMOTES + 50; i++) {
    remotes.establish(sessionWith(remotes, remotes.known(random(32)), 1), START);
  }
  t.like(remotes.counts, { remotes: MAX_REMOTES, sessions: MAX_REMOTES, tags: MAX_REMOTES * 24 });
});

test('sessions with one remote are bounded, newest first', (t) => {
  const remotes = new Remotes(new SharedLimit(2 * MAX_TAGS).share());
  const remote = remotes.known(random(32));
  const sessions = Array.from({ length: 10 }, () => sessionWith(remotes, remote, 24));
  for (const session of sessions) remotes.establish(session, START);
  t.deepEqual(remote.sessions, sessions.slice(-MAX_SESSIONS).reverse());
  t.is(remotes.tags.size, MAX_SESSIONS * 24);
});

test('remembered ephemeral keys are bounded and go when their time is over', (t) => {
  const guard = new NewSessionGuard();
  for (let i = 0; i < MAX_REPLAY_ENTRIES + 100; i++) guard.remember(random(32), START + i);
  t.is(guard.size, MAX_REPLAY_ENTRIES);
  guard.sweep(START + 5 * 60_000 + 100 + 1_000);
  t.is(guard.size, MAX_REPLAY_ENTRIES - 1_000);
  guard.sweep(START + 20 * 60_000);
  t.is(guard.size, 0);
});

test('a clock that jumps back neither blocks nor opens the gate', (t) => {
  const guard = new NewSessionGuard(10, 10);
  const admitted = (now: number): number =>
    Array.from({ length: 20 }, () => guard.afford(0, now)).filter(Boolean).length;
  t.is(admitted(START), 5);
  t.is(admitted(START - 3_600_000), 0);
  t.is(admitted(START - 3_600_000 + 300), 3);
});
