import { type Notes, type Place, remedy } from './notes.ts';
import type { Draft } from './settings.ts';

/** `words` are the words behind the directive, `text` the same as one string. */
export interface Line extends Place {
  readonly name: string;
  readonly text: string;
  readonly words: readonly string[];
}

export interface Directive {
  /** The words of the README, which says of `applied` where it is done `partly`; a directive that is refused for some values is what it is for the others */
  readonly kind: 'applied' | 'warned' | 'ignored' | 'refused';
  readonly apply: (line: Line, draft: Draft, notes: Notes) => void;
}

export function applied(apply: Directive['apply']): Directive {
  return { kind: 'applied', apply };
}

/** Settings that hold a `T`. */
type KeysOf<T> = {
  [K in keyof Draft]: [T, Draft[K]] extends [Draft[K], T | undefined] ? K : never;
}[keyof Draft];

/** Without a key the value is checked only. `unit`: what one means in the setting. */
export function number(low: number, high: number, key?: KeysOf<number>, unit = 1): Directive {
  return applied((line, draft, notes) => {
    const value = /^\d{1,9}$/.test(line.text) ? Number(line.text) : Number.NaN;
    if (!(value >= low && value <= high))
      notes.refuse(line, `${line.name} needs a number from ${low} to ${high}`);
    else if (key !== undefined) draft[key] = value * unit;
  });
}

export function flag(key: KeysOf<boolean>): Directive {
  return applied((line, draft, notes) => {
    if (line.text === '0' || line.text === '1') draft[key] = line.text === '1';
    else notes.refuse(line, `${line.name} needs 0 or 1`);
  });
}

/** Only 0 is safe here. */
export function onlyOff(why: string): Directive {
  return applied((line, _draft, notes) => {
    if (line.text !== '0') notes.refuse(line, `${line.name} must be 0: ${why}`, `${line.name} 0`);
  });
}

export function text(key: KeysOf<string>): Directive {
  return applied((line, draft, notes) => {
    if (line.text === '') notes.refuse(line, `${line.name} needs a value`);
    else draft[key] = line.text;
  });
}

export function warned(why: string): Directive {
  return {
    kind: 'warned',
    apply: (line, _draft, notes) => notes.warn(line, `${line.name} is ignored: ${why}`),
  };
}

/** `instead`: what to write in its place; without it the line can go. */
export function refused(why: string, instead?: (line: Line) => string): Directive {
  return {
    kind: 'refused',
    apply: (line, _draft, notes) => {
      const fix = instead?.(line) ?? '';
      notes.refuse(line, `${line.name} is not allowed: ${why}; ${remedy(fix)}`, fix);
    },
  };
}

export const IGNORED: Directive = { kind: 'ignored', apply: () => {} };
