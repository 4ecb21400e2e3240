import { DecodeError } from '@allium/common/bytes/errors.ts';
import { ByteReader } from '@allium/common/bytes/reader.ts';
import test from 'ava';
import { Profile } from './engine/coverage.ts';
import { Hunt, type Report } from './engine/hunt.ts';
import type { Target } from './engine/target.ts';
import { weigh } from './engine/weigh.ts';

const profile = new Profile();

async function hunted(
  target: Target,
  inputs: number,
  seed = 'a',
): Promise<Report & { readonly tried: string[] }> {
  const tried: string[] = [];
  const hunt = new Hunt('toy', target, profile, seed, (input) =>
    tried.push(Buffer.from(input).toString('hex')),
  );
  const report = await hunt.run([], { ms: Number.POSITIVE_INFINITY, inputs, once: true });
  return { ...report, tried };
}

const kinds = (report: Report): string[] => report.findings.map(({ kind }) => kind);

test.serial('what is thrown is a finding, with its input, and what refuses an input is none', async (t) => {
  const report = await hunted(
    {
      run(input) {
        if (input.length > 3 && (input[0] ?? 0) > 200) throw new TypeError('odd');
        throw new DecodeError('value', 'toy', 0);
      },
    },
    2_000,
  );
  t.deepEqual(kinds(report), ['throws']);
  const [finding] = report.findings;
  t.true((finding?.input[0] ?? 0) > 200);
  t.regex(finding?.why ?? '', /TypeError: odd\n.*engine\.test/);
});

test.serial('so is a promise that fails later', async (t) => {
  const report = await hunted(
    { run: (input) => (input.length > 5 ? Promise.reject(new Error('late')) : undefined) },
    500,
  );
  t.deepEqual(kinds(report), ['throws']);
});

test.serial('so is what takes far longer than the others', async (t) => {
  const report = await hunted(
    {
      run(input) {
        const until = process.threadCpuUsage().user + ((input[0] ?? 0) > 240 ? 60_000 : 0);
        while (process.threadCpuUsage().user < until);
      },
    },
    2_000,
  );
  t.deepEqual(kinds(report), ['slow']);
});

test.serial('so is what holds far more than it was given', async (t) => {
  const report = await hunted(
    { run: (input) => (input.length > 20 ? new Uint8Array(1 << 20) : undefined) },
    500,
  );
  t.deepEqual(kinds(report), ['heavy']);
});

test.serial('inputs that run new code are kept, and lead further', async (t) => {
  const MAGIC = [0x49, 0x32, 0x50];
  let deepest = 0;
  const report = await hunted(
    {
      run(input) {
        const reader = new ByteReader(input, 'toy');
        const right = MAGIC.findIndex((byte) => reader.u8() !== byte);
        deepest = Math.max(deepest, right < 0 ? MAGIC.length : right);
      },
      seeds: () => [Buffer.of(0)],
    },
    3_000,
  );
  t.true(report.blocks > 5, `${report.blocks} blocks`);
  t.true(report.corpus.length >= 2, 'one that is long enough, one that is not');
  t.true(deepest >= 1);
});

test.serial('a seed gives the same inputs again, and another one others', async (t) => {
  const target: Target = {
    run: (input) => new ByteReader(input, 'toy').u32(),
    seeds: () => [Buffer.from('abc')],
  };
  const [one, same, other] = [
    await hunted(target, 400),
    await hunted(target, 400),
    await hunted(target, 400, 'b'),
  ];
  t.is(one.inputs, 400);
  // some are run again, to see what ran new code; that the first hunt had made ready is new no more
  const once = ({ tried }: { tried: string[] }): string[] => [...new Set(tried)];
  t.deepEqual(once(one), once(same));
  t.notDeepEqual(once(one), once(other));
});

test('a view of the input weighs nothing, what else there is does', (t) => {
  const input = Buffer.from(new ArrayBuffer(1_000));
  t.true(weigh({ a: input.subarray(3), b: 1 }, input, 10_000) < 100);
  t.true(weigh([new Uint8Array(5_000)], input, 10_000) > 5_000);
  t.true(weigh(new Map([['x'.repeat(4_000), 1]]), input, 10_000) > 4_000);
});
