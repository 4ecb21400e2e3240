/** Headers, raw: name, value, name, value … in the order of the wire. */
export type RawHeaders = readonly string[];

export type HeaderPair = readonly [name: string, value: string];

export function pairsOf(headers: RawHeaders): HeaderPair[] {
  const out: HeaderPair[] = [];
  for (let at = 0; at + 1 < headers.length; at += 2) out.push([headers[at] ?? '', headers[at + 1] ?? '']);
  return out;
}

/** All values of one header; `name` in lower case. */
export function valuesOf(headers: RawHeaders, name: string): string[] {
  const out: string[] = [];
  for (let at = 0; at + 1 < headers.length; at += 2) {
    if (isNamed(headers[at], name)) out.push(headers[at + 1] ?? '');
  }
  return out;
}

/** Whether there is such a header; `name` in lower case. */
export function hasHeader(headers: RawHeaders, name: string): boolean {
  for (let at = 0; at < headers.length; at += 2) if (isNamed(headers[at], name)) return true;
  return false;
}

/** Most names differ in length: a small copy of each, for every question of every rule, is what costs. */
function isNamed(key: string | undefined, name: string): boolean {
  return key !== undefined && key.length === name.length && key.toLowerCase() === name;
}
