/** A field name (RFC 9110 5.6.2). */
export const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** Without the blanks and tabs around it; String.trim would take more than these, 0xa0 for one. */
export function trimBlanks(text: string): string {
  let from = 0;
  let to = text.length;
  while (from < to && isBlank(text.charCodeAt(from))) from++;
  while (to > from && isBlank(text.charCodeAt(to - 1))) to--;
  return from === 0 && to === text.length ? text : text.slice(from, to);
}

export function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/** Adds the comma-separated tokens of a value, in lower case and without parameters. */
export function addTokens(value: string, out: string[]): void {
  for (const part of value.split(',')) {
    const token = trimBlanks(part.split(';', 1)[0] ?? '').toLowerCase();
    if (token !== '') out.push(token);
  }
}
