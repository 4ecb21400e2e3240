/** A thread that hunts in one target after the other; `pool.ts` says which. */
import { parentPort, workerData } from 'node:worker_threads';
import type { PlantedBug } from '../planted/bugs.ts';
import { plant } from '../planted/plant.ts';
import { groups } from '../targets/groups.ts';
import { readCorpus } from './corpus.ts';
import { Profile } from './coverage.ts';
import { Hunt, type HuntLimits } from './hunt.ts';

export interface Job extends HuntLimits {
  readonly group: string;
  readonly target: string;
  readonly seed: string;
  /** leaves the kept inputs alone */
  readonly bare?: boolean;
  /** of the inputs, those that are worth keeping are reported, the kept ones among them */
  readonly distill?: boolean;
}

export interface WorkerData {
  /** two numbers, how many inputs were begun and the length of the present one, then that input */
  readonly shared: SharedArrayBuffer;
  readonly bug: PlantedBug | undefined;
}

const { shared, bug } = workerData as WorkerData;
const profile = new Profile();
if (bug !== undefined) plant(bug);
const [state, room] = [new Int32Array(shared, 0, 2), new Uint8Array(shared, 8)];

function about(input: Uint8Array): void {
  room.set(input.subarray(0, room.length));
  state[1] = Math.min(input.length, room.length);
  Atomics.add(state, 0, 1);
}

parentPort?.on('message', async (job: Job) => {
  const target = (await groups[job.group]?.())?.TARGETS[job.target];
  if (target === undefined || typeof target === 'string') throw new Error(`no target ${job.target}`);
  const hunt = new Hunt(job.target, target, profile, job.seed, about);
  const known = job.bare ? [] : readCorpus(job.target);
  const report = await hunt.run(known, job);
  const corpus = job.distill ? await hunt.distilled([...known, ...report.corpus]) : [];
  parentPort?.postMessage({ ...report, corpus });
});
