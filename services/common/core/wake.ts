/**
 * The one wake that a core has asked its host for. A tick that comes early, late or for nothing does no harm, so a wake
 * is asked for again only if it is earlier than the one under way, or if that one is overdue. Times in ms.
 */
export class Wake {
  #asked = Number.POSITIVE_INFINITY;

  /** A tick came, whatever for: the host may have spent its only timer on it. */
  spent(): void {
    this.#asked = Number.POSITIVE_INFINITY;
  }

  /** `at` if it has to be asked for now; infinity asks for nothing. */
  ask(at: number, now: number): number | undefined {
    if (at === Number.POSITIVE_INFINITY || (at >= this.#asked && this.#asked > now)) return undefined;
    this.#asked = at;
    return at;
  }
}
