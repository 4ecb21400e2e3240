import type { Taker } from './wire.ts';

const EMPTY = Buffer.alloc(0);

/** Reads a head out of what comes: `push` returns how many bytes were used, `result` is there when the head is over. */
interface HeadReader<T> {
  push(chunk: Buffer): number;
  readonly result: T | undefined;
}

/** Takes one head off a wire, and leaves what is behind it to the next taker. */
export class HeadTaker<T> implements Taker {
  readonly #reader: HeadReader<T>;
  readonly #done: (result: T) => void;
  readonly #ended: () => void;

  /** `ended` is called instead of `done` when nothing more comes. */
  constructor(reader: HeadReader<T>, done: (result: T) => void, ended: () => void) {
    this.#reader = reader;
    this.#done = done;
    this.#ended = ended;
  }

  take(chunk: Buffer): Buffer | undefined {
    const used = this.#reader.push(chunk);
    const { result } = this.#reader;
    if (result === undefined) return undefined;
    this.#done(result);
    return used === chunk.length ? EMPTY : chunk.subarray(used);
  }

  end(): void {
    this.#ended();
  }
}
