/** Bytes of a request's target. */
export const REQUEST_TARGET_MAX = 16 * 1024;

/** A request target, cut into the parts that rules look at. */
export interface RequestUrl {
  readonly scheme: 'http' | 'connect';
  /** lower case, without user info and final dot; IPv6 without brackets */
  readonly host: string;
  readonly port: number;
  /** path and query as written, without the fragment; begins with `/` */
  readonly path: string;
  /** host and port as written, without user info: what Host must say */
  readonly authority: string;
}

export type ParsedTarget =
  | { readonly kind: 'url'; readonly url: RequestUrl }
  /** Privoxy answers these two schemes with a text of their own */
  | { readonly kind: 'ftp' | 'gopher' | 'malformed' | 'too-long' };

/** Reads a target in absolute form (RFC 9112 3.2.2). */
export function parseAbsolute(target: string): ParsedTarget {
  if (target.length > REQUEST_TARGET_MAX) return { kind: 'too-long' };
  if (!/^[\x21-\x7e]+$/.test(target)) return { kind: 'malformed' };
  const parts = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)([^#]*)/i.exec(target);
  const scheme = parts?.[1]?.toLowerCase();
  if (scheme === 'ftp' || scheme === 'gopher') return { kind: scheme };
  // Some readers take a backslash for a slash, and would find another host.
  if (parts === null || scheme !== 'http' || parts[2]?.includes('\\')) return { kind: 'malformed' };
  const rest = parts[3] ?? '';
  return urlOf('http', (parts[2] ?? '').replace(/^[^@]*@/, ''), 80, rest.startsWith('/') ? rest : `/${rest}`);
}

/** Reads the target of CONNECT: `host[:port]`; Privoxy's default is 443. */
export function parseConnect(target: string): ParsedTarget {
  if (target.length > REQUEST_TARGET_MAX) return { kind: 'too-long' };
  return urlOf('connect', target, 443, '/');
}

/** Reads a path that came through a tunnel to `authority`. */
export function parseOrigin(target: string, authority: string): ParsedTarget {
  if (target.length > REQUEST_TARGET_MAX) return { kind: 'too-long' };
  if (!/^\/[\x21-\x7e]*$/.test(target)) return { kind: 'malformed' };
  return urlOf('http', authority, 80, target.replace(/#.*$/, ''));
}

function urlOf(scheme: RequestUrl['scheme'], authority: string, port: number, path: string): ParsedTarget {
  const parts = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::(\d{1,5}))?$/i.exec(authority);
  const written = (parts?.[1] ?? parts?.[2])?.toLowerCase();
  const number = parts?.[3] === undefined ? port : Number(parts[3]);
  const host = written?.replace(/\.$/, '');
  if (host === undefined || !hasLabels(host) || number < 1 || number > 65_535) return { kind: 'malformed' };
  return { kind: 'url', url: { scheme, host, port: number, path, authority } };
}

/** No empty label: `a..i2p` would be one name to a pattern and another to a resolver. */
function hasLabels(host: string): boolean {
  return host !== '' && host.length <= 255 && host.split('.').every((label) => label !== '');
}

export function isI2pHost(host: string): boolean {
  return host === 'i2p' || host.endsWith('.i2p');
}

export function absoluteUrl(url: RequestUrl): string {
  return `http://${url.authority}${url.path}`;
}
