import type { ActionChange } from '../syntax/action-file.ts';
import { ACTIONS } from '../syntax/action-table.ts';

/** The actions that hold for one request. */
export class ActionSet {
  readonly #single = new Map<string, string>();
  readonly #many = new Map<string, string[]>();

  /** Whether the action is on, with or without a value. */
  has(name: string): boolean {
    return this.#single.has(name) || (this.#many.get(name)?.length ?? 0) > 0;
  }

  /** The value; an empty string for an action without one, undefined when it is off. */
  value(name: string): string | undefined {
    return this.#single.get(name);
  }

  values(name: string): readonly string[] {
    return this.#many.get(name) ?? [];
  }

  /** As in `{…}`, sorted; for the page that explains a decision. */
  describe(): string[] {
    const single = [...this.#single].map(([name, value]) =>
      value === '' ? `+${name}` : `+${name}{${value}}`,
    );
    const many = [...this.#many].flatMap(([name, values]) => values.map((value) => `+${name}{${value}}`));
    return [...single, ...many].sort();
  }

  apply(change: ActionChange): void {
    if (ACTIONS.get(change.name)?.value === 'many') this.#applyMany(change);
    else if (change.on) this.#single.set(change.name, change.value ?? '');
    else this.#single.delete(change.name);
  }

  /** `-action` without a value removes all of them. */
  #applyMany({ on, name, value }: ActionChange): void {
    const others = (this.#many.get(name) ?? []).filter((held) => held !== value);
    if (on && value !== undefined) this.#many.set(name, [...others, value]);
    else if (value === undefined) this.#many.delete(name);
    else this.#many.set(name, others);
  }
}
