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
  return pairsOf(headers)
    .filter(([key]) => key.toLowerCase() === name)
    .map(([, value]) => value);
}

/** The comma-separated tokens of a header, in lower case and without parameters. */
export function tokensOf(headers: RawHeaders, name: string): string[] {
  return valuesOf(headers, name)
    .join(',')
    .split(',')
    .map((token) => (token.split(';')[0] ?? '').trim().toLowerCase())
    .filter((token) => token !== '');
}
