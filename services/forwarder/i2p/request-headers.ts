import { endsHere } from '../rewrite/hop-by-hop.ts';
import { hasHeader, pairsOf, type RawHeaders } from '../rules/raw-headers.ts';
import { parseAbsolute, type RequestUrl } from '../rules/request-url.ts';

/** What every I2P HTTP proxy sends: to differ would stand out. */
const USER_AGENT = 'MYOB/6.66 (AN/ON)';

/** Java's three Accept values; a browser's own list would tell its make. */
const ACCEPT_HTML = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';
const ACCEPT_IMAGE = 'image/webp,image/apng,image/*,*/*;q=0.8';
const ACCEPT_STYLE = 'text/css,*/*;q=0.1';

/** Methods whose missing body is said as `Content-Length: 0` (RFC 9110 8.6). */
const METHODS_WITH_BODY = new Set(['POST', 'PUT', 'PATCH']);
/** How the body is delimited: as the stage before left it. */
const FRAMING = new Set(['content-length', 'transfer-encoding']);

const DROPPED = new Set([
  'via',
  'from',
  'forwarded',
  'dnt',
  'sec-gpc',
  'priority',
  'x-real-ip',
  'user-agent',
  // answered by this proxy
  'expect',
]);

/**
 * `x-i2p-`: only a server tunnel may set them. `sec-ch-`: client hints, a user agent in pieces. `proxy`: for proxies.
 * `x-accept-encoding` asks Java's server tunnels for their own compression, which they put around a length or around
 * chunks that are no longer true: it is never asked for (I2PTunnelHTTPServer; website: docs/api/i2ptunnel).
 */
const DROPPED_PREFIXES = ['x-forwarded-', 'x-i2p-', 'sec-ch-', 'proxy', 'x-accept-encoding'];

export interface SiteRequest {
  readonly method: string;
  /** as the browser asked for it */
  readonly url: RequestUrl;
  /** after the rules of the configuration; framing already in order */
  readonly headers: RawHeaders;
  /** what takes the place of the name in Host and Origin: `<52>.b32.i2p` */
  readonly hostHeader: string;
  /** protocol of a wanted upgrade */
  readonly upgrade?: string;
}

/** The headers that go to an I2P site, raw and complete: what Java's and i2pd's HTTP proxies drop is dropped. */
export function siteHeaders(request: SiteRequest): string[] {
  const { headers } = request;
  const ends = endsHere(headers);
  // HTTP/1.0 may come without Host; what leaves is HTTP/1.1, which needs one.
  const out = hasHeader(headers, 'host') ? [] : ['Host', request.hostHeader];
  for (const [name, value] of pairsOf(headers)) {
    const key = name.toLowerCase();
    if (FRAMING.has(key) || ends(key)) continue;
    const sent = sentValue(key, value, request);
    if (sent !== undefined) out.push(name, sent);
  }
  out.push(...framingHeaders(request), 'User-Agent', USER_AGENT);
  if (request.upgrade === undefined) out.push('Connection', 'close');
  else out.push('Connection', 'Upgrade', 'Upgrade', request.upgrade);
  return out;
}

function framingHeaders({ method, headers }: SiteRequest): string[] {
  if (hasHeader(headers, 'content-length') || hasHeader(headers, 'transfer-encoding'))
    return pairsOf(headers)
      .filter(([name]) => FRAMING.has(name.toLowerCase()))
      .flat();
  return METHODS_WITH_BODY.has(method) ? ['Content-Length', '0'] : [];
}

/** `undefined` drops the header. */
function sentValue(key: string, value: string, request: SiteRequest): string | undefined {
  if (DROPPED.has(key) || DROPPED_PREFIXES.some((prefix) => key.startsWith(prefix))) return undefined;
  switch (key) {
    case 'host':
      return request.hostHeader;
    case 'accept':
      return reducedAccept(value);
    case 'accept-encoding':
      return value;
    case 'referer':
      return reducedReferer(value, request.url);
    case 'origin':
      return sentOrigin(value, request);
    case 'authorization':
      return /^\s*(?:ntlm|negotiate)\b/i.test(value) ? undefined : value;
    case 'x-requested-with':
      return value.endsWith('HttpRequest') ? value : undefined;
    default:
      return key.startsWith('accept') ? undefined : value;
  }
}

/** One of Java's three values where exactly one kind is asked for, else as sent. */
function reducedAccept(value: string): string {
  const text = value.toLowerCase();
  const html = text.includes('text/html');
  const image = text.includes('image');
  const style = text.includes('text/css');
  if (html && !image && !style) return ACCEPT_HTML;
  if (image && !html && !style) return ACCEPT_IMAGE;
  if (style && !html && !image) return ACCEPT_STYLE;
  return value;
}

/**
 * Same scheme, host and port: path and query only, so that the local name stays here. Else nothing.
 * Values without a host are dropped as well: no browser sends them.
 */
function reducedReferer(value: string, url: RequestUrl): string | undefined {
  const referer = parseAbsolute(value);
  return referer.kind === 'url' && sameOrigin(referer.url, url) ? referer.url.path : undefined;
}

/** The site's own origin under the name that Host gives it, so that both agree; any other becomes `null`. */
function sentOrigin(value: string, request: SiteRequest): string {
  const origin = parseAbsolute(value);
  if (origin.kind !== 'url' || !sameOrigin(origin.url, request.url)) return 'null';
  return `http://${request.hostHeader}`;
}

function sameOrigin(a: RequestUrl, b: RequestUrl): boolean {
  return a.host === b.host && a.port === b.port;
}
