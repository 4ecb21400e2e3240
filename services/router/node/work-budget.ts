import { BoundedMap } from '@allium/common/core/bounded-map.ts';
import { TokenBucket } from '@allium/common/core/token-bucket.ts';
import { I2NP_TYPE } from '../i2np/message.ts';
import type { RouterHash } from '../wire/hash.ts';
import { MAX_LINKS } from './sessions.ts';

/**
 * Messages of one peer per second, and at once, that cost a public-key operation or a gunzip: about 0.2 ms each, so 1 % of
 * a core. A floodfill's busiest neighbour sends some ten a second.
 */
export const WORK_PER_SECOND = 50;
export const WORK_BURST = 200;

/** What each type costs more than its bytes: X25519, or gunzip and a signature. */
const COSTLY: ReadonlySet<number> = new Set([
  I2NP_TYPE.garlic,
  I2NP_TYPE.shortTunnelBuild,
  I2NP_TYPE.databaseStore,
]);

/** What peers may make us do. It outlives their sessions: who hangs up and comes again has no more. */
export class WorkBudget {
  readonly #peers = new BoundedMap<RouterHash, TokenBucket>(2 * MAX_LINKS);

  /** Whether a message of this type by this peer is looked at; `now` in ms. */
  admits(type: number, from: RouterHash, now: number): boolean {
    if (!COSTLY.has(type)) return true;
    const bucket = this.#peers.get(from) ?? new TokenBucket(WORK_PER_SECOND, WORK_BURST);
    this.#peers.set(from, bucket);
    return bucket.take(now);
  }
}
