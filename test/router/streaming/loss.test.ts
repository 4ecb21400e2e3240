import type { StreamId } from '@allium/router/streaming/types.ts';
import test from 'ava';
import fc from 'fast-check';
import { type Endpoint, pattern, pump, StreamNet } from './stream-net.ts';

/** The same cases in every run; other numbers find other cases, by hand and for longer. */
const SEED = 20_261_124;

/** ms; longer than any timer of a stream that still hears something */
const LONG = 3 * 3_600_000;

const links = fc.record({
  delay: fc.integer({ min: 1, max: 1_500 }),
  jitter: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 2_000 })),
  loss: fc.double({ min: 0, max: 0.4, noNaN: true }),
  duplicates: fc.double({ min: 0, max: 0.5, noNaN: true }),
  rate: fc.oneof(fc.constant(Number.POSITIVE_INFINITY), fc.double({ min: 0.02, max: 5, noNaN: true })),
  queue: fc.integer({ min: 100, max: 5_000 }),
});

function outcome(endpoint: Endpoint, stream: StreamId, expected: Buffer): 'whole' | 'broken' | 'wrong' {
  const received = endpoint.received(stream);
  if (!expected.subarray(0, received.length).equals(received)) return 'wrong';
  const { ended, over } = endpoint.of(stream);
  if (ended) return received.length === expected.length ? 'whole' : 'wrong';
  return over === 'reset' || over === 'refused' ? 'broken' : 'wrong';
}

test('whatever a path does, both byte streams arrive whole or the stream ends in an error', (t) => {
  let whole = 0;
  fc.assert(
    fc.property(
      links,
      fc.nat({ max: 60_000 }),
      fc.nat({ max: 60_000 }),
      fc.boolean(),
      fc.nat(),
      (link, upLength, downLength, bound, seed) => {
        const net = new StreamNet(link, `loss ${seed}`);
        net.bound = bound;
        const [client, server] = [net.endpoint('client'), net.endpoint('server')];
        server.step({ kind: 'listen', port: 80 });
        const [up, down] = [pattern(upLength, seed + 1), pattern(downLength, seed + 2)];
        server.onEvent = (event) => {
          if (event.kind === 'opened') pump(server, event.stream, down, 4_000);
        };
        const stream = client.connect(server.hash);
        pump(client, stream, up, 4_000);
        net.time.run(LONG);
        t.is(client.manager.size, 0, 'nothing is left at the client');
        t.is(server.manager.size, 0, 'nothing is left at the server');
        t.is(client.manager.buffered + server.manager.buffered, 0);
        const results = [outcome(client, stream, down)];
        const opened = server.events.find((event) => event.kind === 'opened');
        if (opened?.kind === 'opened') results.push(outcome(server, opened.stream, up));
        t.false(results.includes('wrong'), `${results} ${JSON.stringify(client.of(stream).reason)}`);
        if (results.length === 2 && results.every((result) => result === 'whole')) whole++;
      },
    ),
    { numRuns: 60, seed: SEED },
  );
  t.true(whole >= 30, `${whole} of 60 arrived whole`);
});

test('up to a tenth lost and twisted, everything arrives', (t) => {
  const kind = fc.record({
    delay: fc.integer({ min: 1, max: 800 }),
    jitter: fc.integer({ min: 0, max: 300 }),
    loss: fc.double({ min: 0, max: 0.1, noNaN: true }),
    duplicates: fc.double({ min: 0, max: 0.3, noNaN: true }),
  });
  fc.assert(
    fc.property(kind, fc.nat(), (link, seed) => {
      const net = new StreamNet(link, `tenth ${seed}`);
      const [client, server] = [net.endpoint('client'), net.endpoint('server')];
      server.step({ kind: 'listen', port: 80 });
      const [up, down] = [pattern(80_000, seed + 1), pattern(150_000, seed + 2)];
      server.onEvent = (event) => {
        if (event.kind === 'opened') pump(server, event.stream, down);
      };
      const stream = client.connect(server.hash);
      pump(client, stream, up);
      net.time.run(LONG);
      t.is(outcome(client, stream, down), 'whole');
      t.is(outcome(server, server.accepted(), up), 'whole');
    }),
    { numRuns: 25, seed: SEED },
  );
});
