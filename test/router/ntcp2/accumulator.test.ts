import { Accumulator } from '@allium/router/ntcp2/accumulator.ts';
import test from 'ava';
import fc from 'fast-check';
import { recordedEntropy } from '../../support/entropy.ts';
import { cutter } from './support.ts';

test('any cutting of a stream gives the same pieces', (t) => {
  const piece = fc.nat({ max: 60 });
  fc.assert(
    fc.property(
      fc.array(piece, { minLength: 1, maxLength: 10 }),
      fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 5 }),
      (lengths, cuts) => {
        const stream = recordedEntropy('stream')(lengths.reduce((sum, n) => sum + n, 0));
        const input = new Accumulator();
        const pieces: Uint8Array[] = [];
        for (const chunk of cutter(cuts)(stream)) {
          // The host may use its buffer again as soon as a step is over.
          const reused = Buffer.from(chunk);
          input.feed(reused);
          for (let next = lengths[pieces.length]; next !== undefined; next = lengths[pieces.length]) {
            const taken = input.take(next);
            if (!taken) break;
            pieces.push(Buffer.from(taken));
          }
          t.is(input.remaining, 0);
          reused.fill(0);
        }
        // Pieces of no bytes at the end need no chunk.
        while (lengths[pieces.length] === 0) pieces.push(input.take(0) ?? Buffer.of(1));
        t.deepEqual(
          pieces.map(({ length }) => length),
          lengths,
        );
        t.deepEqual(Buffer.concat(pieces), stream);
      },
    ),
  );
});

test('a piece that lies whole in the chunk is not copied', (t) => {
  const input = new Accumulator();
  const chunk = Buffer.from('abcdef');
  input.feed(chunk);
  input.take(2);
  const piece = input.take(4);
  t.is(piece?.buffer, chunk.buffer);
  t.is(piece?.byteOffset, chunk.byteOffset + 2);
  t.false(input.pending);
});

test('a piece in parts is pending until it is whole', (t) => {
  const input = new Accumulator();
  input.feed(Buffer.from('ab'));
  t.is(input.take(3), undefined);
  t.true(input.pending);
  input.feed(Buffer.from('cd'));
  t.deepEqual(Buffer.from(input.take(3) ?? []), Buffer.from('abc'));
  t.false(input.pending);
  t.is(input.remaining, 1);
});
