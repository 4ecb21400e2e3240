import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

type Collection = Map<unknown, unknown> | Set<unknown>;

interface Citizen {
  readonly home: string;
  readonly it: WeakRef<Collection>;
}

/** Stack frames between a constructor call and ours. */
const HOME = /\((?:file:\/\/)?[^)]*\/(services\/[^)]+?):\d+\)|at (?:file:\/\/)?\S*\/(services\/\S+?):\d+$/;

/**
 * Counts what every Map and Set made by our services holds, by the line that makes them: what grows without end shows
 * here, private or not. Call it before the first of them is made.
 */
export class Census {
  readonly #citizens: Citizen[] = [];
  readonly #collect: () => void;

  constructor() {
    setFlagsFromString('--expose-gc');
    this.#collect = runInNewContext('gc') as () => void;
    const register = (it: Collection): void =>
      void this.#citizens.push({ home: homeOf(), it: new WeakRef(it) });
    const [PlainMap, PlainSet] = [globalThis.Map, globalThis.Set];
    globalThis.Map = class<K, V> extends PlainMap<K, V> {
      constructor(entries?: Iterable<readonly [K, V]> | null) {
        super(entries);
        register(this);
      }
    } as MapConstructor;
    globalThis.Set = class<T> extends PlainSet<T> {
      constructor(values?: Iterable<T> | null) {
        super(values);
        register(this);
      }
    } as SetConstructor;
  }

  /** Entries and living collections by place of birth. Only what nobody holds any more is left out. */
  async take(): Promise<Record<string, number>> {
    // weak references hold their targets until the current job is over
    await new Promise((resolve) => setImmediate(resolve));
    this.#collect();
    const living = this.#citizens.filter(({ it }) => it.deref() !== undefined);
    this.#citizens.splice(0, Number.POSITIVE_INFINITY, ...living);
    const sums: Record<string, number> = {};
    for (const { home, it } of living) sums[home] = (sums[home] ?? 0) + 1 + (it.deref()?.size ?? 0);
    return sums;
  }
}

function homeOf(): string {
  for (const line of new Error().stack?.split('\n').slice(3) ?? []) {
    // a BoundedMap is at home where it is made
    const found = line.includes('bounded-map.ts') ? null : HOME.exec(line);
    if (found) return found[1] ?? found[2] ?? '';
  }
  return 'elsewhere';
}
