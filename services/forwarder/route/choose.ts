import type { ActionSet } from '../rules/actions.ts';
import { matchesUrl } from '../rules/match-url.ts';
import { isI2pHost, type RequestUrl } from '../rules/request-url.ts';
import { type Endpoint, endpointText } from '../syntax/endpoint.ts';
import {
  type ForwardRule,
  isDirect,
  isTor,
  parseWay,
  type SocksParent,
  type Way,
} from '../syntax/forward-line.ts';
import { Notes } from '../syntax/notes.ts';

export type Route =
  /** to the router */
  | { readonly kind: 'i2p' }
  | { readonly kind: 'http'; readonly parent: Endpoint; readonly socks?: SocksParent }
  | { readonly kind: 'socks'; readonly socks: SocksParent }
  /** straight to a loopback address; `host` is one, not a name */
  | { readonly kind: 'loopback'; readonly host: string }
  /** no rule, or a direct rule for something else than loopback: Privoxy would go out */
  | { readonly kind: 'none' };

/**
 * A `+forward-override` beats all rules; else the last rule that fits. Unlike Privoxy, no rule means no way: the
 * request is refused. And a name in .i2p never goes to Tor, which could only tell an exit: what leads there takes
 * everything else, as people mean whose last line is `forward-socks5t / 127.0.0.1:9050 .`.
 */
export function chooseRoute(url: RequestUrl, rules: readonly ForwardRule[], actions?: ActionSet): Route {
  const override = actions?.value('forward-override');
  if (override !== undefined) {
    const [name = '', ...words] = override.trim().split(/\s+/);
    const way = parseWay(name, words, { file: '', line: 0 }, new Notes());
    if (way === undefined) return { kind: 'none' };
    if (!isForbidden(way, url)) return routeOf(way, url);
  }
  const rule = rules.findLast(({ pattern, way }) => !isForbidden(way, url) && matchesUrl(pattern, url));
  return rule === undefined ? { kind: 'none' } : routeOf(rule.way, url);
}

/** Whether a name may not go this way, whatever a rule says. */
export function isForbidden(way: Way, url: RequestUrl): boolean {
  return isTor(way) && isI2pHost(url.host);
}

function routeOf(way: Way, url: RequestUrl): Route {
  if (way.i2p === true) return { kind: 'i2p' };
  if (way.http !== undefined) {
    return { kind: 'http', parent: way.http, ...(way.socks === undefined ? {} : { socks: way.socks }) };
  }
  if (way.socks !== undefined) return { kind: 'socks', socks: way.socks };
  const host = loopbackAddress(url.host);
  return isDirect(way) && host !== undefined ? { kind: 'loopback', host } : { kind: 'none' };
}

/** The address for a loopback host; nothing is ever looked up. */
function loopbackAddress(host: string): string | undefined {
  if (host === 'localhost') return '127.0.0.1';
  return host === '::1' || /^127(?:\.(?:\d|[1-9]\d|1\d\d|2[0-4]\d|25[0-5])){3}$/.test(host)
    ? host
    : undefined;
}

/** For pages and logs; without user and password. */
export function routeText(route: Route): string {
  switch (route.kind) {
    case 'i2p':
      return 'the I2P router';
    case 'http':
      return route.socks === undefined
        ? `HTTP parent ${endpointText(route.parent)}`
        : `HTTP parent ${endpointText(route.parent)} through SOCKS ${route.socks.version} ${endpointText(route.socks.endpoint)}`;
    case 'socks':
      return `SOCKS ${route.socks.version} ${endpointText(route.socks.endpoint)}`;
    case 'loopback':
      return 'this machine';
    case 'none':
      return 'refused: no forward rule fits';
  }
}
