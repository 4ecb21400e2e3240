/**
 * Inputs that can be used once only, such as ciphertexts: `prepare` is a task's `beforeEach` and `take` its first
 * line, so that making them is neither timed nor counted.
 */
export class Prepared<T> {
  readonly #make: () => T;
  #ready: T[] = [];
  #at = 0;

  constructor(make: () => T) {
    this.#make = make;
  }

  /** What a task with such inputs is added with; without `async` tinybench would call it once unprepared. */
  get options(): { readonly beforeEach: () => void; readonly async: false } {
    return { beforeEach: () => void this.#ready.push(this.#make()), async: false };
  }

  take(): T {
    const next = this.#ready[this.#at];
    if (next === undefined) return this.#make();
    this.#at++;
    if (this.#at === this.#ready.length) {
      this.#ready = [];
      this.#at = 0;
    }
    return next;
  }
}
