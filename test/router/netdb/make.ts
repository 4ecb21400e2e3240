import { toBase64 } from '@allium/common/bytes/text.ts';
import { createDestinationKeys, type DestinationKeys } from '../../../services/router/wire/destination.ts';
import { type RouterHash, routerHash } from '../../../services/router/wire/hash.ts';
import { signerOf } from '../../../services/router/wire/identity.ts';
import { createLeaseSet2, type LeaseSet2 } from '../../../services/router/wire/lease-set2.ts';
import { routerIdentityOf } from '../../../services/router/wire/router-identity.ts';
import { createRouterInfo, type RouterInfo } from '../../../services/router/wire/router-info.ts';
import { createRouterKeys, type RouterKeys } from '../../../services/router/wire/router-keys.ts';
import { recordedEntropy } from '../../support/entropy.ts';

export const NOW = Date.UTC(2026, 10, 24, 12, 0, 0);
export const NET_ID = 99;

export interface RouterFacts {
  readonly caps?: string;
  readonly netId?: string;
  readonly version?: string;
  readonly host?: string;
  readonly port?: string;
  readonly published?: number;
  readonly family?: string;
  readonly cost?: number;
  readonly transport?: string;
  /** false: address without host, port and `i`, as behind Tor */
  readonly listening?: boolean;
  /** 32 bytes in place of the key that its messages are sealed with */
  readonly encryptionKey?: Uint8Array;
}

const keysBySeed = new Map<string, RouterKeys>();

export function routerKeys(seed: string): RouterKeys {
  const known = keysBySeed.get(seed) ?? createRouterKeys(recordedEntropy(seed));
  keysBySeed.set(seed, known);
  return known;
}

/** A signed RouterInfo; the same seed gives the same identity. Hosts differ in their /16 by default. */
export function makeRouter(seed: string, facts: RouterFacts = {}): RouterInfo {
  const keys = facts.encryptionKey ? withKey(routerKeys(seed), facts.encryptionKey) : routerKeys(seed);
  const { caps = 'OR', netId = String(NET_ID), version = '0.9.67', published = NOW - 60_000 } = facts;
  const [a = 0, b = 0] = keys.identity.raw.subarray(0, 2);
  const where = new Map([
    ['host', facts.host ?? `${12 + (a % 80)}.${b}.7.9`],
    ['port', facts.port ?? '14567'],
  ]);
  const options = new Map([
    ['s', toBase64(keys.ntcp2.publicKey)],
    ['v', '2'],
    ...(facts.listening === false ? [] : [...where, ['i', toBase64(keys.ntcp2Iv)] as const]),
  ] as [string, string][]);
  return createRouterInfo(keys, {
    published,
    addresses: [{ transport: facts.transport ?? 'NTCP2', cost: facts.cost ?? 3, options: sorted(options) }],
    options: sorted(
      new Map([
        ['caps', caps],
        ['netId', netId],
        ['router.version', version],
        ...((facts.family === undefined ? [] : [['family', facts.family]]) as [string, string][]),
      ]),
    ),
  });
}

/** The same router with another encryption key in its identity, and so with another hash; it can sign. */
function withKey(keys: RouterKeys, encryptionKey: Uint8Array): RouterKeys {
  const raw = Uint8Array.from(keys.identity.raw);
  raw.set(encryptionKey);
  return { ...keys, identity: routerIdentityOf(raw) };
}

function sorted(options: Map<string, string>): Map<string, string> {
  return new Map([...options].sort(([x], [y]) => (x < y ? -1 : 1)));
}

const destinationsBySeed = new Map<string, DestinationKeys>();

export interface LeaseFacts {
  readonly published?: number;
  readonly expires?: number;
  readonly unpublished?: boolean;
}

export function makeLeaseSet(
  seed: string,
  { published = NOW, expires, unpublished }: LeaseFacts = {},
): LeaseSet2 {
  const keys = destinationsBySeed.get(seed) ?? createDestinationKeys(recordedEntropy(seed));
  destinationsBySeed.set(seed, keys);
  const lease = {
    gateway: routerKeys('gateway').identity.hash,
    tunnelId: 7,
    expires: expires ?? published + 600_000,
  };
  return createLeaseSet2(signerOf(keys), {
    published,
    leases: [lease],
    encryptionKeys: [{ type: 4, key: keys.encryption.publicKey }],
    ...(unpublished ? { unpublished } : {}),
  });
}

/** A router hash that belongs to nobody. */
export function someHash(seed: string): RouterHash {
  return routerHash(recordedEntropy(`hash ${seed}`)(32));
}
