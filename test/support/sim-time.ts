interface Event {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/** Virtual time, in ms since the epoch: a heap of what happens when. Equal times keep the order of asking. */
export class SimTime {
  readonly #heap: Event[] = [];
  #order = 0;
  now: number;

  constructor(start: number) {
    this.now = start;
  }

  at(time: number, run: () => void): void {
    const event = { at: Math.max(Math.ceil(time), this.now), order: this.#order++, run };
    this.#heap.push(event);
    let at = this.#heap.length - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!earlier(event, this.#heap[parent])) break;
      this.#heap[at] = this.#heap[parent] as Event;
      at = parent;
    }
    this.#heap[at] = event;
  }

  after(ms: number, run: () => void): void {
    this.at(this.now + ms, run);
  }

  /** Runs until `done`, or `forMs` of virtual time are over; returns whether it was done. */
  run(forMs: number, done: () => boolean): boolean {
    const end = this.now + forMs;
    for (;;) {
      if (done()) return true;
      const event = this.#heap[0];
      if (!event || event.at > end) break;
      this.#pop();
      this.now = event.at;
      event.run();
    }
    this.now = end;
    return done();
  }

  #pop(): void {
    const last = this.#heap.pop();
    if (!last || this.#heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.#heap.length) break;
      if (child + 1 < this.#heap.length && earlier(this.#heap[child + 1], this.#heap[child])) child++;
      if (!earlier(this.#heap[child], last)) break;
      this.#heap[at] = this.#heap[child] as Event;
      at = child;
    }
    this.#heap[at] = last;
  }
}

function earlier(a: Event | undefined, b: Event | undefined): boolean {
  if (!a || !b) return false;
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
