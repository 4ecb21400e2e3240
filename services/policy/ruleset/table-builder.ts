import type { BaseChain, Chain, NftMap, NftSet, Rule, Table } from 'nftables-ts/objects.ts';
import { count, drop, type Statement } from 'nftables-ts/statements.ts';

/** The name of both tables, `inet` and `netdev`. Everything in them is ours; nothing outside is touched. */
export const TABLE = 'allium';

/**
 * A table under construction. It gives no way to write a rule without a counter and a line of prose, nor a base chain
 * that does not end in a counted drop.
 */
export class TableBuilder {
  readonly #family: 'inet' | 'netdev';
  readonly #counters = new Set<string>();
  readonly #sets: NftSet[] = [];
  readonly #maps: NftMap[] = [];
  readonly #chains: { name: string; base?: BaseChain; rules: Rule[] }[] = [];

  constructor(family: 'inet' | 'netdev') {
    this.#family = family;
  }

  /** A base chain: policy drop, and what falls through is counted as `NAME_denied`. */
  base(name: string, base: Omit<BaseChain, 'policy'>, write: (rule: AddRule) => void): void {
    const chain = { name, base: { ...base, policy: 'drop' as const }, rules: [] as Rule[] };
    this.#chains.push(chain);
    write(this.#adder(chain.rules));
    this.#add(chain.rules, 'nothing else passes', `${name}_denied`, [drop]);
  }

  chain(name: string, write: (rule: AddRule) => void): void {
    const chain = { name, rules: [] as Rule[] };
    this.#chains.push(chain);
    write(this.#adder(chain.rules));
  }

  set(set: NftSet): void {
    this.#sets.push(set);
  }

  map(map: NftMap): void {
    this.#maps.push(map);
  }

  table(): Table {
    return {
      family: this.#family,
      name: TABLE,
      counters: [...this.#counters].sort().map((name) => ({ name })),
      sets: this.#sets,
      maps: this.#maps,
      chains: this.#chains satisfies Chain[],
    };
  }

  #adder(rules: Rule[]): AddRule {
    return (comment, counter, ...statements) => this.#add(rules, comment, counter, statements);
  }

  /** The counter stands right before the verdict, so that it counts what the verdict was applied to. */
  #add(rules: Rule[], comment: string, counter: string, statements: readonly Statement[]): void {
    this.#counters.add(counter);
    const verdict = statements.at(-1);
    if (verdict === undefined) throw new RangeError('a rule without a verdict');
    rules.push({ comment, statements: [...statements.slice(0, -1), count(counter), verdict] });
  }
}

/** Writes one rule: its line of prose, its counter, its matches, and its verdict last. */
export type AddRule = (comment: string, counter: string, ...statements: Statement[]) => void;
