import { ReplayCache } from '@allium/router/ntcp2/replay-cache.ts';
import { Ntcp2Session } from '@allium/router/ntcp2/session.ts';
import type { Input } from '@allium/router/ntcp2/types.ts';
import test from 'ava';
import fc from 'fast-check';
import { aliceConfig, BOB, bobConfig, connectedPair, message, NOW, Side } from './support.ts';

test('random bytes at any stage never throw, and end in a close or in silence', (t) => {
  const chunk = fc.uint8Array({ maxLength: 300 });
  fc.assert(
    fc.property(fc.boolean(), fc.array(chunk, { maxLength: 6 }), (initiates, chunks) => {
      const session = initiates
        ? Ntcp2Session.initiator(aliceConfig(), BOB)
        : Ntcp2Session.responder(bobConfig(), { replays: new ReplayCache() });
      const side = new Side(session);
      side.step({ kind: 'connected' }, NOW);
      for (const bytes of chunks) side.step({ kind: 'bytes', bytes }, NOW);
      t.is(side.of('established').length, 0);
      t.true(side.of('closed').length <= 1);
    }),
    { numRuns: 40 },
  );
});

test('inputs in any order never throw, and nothing follows a close', (t) => {
  const input = fc.oneof(
    fc.constantFrom<Input>(
      { kind: 'connected' },
      { kind: 'blocked' },
      { kind: 'drained' },
      { kind: 'tick' },
      { kind: 'closed' },
      { kind: 'terminate', reason: 3 },
      { kind: 'send', message: message(1) },
      { kind: 'send', message: message(2, 70_000) },
      { kind: 'send', message: message(3, 10, NOW - 1) },
    ),
    fc.uint8Array({ maxLength: 100 }).map((bytes): Input => ({ kind: 'bytes', bytes })),
  );
  fc.assert(
    fc.property(
      fc.boolean(),
      fc.array(fc.tuple(input, fc.nat({ max: 60_000 })), { maxLength: 25 }),
      (up, inputs) => {
        const { alice } = up
          ? connectedPair()
          : { alice: new Side(Ntcp2Session.initiator(aliceConfig(), BOB)) };
        let now = NOW;
        for (const [step, later] of inputs) {
          now += later;
          const wasClosed = alice.closed !== undefined;
          const outputs = alice.step(step, now);
          if (wasClosed) t.true(outputs.every(({ kind }) => kind === 'dropped'));
        }
        t.true(alice.of('closed').length <= 1);
      },
    ),
    { numRuns: 60 },
  );
});
