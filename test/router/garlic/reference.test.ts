import test from 'ava';
import { decodeBlocks, encodeBlocks } from '../../../services/router/i2np/blocks.ts';
import { clove, numbers, open, party, START, send } from './pair.ts';
import { openReferenceExisting, ReferencePeer, sealReferenceExisting } from './reference.ts';

const ids = (payload: Uint8Array): number[] =>
  decodeBlocks(payload).flatMap((block) => (block.kind === 'clove' ? [block.clove.message.id] : []));
const dated = (id: number): Uint8Array =>
  encodeBlocks([
    { kind: 'dateTime', at: START },
    { kind: 'clove', clove: clove(id) },
  ]);
const plain = (id: number): Uint8Array => encodeBlocks([{ kind: 'clove', clove: clove(id) }]);

test('a session that we start is understood by a ratchet written after the specification', (t) => {
  const alice = party('reference/we start');
  const bob = new ReferencePeer('reference/bob');
  const to = { core: alice.core, publicKey: bob.pk };
  t.deepEqual(ids(bob.openNewSession(send(alice, to, [1], START))), [1]);
  t.deepEqual(Buffer.from(bob.remoteStatic), Buffer.from(alice.publicKey));
  t.deepEqual(numbers(open(alice, bob.sealReply(plain(2)), START)), [2]);
  const { send: outgoing, receive } = bob;
  if (!outgoing || !receive) throw new Error('no tag sets');
  for (let id = 3; id < 40; id += 2) {
    t.deepEqual(ids(openReferenceExisting(receive, send(alice, to, [id], START))), [id]);
    const answer = open(alice, sealReferenceExisting(outgoing, plain(id + 1)), START);
    t.deepEqual([answer.session, numbers(answer)], ['existing', [id + 1]]);
  }
});

test('a session that a ratchet written after the specification starts is understood by us', (t) => {
  const bob = party('reference/it starts');
  const alice = new ReferencePeer('reference/alice');
  const to = { core: bob.core, publicKey: alice.pk };
  const first = open(bob, alice.sealNewSession(bob.publicKey, dated(1)), START);
  t.deepEqual([first.session, numbers(first)], ['new', [1]]);
  t.deepEqual(Buffer.from(first.from ?? []), Buffer.from(alice.pk));
  t.deepEqual(ids(alice.openReply(send(bob, to, [2], START))), [2]);
  const { send: outgoing, receive } = alice;
  if (!outgoing || !receive) throw new Error('no tag sets');
  for (let id = 3; id < 40; id += 2) {
    t.deepEqual(numbers(open(bob, sealReferenceExisting(outgoing, plain(id)), START)), [id]);
    t.deepEqual(ids(openReferenceExisting(receive, send(bob, to, [id + 1], START))), [id + 1]);
  }
});

test('a one-time message is understood by a ratchet written after the specification', (t) => {
  const alice = party('reference/one time');
  const bob = new ReferencePeer('reference/one-time bob');
  const message = alice.core.encryptOneTime(bob.pk, [clove(9)], START);
  t.deepEqual(ids(bob.openNewSession(message ?? Buffer.alloc(0))), [9]);
  t.true(bob.remoteStatic.every((byte) => byte === 0));
});
