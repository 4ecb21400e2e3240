import { BoundedMap } from '@allium/common/core/bounded-map.ts';
import type { RouterHash } from '../wire/hash.ts';
import { isHidden, isReachable } from '../wire/router-caps.ts';
import type { RouterInfo } from '../wire/router-info.ts';
import { routerNetworks } from '../wire/router-networks.ts';
import { routingKeysAt } from './routing-key.ts';
import type { RouterInfoStore } from './store.ts';

/** Floodfills whose silence is remembered. */
export const MAX_FAILING_FLOODFILLS = 1_000;
/** After so many silences in a row a floodfill is passed over, for a while. */
const SILENCES = 2;
/** For how long, in ms, per silence beyond the first; our own tunnels may be to blame, so not long. */
const REST = 5 * 60_000;
const MAX_REST = 30 * 60_000;
/** A floodfill whose RouterInfo is older (ms) comes after the others, as in Java: it may have gone. */
export const OLD_FLOODFILL = 3 * 3_600_000;
/** And after those again whose RouterInfo is so old (ms): nine of ten such routers have gone. */
export const STALE_FLOODFILL = 12 * 3_600_000;
/**
 * Before midnight UTC entries are also stored where tomorrow's key leads, and after it lookups also go where
 * yesterday's led: leases live 10 minutes, and clocks differ by a minute (ms).
 */
export const MIDNIGHT_MARGIN = 10 * 60_000;

/** Which floodfill to ask: the nearest one by today's routing key that answered lately. */
export class FloodfillChoice {
  readonly #store: RouterInfoStore;
  readonly #self: RouterHash;
  readonly #silent = new BoundedMap<RouterHash, { silences: number; until: number }>(MAX_FAILING_FLOODFILLS);

  constructor(store: RouterInfoStore, self: RouterHash) {
    this.#store = store;
    this.#self = self;
  }

  /**
   * The nearest floodfill to `key` that is not in `exclude`. Those come first that others can reach by IPv4, whose
   * RouterInfo is young and whose network none of `exclude` is in, so that eight addresses of one party near a key are
   * not all that is asked; resting ones only when there is no other. `turn` picks between the days' keys around midnight: even today's, odd the neighbour day's.
   */
  nearest(key: Uint8Array, now: number, exclude: ReadonlySet<RouterHash>, turn = 0): RouterInfo | undefined {
    const keys = routingKeysAt(key, now, 0, MIDNIGHT_MARGIN);
    const target = keys[turn % keys.length] ?? key;
    return this.nearestTo(target, now, exclude);
  }

  /** As `nearest`, with a routing key already made. */
  nearestTo(routing: Uint8Array, now: number, exclude: ReadonlySet<RouterHash>): RouterInfo | undefined {
    const eligible = (info: RouterInfo): boolean =>
      info.hash !== this.#self && !exclude.has(info.hash) && !isHidden(info) && info.addresses.length > 0;
    const awake = (info: RouterInfo): boolean => eligible(info) && !this.#rests(info.hash, now);
    const asked = new Set([...exclude].flatMap((hash) => this.#networksOf(hash)));
    const sound = (info: RouterInfo): boolean =>
      awake(info) &&
      isReachable(info) &&
      routerNetworks(info).ipv4 &&
      !routerNetworks(info).networks.some((network) => asked.has(network));
    const steps: readonly (readonly [accept: (info: RouterInfo) => boolean, maxAge: number])[] = [
      [sound, OLD_FLOODFILL],
      [sound, STALE_FLOODFILL],
      [awake, STALE_FLOODFILL],
      [awake, Number.POSITIVE_INFINITY],
      [eligible, Number.POSITIVE_INFINITY],
    ];
    for (const [accept, maxAge] of steps) {
      const young = (info: RouterInfo): boolean => info.published > now - maxAge && accept(info);
      const [best] = this.#store.nearestFloodfills(routing, 1, young);
      if (best) return best;
    }
    return undefined;
  }

  silent(hash: RouterHash, now: number): void {
    const silences = (this.#silent.get(hash)?.silences ?? 0) + 1;
    const rest = silences < SILENCES ? 0 : Math.min(MAX_REST, REST * (silences - 1));
    this.#silent.set(hash, { silences, until: now + rest });
  }

  answered(hash: RouterHash): void {
    this.#silent.delete(hash);
  }

  #networksOf(hash: RouterHash): readonly string[] {
    const info = this.#store.get(hash);
    return info ? routerNetworks(info).networks : [];
  }

  #rests(hash: RouterHash, now: number): boolean {
    return (this.#silent.get(hash)?.until ?? 0) > now;
  }
}
