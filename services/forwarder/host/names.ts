import {
  type CompareAnswer,
  compareAnswer,
  learnAnswer,
  type NameAnswer,
  resolveAnswer,
} from '@allium/common/contracts/names.ts';
import { BoundedMap } from '@allium/common/core/bounded-map.ts';
import { NAME_MAX } from '@allium/common/text/i2p-name.ts';
import { KeptAsker } from '@allium/common/unix-json/ask.ts';
import type { Names } from '../i2p/names.ts';

/** Milliseconds for which an answer is given again: a page asks for its own host dozens of times. */
export const RESOLVED_MS = 60_000;
/** Answers kept, over all workstations; the oldest make room. */
const RESOLVED_MAX = 4_096;

interface Kept {
  readonly until: number;
  readonly answer: Promise<NameAnswer>;
}

/** Asks the router for names over `names.sock`. Rejects with `AskError` when it does not answer. */
export class RouterNames implements Names {
  readonly #asker: KeptAsker;
  readonly #now: () => number;
  readonly #resolved = new BoundedMap<string, Kept>(RESOLVED_MAX);

  /** `now`: milliseconds */
  constructor(path: string, now: () => number) {
    this.#asker = new KeptAsker(path);
    this.#now = now;
  }

  resolve(key: string, name: string): Promise<NameAnswer> {
    if (name.length > NAME_MAX) return Promise.resolve({ kind: 'invalid', why: 'too long' });
    const entry = `${key} ${name}`;
    const kept = this.#resolved.get(entry);
    if (kept !== undefined && kept.until > this.#now()) return kept.answer;
    const answer = this.#asker.ask('POST /resolve', { key, name }, { schema: resolveAnswer });
    const next = { until: this.#now() + RESOLVED_MS, answer };
    this.#resolved.set(entry, next);
    // What went wrong is asked again.
    answer.catch(() => {
      if (this.#resolved.get(entry) === next) this.#resolved.delete(entry);
    });
    return answer;
  }

  compare(key: string, name: string, destination: string): Promise<CompareAnswer> {
    return this.#asker.ask('POST /compare', { key, name, destination }, { schema: compareAnswer });
  }

  async learn(key: string, name: string, destination: string): Promise<boolean> {
    const { learnt } = await this.#asker.ask(
      'POST /learn',
      { key, name, destination },
      { schema: learnAnswer },
    );
    this.#resolved.delete(`${key} ${name}`);
    return learnt;
  }

  stop(): void {
    this.#asker.stop();
  }
}
