/** When each core wants its next tick. A tick that comes early does no harm, so only the earliest wish is kept. */
export class Wakes {
  readonly #at = new Map<string, number>();

  ask(core: string, at: number): void {
    const known = this.#at.get(core);
    if (known === undefined || at < known) this.#at.set(core, at);
  }

  /** Cores whose time has come, taken out: they ask again when they are ticked. */
  due(now: number): string[] {
    const due: string[] = [];
    for (const [core, at] of this.#at) {
      if (at > now) continue;
      this.#at.delete(core);
      due.push(core);
    }
    return due;
  }

  /** The clock was moved: what was wished for by the old one is due now, and asked for anew. */
  hurry(now: number): void {
    for (const core of this.#at.keys()) this.#at.set(core, now);
  }

  clear(): void {
    this.#at.clear();
  }

  forget(core: string): void {
    this.#at.delete(core);
  }

  /** The earliest wish in ms, undefined while there is none. */
  next(): number | undefined {
    let next: number | undefined;
    for (const at of this.#at.values()) if (next === undefined || at < next) next = at;
    return next;
  }
}
