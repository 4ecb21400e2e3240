import test from 'ava';
import { x25519KeyPair } from '../../../services/router/crypto/x25519.ts';
import { ReceiveRatchet, SendRatchet } from '../../../services/router/garlic/next-key.ts';
import { recordedEntropy } from '../../support/entropy.ts';
import { code, connected, numbers, open, send } from './pair.ts';

const random = recordedEntropy('ratchet');
const rootOf = (id: number): Uint8Array => Buffer.alloc(32, id);

/** ECIES Ratchet, "Summary of tag set and key ID progression": tag set, sender's key, receiver's key; * is a new key. */
const PROGRESSION = ['1 0* 0*', '2 1* 0', '3 1 1*', '4 2* 1', '5 2 2*', '6 3* 2'];

test('key IDs and new keys follow the table of the specification', (t) => {
  const sender = new SendRatchet();
  const receiver = new ReceiveRatchet();
  const seen = PROGRESSION.map((_, current) => {
    sender.start(current, random);
    const forward = sender.block;
    if (!forward) return t.fail('no forward key');
    const received = receiver.asked(forward, { id: current, nextRootKey: rootOf(current) }, random);
    const reverse = receiver.block;
    if (!reverse) throw new Error('no reverse key');
    t.is(
      forward.requestReverse,
      reverse.publicKey !== undefined,
      'a new reverse key comes when it is asked for',
    );
    const sent = sender.answered(reverse, rootOf(current));
    t.deepEqual(
      Buffer.from(sent?.keys.tagChain.next() ?? []),
      Buffer.from(received?.keys.tagChain.next() ?? [0]),
    );
    receiver.confirmed(current + 1);
    t.deepEqual([sender.block, receiver.block], [undefined, undefined]);
    const star = (block: { publicKey?: Uint8Array }): string => (block.publicKey ? '*' : '');
    return `${sent?.id} ${forward.keyId}${star(forward)} ${reverse.keyId}${star(reverse)}`;
  });
  t.deepEqual(seen, PROGRESSION);
});

test('repeated, premature and useless blocks change nothing', (t) => {
  const sender = new SendRatchet();
  const receiver = new ReceiveRatchet();
  const current = { id: 0, nextRootKey: rootOf(0) };
  sender.start(0, random);
  const forward = sender.block;
  if (!forward?.publicKey) throw new Error('no forward key');
  t.is(receiver.asked({ ...forward, keyId: 1 }, current, random), undefined, 'another key ID');
  t.is(
    receiver.asked({ ...forward, publicKey: new Uint8Array(32) }, current, random),
    undefined,
    'a weak key',
  );
  const { publicKey: _, ...bare } = forward;
  t.is(receiver.asked(bare, current, random), undefined, 'no key where one is due');
  t.is(receiver.block, undefined);
  t.truthy(receiver.asked(forward, current, random));
  const reverse = receiver.block;
  t.is(receiver.asked(forward, { id: 1, nextRootKey: rootOf(1) }, random), undefined, 'the same again');
  t.deepEqual(receiver.block, reverse);
  if (!reverse) throw new Error('no reverse key');
  t.is(sender.answered({ ...reverse, keyId: 5 }, rootOf(0)), undefined);
  t.is(
    sender.answered({ kind: 'nextKey', keyId: 0, reverse: true, requestReverse: false }, rootOf(0)),
    undefined,
  );
  t.truthy(sender.answered(reverse, rootOf(0)));
  t.is(sender.answered(reverse, rootOf(0)), undefined, 'an answer counts once');
  t.is(
    new SendRatchet().answered({ ...reverse, publicKey: x25519KeyPair(random).publicKey }, rootOf(0)),
    undefined,
  );
});

test('the last tag set is not followed by another', (t) => {
  const sender = new SendRatchet();
  sender.start(65_535, random);
  t.is(sender.block, undefined);
});

test('12,500 messages pass through three DH ratchets', (t) => {
  const { alice, bob, now } = connected('long');
  for (let id = 1; id <= 12_500; id++) {
    const at = now + id;
    if (numbers(open(bob, send(alice, bob, [id], at), at))[0] !== id) t.fail(`message ${id} to bob`);
    if (id % 8 > 0) continue;
    if (numbers(open(alice, send(bob, alice, [id], at), at))[0] !== id) t.fail(`message ${id} to alice`);
  }
  t.is(alice.core.counts.sessions, 1, 'no session had to be restarted');
  t.true(bob.core.counts.tags <= 3 * (640 + 160), `${bob.core.counts.tags} tags`);
});

test('messages of the tag set before a ratchet are still good for three minutes', (t) => {
  const { alice, bob, now } = connected('old tag set');
  let id = 0;
  const step = (): void => {
    open(bob, send(alice, bob, [++id], now), now);
    open(alice, send(bob, alice, [id], now), now);
  };
  while (id < 4_090) step();
  const [early, late] = [send(alice, bob, [10_001], now), send(alice, bob, [10_002], now)];
  while (id < 4_200) step();
  bob.core.tick(now + 20_000);
  t.deepEqual(numbers(open(bob, early, now + 20_000)), [10_001]);
  bob.core.tick(now + 181_000);
  t.is(code(bob, late, now + 181_000), 'unknown');
});

test('a ratchet whose blocks are lost again and again still completes', (t) => {
  const { alice, bob, now } = connected('lossy ratchet');
  let delivered = 0;
  for (let id = 1; id <= 4_700; id++) {
    const at = now + id;
    const bytes = send(alice, bob, [id], at);
    // Around the ratchets nine of ten messages are lost, in both directions.
    const bad = id % 4_096 < 300;
    if (!bad || id % 10 === 3) delivered += numbers(open(bob, bytes, at)).length;
    const back = send(bob, alice, [id], at);
    if (!bad || id % 10 === 7) delivered += numbers(open(alice, back, at)).length;
  }
  t.true(delivered > 8_000);
  const fresh = send(alice, bob, [1], now + 4_701);
  t.deepEqual(numbers(open(bob, fresh, now + 4_701)), [1]);
});
