import type { RouterInfo } from '../wire/router-info.ts';
import { type PeerFacts, peerFacts } from './peer-facts.ts';

export interface DiversityRules {
  /** private networks on one /16; refused by the configuration for netId 2 */
  readonly skipIpDiversity: boolean;
}

/** Routers, networks and families of those taken so far: no two of one may come together. */
export class Diversity {
  readonly #rules: DiversityRules;
  readonly #hashes = new Set<string>();
  readonly #networks = new Set<string>();
  readonly #families = new Set<string>();

  constructor(rules: DiversityRules) {
    this.#rules = rules;
  }

  add(info: RouterInfo): void {
    const { networks, family }: PeerFacts = peerFacts(info);
    this.#hashes.add(info.hash);
    for (const network of networks) this.#networks.add(network);
    if (family !== undefined) this.#families.add(family);
  }

  allows(info: RouterInfo): boolean {
    const { networks, family } = peerFacts(info);
    if (this.#hashes.has(info.hash)) return false;
    if (family !== undefined && this.#families.has(family)) return false;
    return this.#rules.skipIpDiversity || !networks.some((network) => this.#networks.has(network));
  }
}
