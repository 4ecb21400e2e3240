import { SharedLimit } from '@allium/common/core/shared-limit.ts';
import { Bench } from 'tinybench';
import { initializeTagSet } from '../../services/router/garlic/key-schedule.ts';
import { TagTable, tagKey } from '../../services/router/garlic/tag-table.ts';
import { clove, connected, party } from '../router/garlic/pair.ts';
import { recordedEntropy } from '../support/entropy.ts';

/** The ratchet: what a message, a session and a tag cost. */
export async function suite(): Promise<Bench> {
  const bench = new Bench({ name: 'garlic', time: 300 });
  for (const size of [1_024, 16_384, 60_000]) {
    const { alice, bob, now } = connected(`bench ${size}`);
    const cloves = [clove(1, size)];
    let count = 0;
    bench.add(`encrypt and decrypt ${size} bytes in a session`, () => {
      const bytes = alice.core.encrypt(bob, cloves, now);
      if (!bytes || bob.core.decrypt(bytes, now).kind !== 'opened')
        throw new Error(`message ${count} was lost`);
      // Without an answer now and then the DH ratchet would never complete.
      if (count++ % 64 > 0) return;
      const answer = bob.core.encrypt(alice, [], now);
      if (answer) alice.core.decrypt(answer, now);
    });
  }
  let session = 0;
  bench.add('New Session, reply, first message', () => {
    const [alice, bob] = [party(`bench alice ${session}`), party(`bench bob ${session++}`)];
    const first = alice.core.encrypt(bob, [clove(1)], 0);
    if (first) bob.core.decrypt(first, 0);
    const reply = bob.core.encrypt(alice, [clove(2)], 0);
    if (reply) alice.core.decrypt(reply, 0);
    const message = alice.core.encrypt(bob, [clove(3)], 0);
    if (message) bob.core.decrypt(message, 0);
  });
  addGarbage(bench);
  addTags(bench);
  return bench;
}

function addGarbage(bench: Bench): void {
  const bob = party('bench garbage', { newSessionsBurst: Number.MAX_SAFE_INTEGER });
  const garbage = recordedEntropy('bench garbage')(1_024);
  bench.add('refuse garbage that could be a New Session', () => {
    bob.core.decrypt(garbage, 0);
  });
}

function addTags(bench: Bench): void {
  const { tagChain, keyChain } = initializeTagSet(Buffer.alloc(32, 1), Buffer.alloc(32, 2));
  bench.add('next tag and key of a tag set', () => {
    tagChain.next();
    keyChain.next();
  });
  const table = new TagTable<null>(new SharedLimit(2 ** 20).share());
  const tags = Array.from({ length: 65_536 }, () => tagChain.next());
  for (const [index, tag] of tags.entries()) table.add(tagKey(tag), null, index);
  let at = 0;
  bench.add('find a tag among 65,536', () => {
    table.get(tagKey(tags[at++ & 0xffff] ?? Buffer.alloc(8)));
  });
}
