/** What a child process that runs a suite tells its parent. */
import type { Bench } from 'tinybench';

export type Mode = 'time' | 'allocations';

export interface Timing {
  readonly task: string;
  /** of the median sample */
  readonly microseconds: number;
  /** by the median: what the mean says of a shared machine is its neighbours */
  readonly opsPerSecond: number;
  readonly samples: number;
  /** 95 % margin of the mean, in percent */
  readonly margin: number;
}

export interface Allocation {
  readonly task: string;
  /** bytes in V8's heap per operation */
  readonly heap: number;
  /** bytes behind Buffers and other memory that V8 was told of, per operation */
  readonly external: number;
  /** operations between the two looks at the heap */
  readonly operations: number;
}

export interface Failure {
  readonly task: string;
  readonly reason: string;
}

export interface SuiteResult {
  readonly suite: string;
  readonly timings: readonly Timing[];
  readonly allocations: readonly Allocation[];
  readonly failures: readonly Failure[];
}

/** What every `*.bench.ts` exports. */
export interface SuiteModule {
  readonly suite: () => Promise<Bench>;
}
