import type { SiteAnswerHead } from '../i2p/response-headers.ts';
import type { RawHeaders } from '../rules/raw-headers.ts';
import { absoluteUrl, type RequestUrl } from '../rules/request-url.ts';
import { dialEarly } from './early-way.ts';
import type { Site } from './i2p-sites.ts';
import { SITE_CLOSE_MS } from './limits.ts';
import type { ParentLink } from './parent-link.ts';
import { type DialLimits, dialRoute, earlyHop, type OpenRoute, routeKey } from './way.ts';
import type { Wire } from './wire.ts';

/** A connection that a request can be written to. */
export interface Opened {
  readonly wire: Wire;
  /** it has served a request before */
  readonly used: boolean;
  /** it may be written to before it stands; rejects with `StreamError`, or with `UpstreamError` */
  readonly opened?: Promise<void>;
}

/** How a request leaves: all that differs between parents and I2P. */
export interface Outlet {
  readonly path: string;
  /** whether the next hop is a proxy too */
  readonly toProxy: boolean;
  readonly headers: (kept: string[], upgrade?: string) => string[];
  /** throws `UpstreamError` */
  readonly open: () => Opened | Promise<Opened>;
  readonly finishHead: (headers: RawHeaders) => SiteAnswerHead;
  /** the answer was passed on whole; `keep`: the connection could serve again */
  readonly done: (keep: boolean) => void;
}

export function parentOutlet(
  link: ParentLink,
  route: OpenRoute,
  url: RequestUrl,
  limits: Omit<DialLimits, 'signal'>,
): Outlet {
  const key = routeKey(route, url);
  return {
    path: targetFor(route, url),
    toProxy: route.kind === 'http',
    headers: (kept) => kept,
    open: () => {
      const kept = link.reuse(key);
      return kept === undefined ? openNew(link, route, url, limits) : { wire: kept, used: true };
    },
    finishHead: (headers) => ({ headers, gunzip: false }),
    done: (keep) => {
      if (keep) link.keep(key);
      else link.drop();
    },
  };
}

function openNew(
  link: ParentLink,
  route: OpenRoute,
  url: RequestUrl,
  limits: Omit<DialLimits, 'signal'>,
): Opened | Promise<Opened> {
  const early = earlyHop(route, url, limits);
  if (early === undefined) return dialNew(link, route, url, limits);
  link.drop();
  const { wire, opened } = dialEarly(early.socks, early.to, limits);
  return { wire: link.adopt(wire), used: false, opened };
}

async function dialNew(
  link: ParentLink,
  route: OpenRoute,
  url: RequestUrl,
  limits: Omit<DialLimits, 'signal'>,
): Promise<Opened> {
  const wire = await link.open((signal) => dialRoute(route, url, { ...limits, signal }));
  return { wire, used: false };
}

/** Absolute form to a proxy; origin form to a site. */
function targetFor(route: OpenRoute, url: RequestUrl): string {
  return route.kind === 'http' ? absoluteUrl(url) : url.path;
}

/** One stream for one request. It is opened with what is written at once: the head, and as much of the body as is there. */
export function siteOutlet(link: ParentLink, site: Site): Outlet {
  return {
    path: site.path,
    toProxy: false,
    headers: site.headers,
    open: () => {
      link.drop();
      const { wire, opened } = site.open();
      return { wire: link.adopt(wire), used: false, opened };
    },
    finishHead: site.finishHead,
    done: () => endSoon(link.handOver()),
  };
}

/** Destroying a stream resets it: a site that closes by itself gets the time for it. */
function endSoon(wire: Wire | undefined): void {
  if (wire === undefined || wire.socket.destroyed) return;
  wire.finish();
  const timer = setTimeout(() => wire.destroy(), SITE_CLOSE_MS);
  timer.unref();
  wire.socket.once('close', () => clearTimeout(timer));
}
