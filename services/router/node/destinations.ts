import { EXPLORATORY } from '../tunnel/pool-id.ts';
import { Budget } from './budget.ts';
import { blame } from './fault.ts';
import { LocalDestination, type LocalDestinationParts } from './local-destination.ts';
import type { DestinationId, DestinationOptions } from './node-io.ts';
import type { Routes } from './routes.ts';
import type { Wakes } from './wakes.ts';

/** Local Destinations; each has tunnels of its own. */
export const MAX_DESTINATIONS = 64;

export interface DestinationsParts extends Pick<LocalDestinationParts, 'random' | 'counters' | 'dispatch'> {
  readonly routes: Routes;
  readonly wakes: Wakes;
}

/** The local Destinations: how one begins, and how it ends for everybody who has to do with it. */
export class Destinations {
  readonly #parts: () => DestinationsParts;
  readonly #budget = new Budget();
  readonly #open = new Map<DestinationId, LocalDestination>();

  /** `parts` are asked for later: cores know their Destinations */
  constructor(parts: () => DestinationsParts) {
    this.#parts = parts;
  }

  get all(): ReadonlyMap<DestinationId, LocalDestination> {
    return this.#open;
  }

  /** What they hold together. */
  get held(): Budget['used'] {
    return this.#budget.used;
  }

  get(id: DestinationId): LocalDestination | undefined {
    return this.#open.get(id);
  }

  of(hash: string): LocalDestination | undefined {
    return [...this.#open.values()].find((local) => local.hash === hash);
  }

  /** Drops it, and gives what opens it again as its owner had it: its streams are over, but it listens where it did. */
  take(id: DestinationId, now: number): () => void {
    const local = this.#open.get(id);
    if (!local) return () => {};
    const { options, listening } = local;
    this.drop(id, now);
    return () => {
      this.open(id, options, now);
      for (const port of listening) this.#open.get(id)?.stream({ kind: 'listen', port }, now);
    };
  }

  /** Throws `RangeError` for an ID that is taken or the router's own, or one too many. */
  open(id: DestinationId, options: DestinationOptions, now: number): void {
    if (this.#open.has(id)) throw new RangeError(`Destination ${id} is open`);
    if (id === EXPLORATORY) throw new RangeError('the pool of the router');
    if (this.#open.size >= MAX_DESTINATIONS) throw new RangeError('too many Destinations');
    const { wakes, ...parts } = this.#parts();
    const shares = this.#budget.share();
    const wake = (at: number): void => wakes.ask({ kind: 'destination', id }, at);
    this.#open.set(id, new LocalDestination({ ...parts, id, options, wake, shares }));
    const direction = { length: options.length, quantity: options.quantity };
    const config = { inbound: direction, outbound: direction };
    parts.routes.tunnel({ kind: 'createPool', pool: id, config }, now);
  }

  /** Its streams are reset, which both sides hear. */
  close(id: DestinationId, now: number): void {
    const local = this.#open.get(id);
    if (!local) return;
    blame({ kind: 'destination', destination: id }, () => local.stream({ kind: 'close' }, now));
    this.drop(id, now);
  }

  /** Without another word to it: what threw is never stepped again. */
  drop(id: DestinationId, now: number): void {
    const { routes, wakes } = this.#parts();
    const local = this.#open.get(id);
    if (!local) return;
    this.#open.delete(id);
    local.release();
    wakes.forget({ kind: 'destination', id });
    routes.netdb({ kind: 'unpublish', hash: local.hash }, now);
    routes.netdb({ kind: 'cancelPool', pool: id }, now);
    routes.tunnel({ kind: 'removePool', pool: id }, now);
    if (local.ready) routes.emit({ kind: 'destinationReady', destination: id, ready: false });
    routes.emit({ kind: 'destinationClosed', destination: id });
  }
}
