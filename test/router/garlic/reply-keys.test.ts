import test from 'ava';
import { ReplyKeys } from '../../../services/router/garlic/reply-keys.ts';
import { encodeBlocks } from '../../../services/router/i2np/blocks.ts';
import { sealOneTime } from '../../../services/router/i2np/one-time-garlic.ts';
import { recordedEntropy } from '../../support/entropy.ts';
import { clove, code, connected, numbers, open, party, START } from './pair.ts';

const random = recordedEntropy('reply keys');
const answer = (key: { tag: Uint8Array; key: Uint8Array }, id: number): Uint8Array =>
  sealOneTime(key, encodeBlocks([{ kind: 'clove', clove: clove(id) }]));
const newKey = (): { tag: Uint8Array; key: Uint8Array } => ({ tag: random(8), key: random(32) });

test('an answer under a registered key opens once and says what it was for', (t) => {
  const { core, publicKey } = party('alice');
  const [one, two] = [newKey(), newKey()];
  core.registerReplyKey(one.tag, one.key, START + 30_000, 1, START);
  core.registerReplyKey(two.tag, two.key, START + 30_000, 2, START);
  const alice = { core, publicKey };
  const opened = open(alice, answer(two, 5), START + 10);
  t.like(opened, { session: 'reply-key', query: 2, from: undefined });
  t.deepEqual(numbers(opened), [5]);
  t.is(code(alice, answer(two, 5), START + 20), 'unknown');
  t.is(code(alice, answer({ ...one, key: two.key }, 6), START + 30), 'authentication');
  t.like(open(alice, answer(one, 7), START + 40), { query: 1 });
});

test('a key that has run out opens nothing and is forgotten', (t) => {
  const { alice, now } = connected('reply keys');
  const key = newKey();
  alice.core.registerReplyKey(key.tag, key.key, now + 30_000, 8, now);
  t.is(code(alice, answer(key, 1), now + 30_001), 'unknown');
  alice.core.tick(now + 60_000);
  t.is(alice.core.counts.replyKeys, 0);
});

test('an answer with malformed blocks is refused', (t) => {
  const alice = party('alice');
  const key = newKey();
  alice.core.registerReplyKey(key.tag, key.key, START + 30_000, 8, START);
  t.is(code(alice, sealOneTime(key, Buffer.of(11, 0, 9, 1)), START), 'malformed');
});

test('keys are bounded, and of the wrong length are our fault', (t) => {
  const keys = new ReplyKeys();
  for (let i = 0; i < 2_000; i++) keys.register(random(8), random(32), START, 0);
  t.is(keys.size, 1_024);
  t.throws(() => keys.register(random(7), random(32), START, 0), { instanceOf: RangeError });
});
