import { ByteWriter } from '@allium/common/bytes/writer.ts';
import { blockSize, i2npBlockSize, writeI2npBlock, writePaddingBlock } from '@allium/router/ntcp2/blocks.ts';
import { FrameOpener, FrameSealer, LENGTH_SIZE } from '@allium/router/ntcp2/frame.ts';
import { FrameReader } from '@allium/router/ntcp2/frame-reader.ts';
import { FrameWriter, MAX_CONTENT } from '@allium/router/ntcp2/frame-writer.ts';
import type { DirectionKeys } from '@allium/router/ntcp2/transport-keys.ts';
import type { Output } from '@allium/router/ntcp2/types.ts';
import test from 'ava';
import fc from 'fast-check';
import { recordedEntropy } from '../../support/entropy.ts';
import { block, routerInfoBlock } from './forged-alice.ts';
import { ALICE_INFO, constantRandom, flipBit, message, NOW } from './support.ts';

const random = recordedEntropy('frame keys');
const KEYS: DirectionKeys = { key: random(32), sipKey: random(16), sipIv: random(8) };

function openAll(opener: FrameOpener, frame: Uint8Array): Uint8Array | undefined {
  const length = opener.length(frame.subarray(0, LENGTH_SIZE));
  return length === frame.length - LENGTH_SIZE ? opener.open(frame.subarray(LENGTH_SIZE)) : undefined;
}

function read(blocks: Uint8Array): { outputs: Output[]; end: unknown } {
  const outputs: Output[] = [];
  const end = new FrameReader().read(blocks, NOW, outputs);
  return { outputs, end };
}

test('messages of any number and size arrive as they were, frame after frame', (t) => {
  const length = fc.oneof(fc.nat({ max: 1_100 }), fc.nat({ max: 9_000 }));
  const frames = fc.array(fc.array(length, { minLength: 1, maxLength: 6 }), { maxLength: 5 });
  fc.assert(
    fc.property(frames, fc.nat({ max: 255 }), (batches, entropy) => {
      const writer = new FrameWriter(KEYS, constantRandom(entropy));
      const opener = new FrameOpener(KEYS);
      for (const lengths of batches) {
        const batch = lengths.map((n, id) => ({ ...message(id, n), expires: (id + 7) * 1000 }));
        const size = batch.reduce((sum, next) => sum + i2npBlockSize(next), 0);
        const frame = writer.messages(batch, size);
        t.true(frame.length <= size + 3 + 255 + LENGTH_SIZE + 16);
        const blocks = openAll(opener, frame) ?? new Uint8Array(1);
        const { outputs, end } = read(blocks);
        t.is(end, undefined);
        t.deepEqual(
          outputs.map((output) => (output.kind === 'message' ? output.message : output)).map(plain),
          batch.map(plain),
        );
      }
    }),
    { numRuns: 40 },
  );
});

function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (_, inner) => (inner instanceof Uint8Array ? [...inner] : inner)));
}

test('the largest frame fits its 16-bit length, and its padding still finds room or stays away', (t) => {
  for (const spare of [0, 1, 2, 3, 4, 100]) {
    const big = message(1, MAX_CONTENT - 3 - 9 - spare);
    const writer = new FrameWriter(KEYS, constantRandom(255));
    const frame = writer.messages([big], i2npBlockSize(big));
    t.true(frame.length <= 65_537, `${spare}: ${frame.length}`);
    const blocks = openAll(new FrameOpener(KEYS), frame);
    t.truthy(blocks);
    t.is(read(blocks ?? new Uint8Array(1)).outputs.length, 1);
  }
});

test('a changed, repeated or skipped frame does not open', (t) => {
  const writer = new FrameWriter(KEYS, recordedEntropy('order'));
  const first = writer.keepAlive(NOW);
  const second = writer.keepAlive(NOW);
  for (let bit = 16; bit < first.length * 8; bit += 37) {
    t.is(openAll(new FrameOpener(KEYS), flipBit(first, bit)), undefined);
  }
  const opener = new FrameOpener(KEYS);
  t.truthy(openAll(opener, first));
  t.is(opener.frames, 1);
  t.is(openAll(opener, first), undefined);
  t.is(openAll(new FrameOpener(KEYS), second), undefined);
});

test('lengths on the wire look random and a length below a tag is noticed', (t) => {
  const writer = new FrameWriter(KEYS, constantRandom(0));
  const lengths = Array.from({ length: 50 }, () => Buffer.from(writer.keepAlive(NOW)).readUInt16BE(0));
  t.true(new Set(lengths).size > 45);
  const sealer = new FrameSealer(KEYS);
  const empty = Buffer.from(sealer.seal(sealer.open(0)));
  t.is(empty.length, 18);
  const mask = empty.readUInt16BE(0) ^ 16;
  for (const [length, expected] of [
    [15, undefined],
    [0, undefined],
    [16, 16],
    [65_535, 65_535],
  ] as const) {
    const masked = Buffer.of((mask ^ length) >>> 8, (mask ^ length) & 0xff);
    t.is(new FrameOpener(KEYS).length(masked), expected);
  }
});

test('blocks that nobody knows, Options and Padding are skipped', (t) => {
  const blocks = Buffer.concat([
    block(1, new Uint8Array(12)),
    block(77, new Uint8Array(5)),
    block(255, new Uint8Array(0)),
    block(3, Buffer.alloc(9)),
    block(254, new Uint8Array(3)),
  ]);
  const { outputs, end } = read(blocks);
  t.is(end, undefined);
  t.deepEqual(
    outputs.map(({ kind }) => kind),
    ['message'],
  );
});

test('a DateTime block says nothing after the handshake, and every other length of it is a fault', (t) => {
  const data = Buffer.alloc(4);
  data.writeUInt32BE(Math.round(NOW / 1000) + 61);
  t.deepEqual(read(block(0, data)), { outputs: [], end: undefined });
  t.deepEqual(read(block(0, Buffer.alloc(5))).end, { kind: 'format' });
});

test('Termination ends a frame, whatever follows it', (t) => {
  for (let reason = 0; reason <= 18; reason++) {
    const data = Buffer.concat([Buffer.alloc(8), Buffer.of(reason), Buffer.from('addl data')]);
    const { outputs, end } = read(Buffer.concat([block(4, data), block(3, Buffer.alloc(9))]));
    t.deepEqual(end, { kind: 'terminated', reason });
    t.is(outputs.length, 0);
  }
  t.deepEqual(read(block(4, Buffer.alloc(8))).end, { kind: 'format' });
});

test('blocks over the end of the frame and messages without a header are faults', (t) => {
  t.deepEqual(read(Uint8Array.of(3, 0)).end, { kind: 'format' });
  t.deepEqual(read(Uint8Array.of(3, 0, 1)).end, { kind: 'format' });
  t.deepEqual(read(block(3, Buffer.alloc(8))).end, { kind: 'format' });
  t.is(read(new Uint8Array(0)).end, undefined);
});

test('a RouterInfo block is verified; what is none is counted, and so is the fifth within seconds', (t) => {
  const good = routerInfoBlock(ALICE_INFO.raw);
  const flood = Buffer.from(good);
  flood[3] = 1;
  const reader = new FrameReader();
  const outputs: Output[] = [];
  const broken = routerInfoBlock(flipBit(ALICE_INFO.raw, 4_000));
  t.is(
    reader.read(Buffer.concat([good, flood, broken, block(2, new Uint8Array(0)), good]), NOW, outputs),
    undefined,
  );
  t.deepEqual(
    outputs.map((output) => output.kind === 'routerInfo' && [output.routerInfo.hash, output.flood]),
    [
      [ALICE_INFO.hash, false],
      [ALICE_INFO.hash, true],
    ],
  );
  t.is(reader.ignored, 3);
  reader.read(good, NOW + 5_000, outputs);
  t.is(reader.ignored, 4, 'whatever frame it is in');
  reader.read(good, NOW + 10_000, outputs);
  t.is(outputs.length, 3);
});

test('random blocks never throw', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
      const { outputs } = read(bytes);
      t.true(outputs.length <= 134);
    }),
  );
});

test('the writers fill exactly what the sizes say', (t) => {
  const one = message(5, 33);
  const out = new ByteWriter(i2npBlockSize(one) + blockSize(4));
  writeI2npBlock(out, one);
  writePaddingBlock(out, new Uint8Array(4));
  t.notThrows(() => out.finish());
});
