import { type ByteSet, ESCAPED_SETS, inverse, POSIX_SETS, setOf } from './byte-set.ts';
import { type Cursor, fault } from './cursor.ts';

/** Letters behind a backslash that stand for one character (perlre, "Escape sequences"). */
const CONTROLS: Readonly<Record<string, number>> = { t: 0x09, n: 0x0a, f: 0x0c, r: 0x0d, e: 0x1b, a: 0x07 };

/**
 * Reads an escape that means the same inside and outside of `[…]`; the backslash is taken already. A byte value or a
 * set. Anything that Perl's and PCRE's versions don't agree about is a fault.
 */
export function readEscape(cursor: Cursor): number | ByteSet {
  const letter = cursor.next;
  if (letter === '') fault('a backslash at the end');
  const set = ESCAPED_SETS[letter];
  const control = CONTROLS[letter];
  if (set === undefined && control === undefined && /[A-Za-z0-9]/.test(letter)) return readNumber(cursor);
  if (set !== undefined || control !== undefined) cursor.at++;
  return set ?? control ?? cursor.byte();
}

/** `\x41`, `\x{41}`, `\0`, `\012` and `\cA`. */
function readNumber(cursor: Cursor): number {
  const braced = cursor.match(/x\{([0-9a-fA-F]{1,8})\}/y);
  if (braced !== undefined) {
    const code = Number.parseInt(braced[1] ?? '', 16);
    return code <= 0xff ? code : fault('a character that is no byte');
  }
  if (cursor.text.startsWith('x{', cursor.at)) fault('an escape that is not supported, \\x{');
  const hex = cursor.match(/x([0-9a-fA-F]{0,2})/y);
  if (hex !== undefined) return Number.parseInt(hex[1] || '0', 16);
  const octal = cursor.match(/0[0-7]{0,2}/y);
  if (octal !== undefined) return Number.parseInt(octal[0], 8);
  const control = cursor.match(/c([a-zA-Z])/y);
  if (control !== undefined) return (control[1] ?? '').toUpperCase().charCodeAt(0) ^ 0x40;
  return fault(`an escape that is not supported, \\${cursor.next}`);
}

/** Reads `[:name:]` or `[:^name:]` inside of `[…]`; undefined when something else comes. */
export function readPosix(cursor: Cursor, caseless: boolean): ByteSet | undefined {
  if (/\[[.=]/y.test(cursor.text.slice(cursor.at, cursor.at + 2))) fault('a collating element');
  const found = cursor.match(/\[:(\^?)([a-zA-Z]*):\]/y);
  if (found === undefined) return undefined;
  const [, not, name = ''] = found;
  const set = POSIX_SETS[name];
  if (set === undefined) fault(`an unknown class [:${name}:]`);
  if (not === '') return set;
  if (caseless && (name === 'upper' || name === 'lower')) fault(`[:^${name}:] without regard to case`);
  return inverse(set);
}

export function byteOrSet(value: number | ByteSet): ByteSet {
  return typeof value === 'number' ? setOf([value, value]) : value;
}
