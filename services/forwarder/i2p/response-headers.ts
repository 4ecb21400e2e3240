import { endsHere } from '../rewrite/hop-by-hop.ts';
import { hasHeader, pairsOf, type RawHeaders, valuesOf } from '../rules/raw-headers.ts';

/** Cookie domains that would reach every site at once: both are public suffixes. */
const SUFFIX_DOMAINS = new Set(['i2p', 'b32.i2p']);

export interface SiteAnswerHead {
  readonly headers: readonly string[];
  /** the body is in Java's x-i2p-gzip, unasked for, and must be unpacked on its way */
  readonly gunzip: boolean;
}

/** The headers of an I2P site's answer as a browser may have them; the rules of the configuration come behind. */
export function siteAnswerHead(headers: RawHeaders): SiteAnswerHead {
  const ends = endsHere(headers);
  const encodings = codingsOf(headers);
  const gunzip = encodings.at(-1)?.toLowerCase() === 'x-i2p-gzip';
  const out: string[] = [];
  for (const [name, value] of pairsOf(headers)) {
    const key = name.toLowerCase();
    if (ends(key) || key.startsWith('proxy')) continue;
    if (key === 'set-cookie' && cookieReachesAllSites(value)) continue;
    if (gunzip && (key === 'content-encoding' || key === 'content-length')) continue;
    out.push(name, value);
  }
  const left = encodings.slice(0, -1);
  if (gunzip && left.length > 0) out.push('Content-Encoding', left.join(', '));
  return { headers: out, gunzip };
}

function codingsOf(headers: RawHeaders): string[] {
  if (!hasHeader(headers, 'content-encoding')) return [];
  return valuesOf(headers, 'content-encoding')
    .flatMap((value) => value.split(','))
    .map((coding) => coding.trim());
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
  const parts = attribute
    .slice(equals + 1)
    .trim()
    .replaceAll('"', '')
    .trim()
    .toLowerCase();
  const from = parts.startsWith('.') ? 1 : 0;
  return parts.slice(from, parts.endsWith('.') ? -1 : undefined);
}
