/** npm run fuzz -- --planted: whether what is taken out of a copy in memory is found, and after how long. */
import { seconds } from '../../network/stages.ts';
import type { Finding } from '../engine/hunt.ts';
import { runJobs } from '../engine/pool.ts';
import { shareUntil } from '../fuzz.ts';
import { allTargets } from '../targets/groups.ts';
import { BUGS, type PlantedBug } from './bugs.ts';

/** Rounds over all targets, in ms, one after the other until something is found. */
const ROUNDS = [60_000, 120_000, 240_000];

interface Hit {
  readonly target: string;
  readonly finding: Finding;
}

interface Search {
  readonly hit: Hit | undefined;
  readonly inputs: number;
  /** ms of processor time */
  readonly worked: number;
}

/** Hunts for each bug in all targets, without the kept inputs; true when every one was found. */
export async function findPlanted(seed: string, only = ''): Promise<boolean> {
  let all = true;
  for (const bug of BUGS.filter(({ name }) => name.includes(only))) {
    const started = performance.now();
    const { hit, inputs, worked } = await findOne(bug, seed);
    const took = seconds(performance.now() - started);
    if (hit === undefined) all = false;
    const [first = ''] = hit?.finding.why.split('\n') ?? [];
    const how = hit
      ? `found in ${took} by ${hit.target}: ${hit.finding.kind}, ${first}`
      : `NOT found in ${took}`;
    const work = `${inputs.toLocaleString('en')} inputs, ${seconds(worked)} of work`;
    console.log(`${bug.name} (${bug.file})\n  ${how}; ${work}`);
  }
  return all;
}

async function findOne(bug: PlantedBug, seed: string): Promise<Search> {
  const targets = [...(await allTargets())].filter(([, { target }]) => typeof target !== 'string');
  let hit: Hit | undefined;
  let [inputs, worked] = [0, 0];
  for (const [round, ms] of ROUNDS.entries()) {
    const jobs = targets.map(([target, { group }]) => {
      const limits = { ms: 0, inputs: Number.MAX_SAFE_INTEGER, once: true };
      return { target, group, seed: `${seed}/${round}`, bare: true, ...limits };
    });
    await runJobs(
      jobs,
      ({ target, findings: [finding], ...report }) => {
        inputs += report.inputs;
        worked += report.worked;
        if (finding) hit ??= { target, finding };
      },
      { bug, enough: () => hit !== undefined, share: shareUntil(performance.now() + ms) },
    );
    if (hit) break;
  }
  return { hit, inputs, worked };
}
