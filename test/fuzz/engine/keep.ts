/** npm run fuzz -- --corpus: hunts, and keeps the smallest inputs that run what was found to run. */
import { deflateRawSync } from 'node:zlib';
import { isNode, shareUntil } from '../fuzz.ts';
import { allTargets } from '../targets/groups.ts';
import { forgetOthers, writeCorpus } from './corpus.ts';
import { runJobs } from './pool.ts';

/** Bytes of the kept inputs of one target, as they lie on disk; all together are less than 300 kB. */
const KEPT_MAX = 1_200;
/** A whole node has more to reach. */
const NODE_KEPT_MAX = 12_000;

/** The smallest first, as many as there is room for. */
function fitting(target: string, inputs: readonly Uint8Array[]): Uint8Array[] {
  let room = isNode(target) ? NODE_KEPT_MAX : KEPT_MAX;
  return inputs.filter((input) => {
    const size = Math.ceil((deflateRawSync(input, { level: 9 }).length * 4) / 3) + 1;
    if (size > room) return false;
    room -= size;
    return true;
  });
}

export async function keepCorpus(minutes: number, seed: string, only = ''): Promise<void> {
  const all = [...(await allTargets())].filter(([, { target }]) => typeof target !== 'string');
  const jobs = all
    .filter(([target]) => target.includes(only))
    .map(([target, { group }]) => ({
      target,
      group,
      seed,
      distill: true,
      ms: 0,
      inputs: Number.MAX_SAFE_INTEGER,
    }));
  forgetOthers(all.map(([target]) => target));
  const share = shareUntil(performance.now() + minutes * 60_000);
  await runJobs(
    jobs,
    ({ target, corpus, blocks, inputs }) => {
      const kept = fitting(target, corpus);
      writeCorpus(target, kept);
      console.log(
        `${target}: ${kept.length} of ${corpus.length} inputs kept, ${blocks} blocks, ${inputs} inputs`,
      );
    },
    { share },
  );
}
