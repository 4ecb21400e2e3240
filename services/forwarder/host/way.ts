import type { Socket } from 'node:net';
import type { Route } from '../route/choose.ts';
import type { RequestUrl } from '../rules/request-url.ts';
import { endpointText } from '../syntax/endpoint.ts';
import type { SocksParent } from '../syntax/forward-line.ts';
import { dialEndpoint, dialSocks, type Hop } from './dial.ts';
import { asUpstreamError } from './upstream-error.ts';

export type I2pRoute = Extract<Route, { kind: 'i2p' }>;
export type OpenRoute = Exclude<Route, { kind: 'none' } | I2pRoute>;

export interface DialLimits {
  readonly timeoutMs: number;
  /** address of the workstation */
  readonly client: string;
  /** `forwarded-connect-retries` */
  readonly retries: number;
  /** the client is gone */
  readonly signal?: AbortSignal;
}

/** Opens the connection that requests for `url` go over. Throws `UpstreamError`. */
export async function dialRoute(route: OpenRoute, url: RequestUrl, limits: DialLimits): Promise<Socket> {
  for (let left = limits.retries; ; left--) {
    try {
      return await dialOnce(route, url, limits);
    } catch (error) {
      const failure = asUpstreamError(error);
      if (left <= 0 || failure.code === 'timeout' || limits.signal?.aborted === true) throw failure;
    }
  }
}

function dialOnce(route: OpenRoute, url: RequestUrl, limits: DialLimits): Promise<Socket> {
  if (route.kind === 'loopback') return dialEndpoint({ host: route.host, port: url.port }, limits);
  if (route.kind === 'socks') return dialSocks(route.socks, { host: url.host, port: url.port }, limits);
  if (route.socks === undefined) return dialEndpoint(route.parent, limits);
  return dialSocks(route.socks, tcpParent(route), limits);
}

/**
 * Where a request may go out behind the SOCKS request, before there is an answer: `forward-socks5t`, as in Privoxy. With
 * retries it would go out twice.
 */
export function earlyHop(
  route: OpenRoute,
  url: RequestUrl,
  { retries }: DialLimits,
): { readonly socks: SocksParent; readonly to: Hop } | undefined {
  const socks = 'socks' in route ? route.socks : undefined;
  if (socks?.version !== '5t' || retries > 0) return undefined;
  return { socks, to: route.kind === 'http' ? tcpParent(route) : { host: url.host, port: url.port } };
}

/** Two requests with the same key may use one connection, one after the other. */
export function routeKey(route: OpenRoute, url: RequestUrl): string {
  const socks = 'socks' in route ? route.socks : undefined;
  const through = socks === undefined ? '' : `${socks.user ?? ''}@${endpointText(socks.endpoint)}>`;
  return `${through}${route.kind === 'http' ? endpointText(route.parent) : `${url.host}:${url.port}`}`;
}

function tcpParent(route: Extract<OpenRoute, { kind: 'http' }>): Hop {
  if ('path' in route.parent) throw new RangeError('a Unix socket behind SOCKS');
  return route.parent;
}
