/** How the CPU time of a call grows with its input, on a machine that others use too. */

/** Milliseconds of a call on the small input below which the large one is not tried: quadratic, it would take 16 ms. */
const SCREEN_MS = 1;
/** Milliseconds of a call on the large input that stop nobody. */
const FLOOR_MS = 6;
/** Milliseconds of CPU that a measurement needs: the kernel counts in steps of up to four. */
const MEASURED_MS = 24;
const TRIES = 3;

type Call = () => unknown;

/** Milliseconds by the clock: never less than the CPU time. */
async function passed(call: Call): Promise<number> {
  const before = performance.now();
  await call();
  return performance.now() - before;
}

/** Milliseconds of this thread's CPU for one call. */
async function costOf(call: Call): Promise<number> {
  const before = process.threadCpuUsage();
  for (let calls = 1; ; calls++) {
    await call();
    const { user, system } = process.threadCpuUsage(before);
    if (user + system >= MEASURED_MS * 1_000) return (user + system) / 1_000 / calls;
  }
}

export interface Growth {
  /** ms of CPU */
  readonly small: number;
  readonly large: number;
}

/** How a call grows from `small` to `large`; undefined when it is short, or grows at most `factor`-fold. */
export async function growthAbove(factor: number, small: Call, large: Call): Promise<Growth | undefined> {
  let first = await passed(small);
  for (let i = 1; i < TRIES && first >= SCREEN_MS; i++) first = Math.min(first, await passed(small));
  if (first < SCREEN_MS) return undefined;
  // The clock is enough to acquit, and too little to condemn.
  if ((await passed(large)) <= Math.max(FLOOR_MS, factor * first)) return undefined;
  let growth: Growth | undefined;
  for (let i = 0; i < TRIES; i++) {
    growth = { small: await costOf(small), large: await costOf(large) };
    if (growth.large <= factor * growth.small) return undefined;
  }
  return growth;
}
