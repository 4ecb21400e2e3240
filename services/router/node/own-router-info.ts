import { publishedNtcp2Address, routerOptions, unpublishedNtcp2Address } from '../wire/own-router.ts';
import { createRouterInfo, type RouterInfo } from '../wire/router-info.ts';
import type { RouterKeys } from '../wire/router-keys.ts';
import type { NodeConfig } from './node-io.ts';

/** The API version that we speak; i2pd 2.59 refuses older than 0.9.58. */
export const API_VERSION = '0.9.68';
/** Signed anew after so long (ms): i2pd refuses RouterInfos older than 90 minutes. */
export const RESIGN_AFTER = 30 * 60_000;
/** Dated back by so much (ms), as peers refuse dates from their future. */
const BACKDATE = 5_000;

/** Low bandwidth, unreachable, refuses all tunnels: what a router behind Tor is; i2pd says the same. */
const CAPS_BEHIND_TOR = 'LUG';

/** Our RouterInfo, always young enough for a handshake. */
export class OwnRouterInfo {
  readonly #keys: RouterKeys;
  readonly #config: NodeConfig;
  #current: RouterInfo | undefined;

  constructor(keys: RouterKeys, config: NodeConfig) {
    this.#keys = keys;
    this.#config = config;
  }

  at(now: number): RouterInfo {
    const age = this.#current ? now - this.#current.published : Number.POSITIVE_INFINITY;
    // also after the clock went back: peers refuse dates from the future
    if (this.#current === undefined || age >= RESIGN_AFTER || age < 0) this.#current = this.#sign(now);
    return this.#current;
  }

  #sign(now: number): RouterInfo {
    const { listen, netId } = this.#config;
    const caps = listen ? `X${listen.floodfill ? 'f' : ''}R` : CAPS_BEHIND_TOR;
    const address = listen ? publishedNtcp2Address(this.#keys, listen) : unpublishedNtcp2Address(this.#keys);
    return createRouterInfo(this.#keys, {
      published: now - BACKDATE,
      addresses: [address],
      options: routerOptions({ caps, netId, version: API_VERSION }),
    });
  }
}
