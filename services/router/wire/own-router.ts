import { toBase64 } from '@allium/common/bytes/text.ts';
import type { RouterAddress } from './router-address.ts';
import type { RouterKeys } from './router-keys.ts';

/** What i2pd gives its addresses; another number would set us apart. */
const COST_UNPUBLISHED = 14;
const COST_PUBLISHED = 3;

/**
 * The address of a router that only dials out: static key without host, port or `i`. One address for both
 * families, because a Tor exit may reach the peer over either and the peer compares `s` by family.
 */
export function unpublishedNtcp2Address(keys: RouterKeys): RouterAddress {
  return {
    transport: 'NTCP2',
    cost: COST_UNPUBLISHED,
    options: new Map([
      ['caps', '46'],
      ['s', toBase64(keys.ntcp2.publicKey)],
      ['v', '2'],
    ]),
  };
}

/** The address of a router that listens; `host` is an IP literal. Never used behind Tor. */
export function publishedNtcp2Address(
  keys: RouterKeys,
  endpoint: { readonly host: string; readonly port: number },
): RouterAddress {
  return {
    transport: 'NTCP2',
    cost: COST_PUBLISHED,
    options: new Map([
      ['host', endpoint.host],
      ['i', toBase64(keys.ntcp2Iv)],
      ['port', String(endpoint.port)],
      ['s', toBase64(keys.ntcp2.publicKey)],
      ['v', '2'],
    ]),
  };
}

/** The three options without which peers take a RouterInfo for an unreachable router's. */
export function routerOptions(facts: {
  /** e.g. `LUG`; congestion comes last */
  readonly caps: string;
  readonly netId: number;
  /** API version, e.g. `0.9.68` */
  readonly version: string;
}): ReadonlyMap<string, string> {
  return new Map([
    ['caps', facts.caps],
    ['netId', String(facts.netId)],
    ['router.version', facts.version],
  ]);
}
