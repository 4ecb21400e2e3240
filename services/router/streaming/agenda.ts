/** When each stream wants its next tick, and which single wake was last asked of the host. Times in ms. */
export class Agenda<K> {
  readonly #times = new Map<K, number>();
  #asked = Number.POSITIVE_INFINITY;

  set(key: K, at: number): void {
    this.#times.set(key, at);
  }

  delete(key: K): void {
    this.#times.delete(key);
  }

  /** Keys whose time has come. The wake that was asked for counts as delivered. */
  due(now: number): K[] {
    this.#asked = Number.POSITIVE_INFINITY;
    const keys: K[] = [];
    for (const [key, at] of this.#times) if (at <= now) keys.push(key);
    return keys;
  }

  /** A wake for `key` alone, when it comes before the one already asked for. */
  wakeFor(key: K): number | undefined {
    return this.#ask(this.#times.get(key));
  }

  /** The earliest wake of all, after a tick. */
  wake(): number | undefined {
    let earliest = Number.POSITIVE_INFINITY;
    for (const at of this.#times.values()) if (at < earliest) earliest = at;
    return this.#ask(earliest);
  }

  #ask(at = Number.POSITIVE_INFINITY): number | undefined {
    if (at >= this.#asked) return undefined;
    this.#asked = at;
    return at;
  }
}
