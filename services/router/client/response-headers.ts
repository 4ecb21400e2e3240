import { hopByHopTest, pairsOf, type RawHeaders, valuesOf } from './http-list.ts';

/** Cookie domains that would reach every site at once: both are public suffixes. */
const SUFFIX_DOMAINS = new Set(['i2p', 'b32.i2p']);

export interface BrowserResponse {
  readonly headers: string[];
  /** the body is in Java's x-i2p-gzip and must be unpacked on its way */
  readonly gunzip: boolean;
}

/** The headers that go to the browser. */
export function responseHeaders(headers: RawHeaders): BrowserResponse {
  const endsHere = hopByHopTest(headers);
  const encodings = valuesOf(headers, 'content-encoding')
    .flatMap((value) => value.split(','))
    .map((coding) => coding.trim());
  const gunzip = encodings.at(-1)?.toLowerCase() === 'x-i2p-gzip';
  const out: string[] = [];
  for (const [name, value] of pairsOf(headers)) {
    const key = name.toLowerCase();
    if (endsHere(key)) continue;
    if (key === 'set-cookie' && cookieReachesAllSites(value)) continue;
    if (gunzip && (key === 'content-encoding' || key === 'content-length')) continue;
    out.push(name, value);
  }
  const left = encodings.slice(0, -1);
  if (gunzip && left.length > 0) out.push('Content-Encoding', left.join(', '));
  return { headers: out, gunzip };
}

/** RFC 6265 5.2.3: one leading dot is ignored. Whichever Domain attribute a browser takes, it must be a narrow one. */
function cookieReachesAllSites(cookie: string): boolean {
  return cookie
    .split(';')
    .slice(1)
    .some((part) => SUFFIX_DOMAINS.has(domainOf(part)));
}

/** Empty for any other attribute. No expression: a site could make one slow. */
function domainOf(attribute: string): string {
  const equals = attribute.indexOf('=');
  if (equals < 0 || attribute.slice(0, equals).trim().toLowerCase() !== 'domain') return '';
  const value = attribute
    .slice(equals + 1)
    .replaceAll('"', '')
    .trim()
    .toLowerCase();
  return value.slice(value.startsWith('.') ? 1 : 0, value.endsWith('.') ? -1 : undefined);
}

const SERVER_DROPPED = new Set(['server', 'date', 'x-powered-by', 'x-runtime']);

/** What a site behind a server tunnel says about its machine and clock is removed. */
export function serverResponseHeaders(headers: RawHeaders): string[] {
  const endsHere = hopByHopTest(headers);
  const out: string[] = [];
  for (const [name, value] of pairsOf(headers)) {
    const key = name.toLowerCase();
    if (!endsHere(key) && !SERVER_DROPPED.has(key)) out.push(name, value);
  }
  return out;
}
