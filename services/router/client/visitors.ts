import { ClientCounts } from '@allium/common/net/client-counts.ts';

export interface VisitorLimits {
  /** streams of visitors at once, those that wait among them */
  readonly streams: number;
  /** streams at once of one Destination, so that one stranger can't take all */
  readonly streamsPerRemote: number;
  /** requests for a visitor that wait at once */
  readonly requests: number;
  /** ms that a visitor waits for a request; then nobody is there to serve him */
  readonly waitMs: number;
}

export const VISITOR_LIMITS: VisitorLimits = {
  streams: 256,
  streamsPerRemote: 64,
  requests: 64,
  waitMs: 10_000,
};

export type VisitorsOutput<V, R> =
  /** the request is answered with this visitor */
  | { readonly kind: 'join'; readonly visitor: V; readonly request: R }
  /** nobody serves him */
  | { readonly kind: 'reset'; readonly visitor: V }
  /** too many wait already */
  | { readonly kind: 'busy'; readonly request: R }
  | { readonly kind: 'wake'; readonly at: number };

/** Brings the visitors of one service together with the requests for one, in the order in which either came. */
export class Visitors<V, R> {
  readonly #limits: VisitorLimits;
  readonly #counts: ClientCounts;
  /** until when each waits; the first in the queue came first */
  readonly #visitors = new Map<V, number>();
  readonly #requests = new Set<R>();
  readonly #leave = new Map<V, () => void>();

  constructor(limits: VisitorLimits = VISITOR_LIMITS) {
    this.#limits = limits;
    this.#counts = new ClientCounts({ perClient: limits.streamsPerRemote, total: limits.streams });
  }

  /** Visitors that wait or are served. */
  get open(): number {
    return this.#counts.total;
  }

  /** Visitors and requests that wait for each other. */
  get waiting(): { readonly visitors: number; readonly requests: number } {
    return { visitors: this.#visitors.size, requests: this.#requests.size };
  }

  /** `remote` names who comes. He stays counted until `left`. */
  arrive(visitor: V, remote: string, now: number): VisitorsOutput<V, R>[] {
    const leave = this.#counts.enter(remote);
    if (leave === undefined) return [{ kind: 'reset', visitor }];
    this.#leave.set(visitor, leave);
    const [request] = this.#requests;
    if (request !== undefined) {
      this.#requests.delete(request);
      return [{ kind: 'join', visitor, request }];
    }
    const until = now + this.#limits.waitMs;
    this.#visitors.set(visitor, until);
    return [{ kind: 'wake', at: until }];
  }

  /** The stream is over, served or not. */
  left(visitor: V): void {
    this.#visitors.delete(visitor);
    this.#leave.get(visitor)?.();
    this.#leave.delete(visitor);
  }

  /** Somebody asks for a visitor. */
  ask(request: R): VisitorsOutput<V, R>[] {
    const [visitor] = this.#visitors.keys();
    if (visitor !== undefined) {
      this.#visitors.delete(visitor);
      return [{ kind: 'join', visitor, request }];
    }
    if (this.#requests.size >= this.#limits.requests) return [{ kind: 'busy', request }];
    this.#requests.add(request);
    return [];
  }

  withdraw(request: R): void {
    this.#requests.delete(request);
  }

  /** Resets whoever waited too long. */
  tick(now: number): VisitorsOutput<V, R>[] {
    const out: VisitorsOutput<V, R>[] = [];
    for (const [visitor, until] of this.#visitors) {
      if (until > now) return [...out, { kind: 'wake', at: until }];
      this.#visitors.delete(visitor);
      out.push({ kind: 'reset', visitor });
    }
    return out;
  }
}
