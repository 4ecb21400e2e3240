import { blame } from './fault.ts';
import { LocalDestination, type LocalDestinationParts } from './local-destination.ts';
import type { DestinationOptions } from './node-io.ts';
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
  readonly #open = new Map<string, LocalDestination>();

  /** `parts` are asked for later: cores know their Destinations */
  constructor(parts: () => DestinationsParts) {
    this.#parts = parts;
  }

  get all(): ReadonlyMap<string, LocalDestination> {
    return this.#open;
  }

  get(name: string): LocalDestination | undefined {
    return this.#open.get(name);
  }

  of(hash: string): LocalDestination | undefined {
    return [...this.#open.values()].find((local) => local.hash === hash);
  }

  /** Drops it, and gives what opens it again as its owner had it: its streams are over, but it listens where it did. */
  take(name: string, now: number): () => void {
    const local = this.#open.get(name);
    if (!local) return () => {};
    const { options, listening } = local;
    this.drop(name, now);
    return () => {
      this.open(name, options, now);
      for (const port of listening) this.#open.get(name)?.stream({ kind: 'listen', port }, now);
    };
  }

  /** Throws `RangeError` for a name that is taken, or one too many. */
  open(name: string, options: DestinationOptions, now: number): void {
    if (this.#open.has(name)) throw new RangeError(`a Destination named ${name} is open`);
    if (this.#open.size >= MAX_DESTINATIONS) throw new RangeError('too many Destinations');
    const { wakes, ...parts } = this.#parts();
    const wake = (at: number): void => wakes.ask(`destination ${name}`, at);
    this.#open.set(name, new LocalDestination({ ...parts, name, options, wake }));
    const direction = { length: options.length, quantity: options.quantity };
    const config = { inbound: direction, outbound: direction };
    parts.routes.tunnel({ kind: 'createPool', name, config }, now);
  }

  /** Its streams are reset, which both sides hear. */
  close(name: string, now: number): void {
    const local = this.#open.get(name);
    if (!local) return;
    blame({ kind: 'destination', name }, () => local.stream({ kind: 'close' }, now));
    this.drop(name, now);
  }

  /** Without another word to it: what threw is never stepped again. */
  drop(name: string, now: number): void {
    const { routes, wakes } = this.#parts();
    const local = this.#open.get(name);
    if (!local) return;
    this.#open.delete(name);
    wakes.forget(`destination ${name}`);
    routes.netdb({ kind: 'unpublish', hash: local.hash }, now);
    routes.netdb({ kind: 'cancelPool', pool: name }, now);
    routes.tunnel({ kind: 'removePool', name }, now);
    if (local.ready) routes.emit({ kind: 'destinationReady', name, ready: false });
    routes.emit({ kind: 'destinationClosed', name });
  }
}
