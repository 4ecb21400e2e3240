import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { PlantedBug } from '../planted/bugs.ts';
import type { Finding, Report } from './hunt.ts';
import type { Job, WorkerData } from './worker.ts';

/** Bytes of the input that is under way; longer ones are cut in a report about a thread that ended. */
const ROOM = 256 * 1024;
/** MB of objects of one thread: a reader that fills them has no bound. */
const HEAP_MB = 768;
/** ms that one input may take before its thread is ended, however busy the machine is. */
const HANGS_AFTER = 60_000;

export interface PoolOptions {
  readonly bug?: PlantedBug | undefined;
  /** no further job is begun */
  readonly enough?: () => boolean;
  /** what a job may still take, ms, when it is begun and `waiting` others are not; otherwise what it says itself */
  readonly share?: (job: Job, waiting: readonly Job[]) => number;
}

/** Threads that work a list of jobs off; each report is told at once. */
export async function runJobs(
  jobs: readonly Job[],
  told: (report: Report) => void,
  options: PoolOptions = {},
): Promise<void> {
  const waiting = [...jobs];
  const threads = Math.min(availableParallelism(), waiting.length);
  await Promise.all(Array.from({ length: threads }, () => workOff(waiting, told, options)));
}

async function workOff(waiting: Job[], told: (report: Report) => void, options: PoolOptions): Promise<void> {
  const { bug, enough, share } = options;
  let thread = new Thread(bug);
  for (let job = waiting.shift(); job !== undefined && !enough?.(); job = waiting.shift()) {
    told(await thread.run(share ? { ...job, ms: share(job, waiting) } : job));
    if (!thread.alive) thread = new Thread(bug);
  }
  await thread.end();
}

class Thread {
  readonly #shared = new SharedArrayBuffer(8 + ROOM);
  readonly #worker: Worker;
  alive = true;

  constructor(bug: PlantedBug | undefined) {
    this.#worker = new Worker(join(import.meta.dirname, 'worker.ts'), {
      workerData: { shared: this.#shared, bug } satisfies WorkerData,
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
    });
  }

  async run(job: Job): Promise<Report> {
    const started = performance.now();
    const { promise, resolve } = Promise.withResolvers<Report>();
    const lost = (kind: Finding['kind'], why: string): void => {
      this.alive = false;
      const findings = [{ kind, why, input: this.#input() }];
      const [took, inputs] = [performance.now() - started, this.#begun - before];
      resolve({ target: job.target, inputs, took, worked: took, blocks: 0, findings, corpus: [] });
    };
    const before = this.#begun;
    const failed = (error: Error): void =>
      lost('throws', `the thread ended: ${error.stack ?? error.message}`);
    const worker = this.#worker;
    worker.once('message', resolve).once('error', failed);
    worker.postMessage(job);
    const watch = this.#watch(() => lost('slow', `an input takes longer than ${HANGS_AFTER / 1000} s`));
    const report = await promise;
    clearInterval(watch);
    worker.off('message', resolve).off('error', failed);
    if (!this.alive) await worker.terminate();
    return report;
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }

  get #begun(): number {
    return Atomics.load(new Int32Array(this.#shared, 0, 1), 0);
  }

  #input(): Uint8Array {
    const length = new Int32Array(this.#shared, 4, 1)[0] ?? 0;
    return Uint8Array.from(new Uint8Array(this.#shared, 8, length));
  }

  #watch(hangs: () => void): NodeJS.Timeout {
    let [seen, since] = [this.#begun, performance.now()];
    return setInterval(() => {
      if (this.#begun !== seen) [seen, since] = [this.#begun, performance.now()];
      else if (performance.now() - since > HANGS_AFTER) hangs();
    }, 1_000);
  }
}
