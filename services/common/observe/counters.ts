/** More names than this are a mistake of ours (a name made from input); they are counted as `other`. */
const MAX_NAMES = 500;

/** Named event counts; the names say why, so that a status page can answer "why does it not work". */
export class Counters {
  readonly #values = new Map<string, number>();

  add(name: string, by = 1): void {
    const known = this.#values.get(name);
    if (known === undefined && this.#values.size >= MAX_NAMES) {
      this.#values.set('other', (this.#values.get('other') ?? 0) + by);
      return;
    }
    this.#values.set(name, (known ?? 0) + by);
  }

  get(name: string): number {
    return this.#values.get(name) ?? 0;
  }

  /** A snapshot, sorted by name. */
  toJSON(): Record<string, number> {
    return Object.fromEntries([...this.#values].sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}
