import type { Concat, Prefix, Range } from './expressions.ts';
import type { Statement, Verdict } from './statements.ts';

export const FAMILIES = ['ip', 'ip6', 'inet', 'arp', 'bridge', 'netdev'] as const;
export type Family = (typeof FAMILIES)[number];
export const HOOKS = [
  'ingress',
  'egress',
  'prerouting',
  'input',
  'forward',
  'output',
  'postrouting',
] as const;
export type Hook = (typeof HOOKS)[number];

/** nft's names for priorities; a base chain takes any number between. */
export const PRIORITY = {
  /** fragments are put together at -400: what must see them comes before */
  beforeDefrag: -450,
  raw: -300,
  /** connection tracking is at -200 */
  mangle: -150,
  dstnat: -100,
  filter: 0,
  security: 50,
  srcnat: 100,
} as const;

export interface TableRef {
  readonly family: Family;
  readonly name: string;
}

/** A whole table: the unit that is replaced, listed and compared. */
export interface Table extends TableRef {
  readonly counters: readonly Counter[];
  readonly sets: readonly NftSet[];
  readonly maps: readonly NftMap[];
  readonly chains: readonly Chain[];
}

export interface Counter {
  readonly name: string;
}

/** Types of set members that the validation knows; several make a concatenation. */
export const ELEMENT_TYPES = [
  'ipv4_addr',
  'ipv6_addr',
  'ether_addr',
  'inet_proto',
  'inet_service',
  'mark',
  'ifname',
] as const;
export type ElementType = (typeof ELEMENT_TYPES)[number];
export type Element = string | number | Prefix | Range | Concat;

export interface NftSet {
  readonly name: string;
  readonly type: ElementType | readonly ElementType[];
  /** true when members may be ranges or prefixes */
  readonly interval?: boolean;
  readonly elements: readonly Element[];
}

export interface NftMap {
  readonly name: string;
  readonly type: ElementType | readonly ElementType[];
  /** `verdict` makes it a verdict map */
  readonly value: ElementType | 'verdict';
  readonly interval?: boolean;
  readonly entries: readonly (readonly [Element, string | number | Verdict])[];
}

export interface Chain {
  readonly name: string;
  /** what attaches the chain to a hook; a chain without it is reached by jump or goto only */
  readonly base?: BaseChain;
  readonly rules: readonly Rule[];
}

export interface BaseChain {
  readonly type: 'filter' | 'nat' | 'route';
  readonly hook: Hook;
  readonly priority: number;
  readonly policy: 'accept' | 'drop';
  /** for ingress and egress: the name; the kernel may accept one that does not exist yet */
  readonly device?: string;
}

export interface Rule {
  /** at most 127 bytes */
  readonly comment?: string;
  readonly statements: readonly Statement[];
}
