/** Without the prefix of IPv4 addresses on a socket for both. */
export function plainAddress(address: string | undefined): string {
  return (address ?? '').replace(/^::ffff:(?=\d+\.)/i, '');
}

/** Connections now, in all and for each client address. Bounded by its own total. */
export class ClientCounts {
  readonly #limits: { readonly perClient: number; readonly total: number };
  readonly #byAddress = new Map<string, number>();
  #total = 0;

  constructor(limits: { readonly perClient: number; readonly total: number }) {
    this.#limits = limits;
  }

  get total(): number {
    return this.#total;
  }

  /** Counts a connection in and returns what counts it out again, once; undefined when it is one too many. */
  enter(address: string): (() => void) | undefined {
    const own = this.#byAddress.get(address) ?? 0;
    if (own >= this.#limits.perClient || this.#total >= this.#limits.total) return undefined;
    this.#byAddress.set(address, own + 1);
    this.#total++;
    let inside = true;
    return () => {
      if (inside) this.#leave(address);
      inside = false;
    };
  }

  #leave(address: string): void {
    this.#total--;
    const left = (this.#byAddress.get(address) ?? 1) - 1;
    if (left > 0) this.#byAddress.set(address, left);
    else this.#byAddress.delete(address);
  }
}
