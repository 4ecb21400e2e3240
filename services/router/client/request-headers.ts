import { type BodyFraming, framingHeaders } from './body-framing.ts';
import { hopByHopTest, pairsOf, type RawHeaders, valuesOf } from './http-list.ts';
import { type HttpTarget, parseHttpTarget } from './request-target.ts';

/** What every I2P HTTP proxy sends: to differ would stand out. */
const USER_AGENT = 'MYOB/6.66 (AN/ON)';

/** Asks Java's server tunnels for their own compression, and the site behind them for none. */
const X_ACCEPT_ENCODING = 'x-i2p-gzip;q=1.0, identity;q=0.5, deflate;q=0, gzip;q=0, *;q=0';

/** Java's three Accept values; a browser's own list would tell its make. */
const ACCEPT_HTML = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';
const ACCEPT_IMAGE = 'image/webp,image/apng,image/*,*/*;q=0.8';
const ACCEPT_STYLE = 'text/css,*/*;q=0.1';

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
  // set anew from the framing of the request
  'content-length',
]);

/** `x-i2p-`: only a server tunnel may set them. `sec-ch-`: client hints, a user agent in pieces. */
const DROPPED_PREFIXES = ['x-forwarded-', 'x-i2p-', 'sec-ch-'];

export interface SiteRequest {
  readonly method: string;
  /** the URL as the browser asked for it */
  readonly target: HttpTarget;
  readonly headers: RawHeaders;
  /** what takes the place of the name in Host and Origin: `<52>.b32.i2p` */
  readonly hostHeader: string;
  readonly framing: BodyFraming;
  /** protocol of a wanted upgrade, as sent */
  readonly upgrade?: string;
}

/** The headers that go to the site: nothing that tells one browser from another. */
export function requestHeaders(request: SiteRequest): string[] {
  const endsHere = hopByHopTest(request.headers);
  // HTTP/1.0 may come without Host; what leaves is HTTP/1.1, which needs one.
  const out = valuesOf(request.headers, 'host').length > 0 ? [] : ['Host', request.hostHeader];
  for (const [name, value] of pairsOf(request.headers)) {
    const key = name.toLowerCase();
    if (endsHere(key)) continue;
    const sent = sentValue(key, value, request);
    if (sent !== undefined) out.push(name, sent);
  }
  out.push(...framingHeaders(request.method, request.framing));
  out.push('X-Accept-Encoding', X_ACCEPT_ENCODING, 'User-Agent', USER_AGENT);
  if (request.upgrade === undefined) out.push('Connection', 'close');
  else out.push('Connection', 'Upgrade', 'Upgrade', request.upgrade);
  return out;
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
      return reducedReferer(value, request.target);
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
function reducedReferer(value: string, target: HttpTarget): string | undefined {
  const referer = parseHttpTarget(value);
  return referer.kind === 'http' && sameOrigin(referer, target) ? referer.path : undefined;
}

/** The site's own origin under the name that Host gives it, so that both agree; any other becomes `null`. */
function sentOrigin(value: string, request: SiteRequest): string {
  const origin = parseHttpTarget(value);
  if (origin.kind !== 'http' || !sameOrigin(origin, request.target)) return 'null';
  return `http://${request.hostHeader}`;
}

function sameOrigin(a: HttpTarget, b: HttpTarget): boolean {
  return a.host === b.host && a.port === b.port;
}
