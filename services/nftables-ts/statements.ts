import type { Left, Right, Selector } from './expressions.ts';
import type { CtKey, MetaKey } from './fields.ts';

export type CompareOp = '==' | '!=' | '<' | '>' | '<=' | '>=' | 'in';
export type Verdict =
  | { readonly accept: null }
  | { readonly drop: null }
  | { readonly continue: null }
  | { readonly return: null }
  | { readonly jump: { readonly target: string } }
  | { readonly goto: { readonly target: string } };
export type RejectWith =
  | { readonly type: 'tcp reset' }
  | {
      readonly type: 'icmpx';
      readonly expr: 'host-unreachable' | 'port-unreachable' | 'no-route' | 'admin-prohibited';
    };
export type Statement =
  | Verdict
  | { readonly match: { readonly op: CompareOp; readonly left: Left; readonly right: Right } }
  | { readonly counter: string }
  | { readonly limit: { readonly rate: number; readonly burst: number; readonly per: LimitPer } }
  | { readonly vmap: { readonly key: Left; readonly data: string } }
  | {
      readonly redirect: {
        readonly port: number | { readonly map: { readonly key: Selector; readonly data: string } };
      };
    }
  | { readonly reject: RejectWith }
  | { readonly mangle: { readonly key: { readonly ct: { readonly key: CtKey } }; readonly value: number } }
  | {
      readonly mangle: { readonly key: { readonly meta: { readonly key: MetaKey } }; readonly value: number };
    }
  | { readonly notrack: null };
export type LimitPer = 'second' | 'minute' | 'hour' | 'day';

export const accept: Statement = { accept: null };
export const drop: Statement = { drop: null };
export const returnVerdict: Statement = { return: null };
export const notrack: Statement = { notrack: null };

export function jump(target: string): Statement {
  return { jump: { target } };
}

export function goto(target: string): Statement {
  return { goto: { target } };
}

/** Compares; for bit fields such as `ct state` use `matchFlags`. */
export function match(left: Left, right: Right, op: Exclude<CompareOp, 'in'> = '=='): Statement {
  return { match: { op, left, right } };
}

/** True when at least one of the flags is set. */
export function matchFlags(left: Left, ...flags: [string, ...string[]]): Statement {
  return { match: { op: 'in', left, right: flags.length === 1 ? flags[0] : flags } };
}

/** A named counter of the table. */
export function count(name: string): Statement {
  return { counter: name };
}

/** Matches while the rate is not exceeded. */
export function limit(rate: number, per: LimitPer, burst: number): Statement {
  return { limit: { rate, burst, per } };
}

/** Jumps by a named verdict map. */
export function vmap(key: Left, name: string): Statement {
  return { vmap: { key, data: `@${name}` } };
}

/** To a local port, on the address of the interface the packet came in by. Only in nat chains. */
export function redirect(port: number): Statement {
  return { redirect: { port } };
}

/** To the local port that a named map gives for `key`. */
export function redirectByMap(key: Selector, name: string): Statement {
  return { redirect: { port: { map: { key, data: `@${name}` } } } };
}

/** With `tcp reset` the rule must say `match(meta('l4proto'), 'tcp')` itself, or nft adds it and comparing fails. */
export function reject(how: RejectWith): Statement {
  return { reject: how };
}

export function setCtMark(value: number): Statement {
  return { mangle: { key: { ct: { key: 'mark' } }, value } };
}

export function setMetaMark(value: number): Statement {
  return { mangle: { key: { meta: { key: 'mark' } }, value } };
}
