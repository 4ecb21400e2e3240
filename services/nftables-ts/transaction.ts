import { NftError } from './errors.ts';
import { type NftObject, tableObject, tableObjects } from './json.ts';
import type { Element, NftSet, Table, TableRef } from './objects.ts';
import { validateTable } from './validate.ts';
import { elementProblem } from './values.ts';

type Command = { readonly add: NftObject } | { readonly delete: NftObject };

/**
 * Changes that the kernel takes whole or not at all: no packet sees a state between. Everything is validated when it
 * is put in, so a transaction that exists is one that nft's parser should take.
 */
export class Transaction {
  readonly #commands: Command[] = [];

  /** The table with exactly this content, whether or not it was there: add, delete, add with content. */
  replaceTable(table: Table): this {
    validateTable(table);
    this.deleteTable(table);
    for (const object of tableObjects(table)) this.#commands.push({ add: object });
    return this;
  }

  /** No such table afterwards; not an error when there was none (`destroy` needs kernel 6.3 and nft 1.0.8). */
  deleteTable(table: TableRef): this {
    this.#commands.push({ add: tableObject(table) }, { delete: tableObject(table) });
    return this;
  }

  /** Adds members to a set that exists in the kernel; `set` says its type. */
  addElements(table: TableRef, set: NftSet, elements: readonly Element[]): this {
    return this.#elements('add', table, set, elements);
  }

  /** Removes members; one that is not there makes the whole transaction fail with `not-found`. */
  deleteElements(table: TableRef, set: NftSet, elements: readonly Element[]): this {
    return this.#elements('delete', table, set, elements);
  }

  get empty(): boolean {
    return this.#commands.length === 0;
  }

  /** For `nft -j -f`. */
  toJSON(): { nftables: readonly unknown[] } {
    return { nftables: [{ metainfo: { json_schema_version: 1 } }, ...this.#commands] };
  }

  #elements(verb: 'add' | 'delete', table: TableRef, set: NftSet, elements: readonly Element[]): this {
    for (const element of elements) {
      const problem = elementProblem(element, set.type, set.interval === true);
      if (problem !== undefined)
        throw new NftError('invalid', problem, `${table.family} ${table.name} / set ${set.name}`);
    }
    if (elements.length === 0) return this;
    const object = { element: { family: table.family, table: table.name, name: set.name, elem: elements } };
    this.#commands.push(verb === 'add' ? { add: object } : { delete: object });
    return this;
  }
}
