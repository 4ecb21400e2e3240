/** Headers as node:http gives and takes them raw: name, value, name, value … in the order of the wire. */
export type RawHeaders = readonly string[];

export type HeaderPair = readonly [name: string, value: string];

export function* pairsOf(headers: RawHeaders): Generator<HeaderPair> {
  for (let at = 0; at + 1 < headers.length; at += 2) yield [headers[at] ?? '', headers[at + 1] ?? ''];
}

/** All values of one header; `name` in lower case. */
export function valuesOf(headers: RawHeaders, name: string): string[] {
  const found: string[] = [];
  for (const [key, value] of pairsOf(headers)) if (key.toLowerCase() === name) found.push(value);
  return found;
}

/** The only value of a header; `undefined` when it is absent or sent more than once. */
export function singleValue(headers: RawHeaders, name: string): string | undefined {
  const values = valuesOf(headers, name);
  return values.length === 1 ? values[0] : undefined;
}

/** The comma-separated tokens of a header, in lower case and without parameters. */
export function tokensOf(headers: RawHeaders, name: string): string[] {
  return valuesOf(headers, name)
    .join(',')
    .split(',')
    .map((token) => (token.split(';')[0] ?? '').trim().toLowerCase())
    .filter((token) => token !== '');
}

/** Headers of one connection, not of the message (RFC 9110 7.6.1), in lower case. */
const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade']);

/** A test for headers that end here: the fixed ones, `Proxy-*`, and all that `Connection` names. */
export function hopByHopTest(headers: RawHeaders): (lowerCaseName: string) => boolean {
  const named = new Set(tokensOf(headers, 'connection'));
  return (name) => HOP_BY_HOP.has(name) || named.has(name) || name.startsWith('proxy');
}
