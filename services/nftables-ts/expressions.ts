import type {
  CtKey,
  CtTupleKey,
  FibFlag,
  FibResult,
  MetaKey,
  PayloadField,
  PayloadProtocol,
} from './fields.ts';

/**
 * Expressions in libnftables' JSON form (`man 5 libnftables-json`). The constructors build the form in which nft also
 * lists them, so that what was meant and what the kernel has can be compared without knowing each expression's habits.
 */
export type Selector =
  | { readonly payload: { readonly protocol: PayloadProtocol; readonly field: string } }
  | { readonly payload: { readonly base: 'll' | 'nh' | 'th'; readonly offset: number; readonly len: number } }
  | { readonly meta: { readonly key: MetaKey } }
  | { readonly ct: { readonly key: CtKey } }
  | { readonly ct: { readonly key: CtTupleKey; readonly dir: 'original' | 'reply' } }
  | { readonly fib: { readonly result: FibResult; readonly flags: readonly FibFlag[] } };
export type Left =
  | Selector
  | { readonly '&': readonly [Selector, number | readonly string[]] }
  | { readonly concat: readonly Selector[] };

export interface Prefix {
  readonly prefix: { readonly addr: string; readonly len: number };
}
export interface Range {
  readonly range: readonly [number, number] | readonly [string, string];
}
export interface Concat {
  readonly concat: readonly (string | number | Prefix | Range)[];
}
export interface AnyOf {
  readonly set: readonly (string | number | Prefix | Range | Concat)[];
}
/** A flag list (`['established', 'new']`) is matched with `in`; `'@name'` is a set of the table. */
export type Right = string | number | Prefix | Range | AnyOf | readonly string[];

/** A header field by name. Its dependency (`ip saddr` needs IPv4) is nft's business: don't write it. */
export function payload<P extends PayloadProtocol>(protocol: P, field: PayloadField<P>): Selector {
  return { payload: { protocol, field } };
}

/** Raw bits of the packet: `offset` and `len` in bits from the link (`ll`), network or transport header. */
export function rawPayload(base: 'll' | 'nh' | 'th', offset: number, len: number): Selector {
  return { payload: { base, offset, len } };
}

export function meta(key: MetaKey): Selector {
  return { meta: { key } };
}

export function ct(key: CtKey): Selector {
  return { ct: { key } };
}

export function ctTuple(dir: 'original' | 'reply', key: CtTupleKey): Selector {
  return { ct: { key, dir } };
}

/** Asks the routing table; needs a hook where the fields are set (`saddr`/`iif` not in output). */
export function fib(result: FibResult, ...flags: FibFlag[]): Selector {
  return { fib: { result, flags } };
}

export function masked(selector: Selector, mask: number | readonly string[]): Left {
  return { '&': [selector, mask] };
}

export function concat(...selectors: Selector[]): Left {
  return { concat: selectors };
}

/** `10.0.0.0/8` in two parts; host bits must be zero. */
export function prefix(addr: string, len: number): Prefix {
  return { prefix: { addr, len } };
}

export function range(from: number, to: number): Range;
export function range(from: string, to: string): Range;
export function range(from: number | string, to: number | string): Range {
  return { range: [from, to] as [number, number] | [string, string] };
}

/** An anonymous set of at least two members. */
export function anyOf(...members: AnyOf['set'][number][]): AnyOf {
  return { set: members };
}

/** A named set, map or verdict map of the same table. */
export function setRef(name: string): string {
  return `@${name}`;
}
