import { Budget, MAX_SENT_BYTES } from '@allium/router/node/budget.ts';
import { StreamManager } from '@allium/router/streaming/manager.ts';
import { SEND_HIGH_WATER } from '@allium/router/streaming/send-buffer.ts';
import type { StreamId } from '@allium/router/streaming/types.ts';
import { signerOf } from '@allium/router/wire/identity.ts';
import test from 'ava';
import { recordedEntropy } from '../../support/entropy.ts';
import { keysOf } from './stream-net.ts';

const NOW = 1_700_000_000_000;
const PIECE = new Uint8Array(16 * 1_024);

/** Streams to peers that never answer. */
function silent(name: string) {
  const shares = new Budget().share();
  const random = recordedEntropy(name);
  const manager = new StreamManager({ signer: signerOf(keysOf(name)), random, shares });
  const dial = (): StreamId => {
    const remote = keysOf(`peer ${manager.size % 4}`).destination.hash;
    return manager.connect(remote, { fromPort: 0, toPort: 80 }, new Uint8Array(0), NOW).stream;
  };
  /** Bytes that its writer gets rid of before he has to wait. */
  const fill = (stream: StreamId): number => {
    for (let written = PIECE.length; ; written += PIECE.length) {
      const outputs = manager.step({ kind: 'write', stream, bytes: PIECE }, NOW);
      if (outputs.some(({ kind }) => kind === 'blocked')) return written;
    }
  };
  return { shares, manager, dial, fill };
}

test('when what was written fills the share, writers wait with less in hand', (t) => {
  const { shares, dial, fill } = silent('crowd');
  t.true(fill(dial()) >= SEND_HIGH_WATER);
  let last = 0;
  for (let i = 0; i < 60; i++) last = fill(dial());
  t.true(last <= 3 * PIECE.length, `${last} bytes`);
  t.true(shares.sent.used <= MAX_SENT_BYTES, `${shares.sent.used} bytes`);
});

test('streams that end give back what they held, however they end', (t) => {
  const { shares, manager, dial, fill } = silent('ends');
  const [one, two] = [dial(), dial()];
  fill(one);
  fill(two);
  t.true(shares.sent.used > SEND_HIGH_WATER);
  manager.step({ kind: 'reset', stream: one }, NOW);
  t.true(shares.sent.used > 0);
  manager.step({ kind: 'close' }, NOW);
  t.deepEqual([shares.sent.used, shares.streams.used, shares.received.used], [0, 0, 0]);
});
