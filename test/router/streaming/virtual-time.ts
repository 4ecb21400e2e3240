interface Event {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/** A clock that jumps from event to event (a binary heap). Starts at a plausible network time, in ms. */
export class VirtualTime {
  now = 1_790_000_000_000;
  readonly #heap: Event[] = [];
  #order = 0;

  /** Runs `run` at `at`, or at once if that has passed. */
  at(at: number, run: () => void): void {
    const heap = this.#heap;
    heap.push({ at: Math.max(at, this.now), order: this.#order++, run });
    let child = heap.length - 1;
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (!this.#before(child, parent)) return;
      this.#swap(child, parent);
      child = parent;
    }
  }

  after(delay: number, run: () => void): void {
    this.at(this.now + delay, run);
  }

  /** Runs what happens in the next `span` ms, or until `done`; returns the time that passed. */
  run(span: number, done: () => boolean = () => false): number {
    const start = this.now;
    const end = start + span;
    for (let next = this.#heap[0]; next && next.at <= end && !done(); next = this.#heap[0]) {
      this.#pop();
      this.now = Math.max(this.now, next.at);
      next.run();
    }
    if (!done()) this.now = end;
    return this.now - start;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (!last || heap.length === 0) return;
    heap[0] = last;
    for (let parent = 0; ; ) {
      let least = parent;
      for (const child of [2 * parent + 1, 2 * parent + 2]) {
        if (child < heap.length && this.#before(child, least)) least = child;
      }
      if (least === parent) return;
      this.#swap(least, parent);
      parent = least;
    }
  }

  #before(a: number, b: number): boolean {
    const [x, y] = [this.#heap[a], this.#heap[b]];
    if (!x || !y) return false;
    return x.at < y.at || (x.at === y.at && x.order < y.order);
  }

  #swap(a: number, b: number): void {
    const [x, y] = [this.#heap[a], this.#heap[b]];
    if (!x || !y) return;
    this.#heap[a] = y;
    this.#heap[b] = x;
  }
}
