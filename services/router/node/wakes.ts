/** Who asks for ticks: the cores of which there is one, and those that have an ID. */
export type Sleeper =
  | { readonly kind: 'netdb' | 'tunnel' | 'plan' }
  | { readonly kind: 'link' | 'destination'; readonly id: number };

type Kind = Sleeper['kind'];

/** When each core wants its next tick. A tick that comes early does no harm, so only the earliest wish is kept. */
export class Wakes {
  readonly #at: Readonly<Record<Kind, Map<number, number>>> = {
    netdb: new Map(),
    tunnel: new Map(),
    plan: new Map(),
    link: new Map(),
    destination: new Map(),
  };

  ask(who: Sleeper, at: number): void {
    const wishes = this.#at[who.kind];
    const known = wishes.get(idOf(who));
    if (known === undefined || at < known) wishes.set(idOf(who), at);
  }

  /** Those whose time has come, taken out: they ask again when they are ticked. */
  due(now: number): Sleeper[] {
    const due: Sleeper[] = [];
    for (const [kind, wishes] of this.#all()) {
      for (const [id, at] of wishes) {
        if (at > now) continue;
        wishes.delete(id);
        due.push({ kind, id });
      }
    }
    return due;
  }

  /** The clock was moved: what was wished for by the old one is due now, and asked for anew. */
  hurry(now: number): void {
    for (const [, wishes] of this.#all()) for (const id of wishes.keys()) wishes.set(id, now);
  }

  clear(): void {
    for (const [, wishes] of this.#all()) wishes.clear();
  }

  forget(who: Sleeper): void {
    this.#at[who.kind].delete(idOf(who));
  }

  /** The earliest wish in ms, undefined while there is none. */
  next(): number | undefined {
    let next: number | undefined;
    for (const [, wishes] of this.#all()) {
      for (const at of wishes.values()) if (next === undefined || at < next) next = at;
    }
    return next;
  }

  #all(): [Kind, Map<number, number>][] {
    return Object.entries(this.#at) as [Kind, Map<number, number>][];
  }
}

function idOf(who: Sleeper): number {
  return 'id' in who ? who.id : 0;
}
