import { type Profiler, Session } from 'node:inspector';

/** What of one function has run. Offsets are its own. */
interface Seen {
  readonly covered: Uint8Array;
  /** where blocks begin and end, as far as V8 has said */
  readonly edges: Set<number>;
}

/** What of one function ran for the first time: 1 where it did. */
interface Fresh {
  readonly key: string;
  readonly covered: Uint8Array;
  readonly edges: readonly number[];
}

/** Which blocks of the services' code one target has run. */
export class Cover {
  readonly #functions = new Map<string, Seen>();

  /** What in `counted` is new; nothing is noted yet. */
  fresh(counted: readonly Profiler.ScriptCoverage[]): Fresh[] {
    return counted.flatMap(({ url, functions }) =>
      functions.flatMap((it) => {
        const ran = paint(url, it);
        const known = this.#functions.get(ran.key)?.covered;
        return ran.covered.some((byte, at) => byte === 1 && known?.[at] !== 1) ? [ran] : [];
      }),
    );
  }

  note(found: readonly Fresh[]): void {
    for (const { key, covered, edges } of found) {
      const seen = this.#functions.get(key) ?? {
        covered: new Uint8Array(covered.length),
        edges: new Set<number>(),
      };
      this.#functions.set(key, seen);
      for (const edge of edges) seen.edges.add(edge);
      for (const [at, byte] of covered.entries()) if (byte === 1) seen.covered[at] = 1;
    }
  }

  clear(): void {
    this.#functions.clear();
  }

  /** Blocks that have run: pieces of source between two places where V8's counts may differ. */
  get blocks(): number {
    let sum = 0;
    for (const { covered, edges } of this.#functions.values()) {
      for (const edge of edges) if (covered[edge] === 1) sum++;
    }
    return sum;
  }
}

/** Ranges lie in each other, the outer one first: the last to paint a place is right about it. */
function paint(url: string, { ranges }: Profiler.FunctionCoverage): Fresh {
  const { startOffset: start = 0, endOffset: end = 0 } = ranges[0] ?? {};
  const covered = new Uint8Array(end - start);
  const edges: number[] = [];
  for (const { startOffset, endOffset, count } of ranges) {
    covered.fill(count > 0 ? 1 : 0, startOffset - start, endOffset - start);
    edges.push(startOffset - start, endOffset - start);
  }
  return { key: `${url}:${start}:${end}`, covered, edges };
}

/** V8's block coverage of this thread, since the last time it was asked. */
export class Profile {
  readonly #session = new Session();

  /** Before the code to be watched is loaded. */
  constructor() {
    this.#session.connect();
    this.#session.post('Profiler.enable');
    // Counted: without, a block that runs for the first time in a function that V8 has optimized is not told.
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  /** Of the services' code, what has run since the last call. */
  take(): Profiler.ScriptCoverage[] {
    let taken: Profiler.ScriptCoverage[] = [];
    this.#session.post('Profiler.takePreciseCoverage', (error, { result }) => {
      if (error) throw error;
      taken = result.filter(({ url }) => url.includes('/services/'));
    });
    return taken;
  }
}
