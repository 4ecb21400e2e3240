import { parseIp } from '@allium/common/net/ip-address.ts';

/** Bytes of a request target; node:http bounds the whole head, this bounds its first line. */
export const REQUEST_TARGET_MAX = 16 * 1024;

/** An `http://` URL in absolute form, cut into the parts that a proxy needs. */
export interface HttpTarget {
  readonly kind: 'http';
  /** as written, in lower case; not yet checked against the naming rules */
  readonly host: string;
  readonly port: number;
  /** begins with `/`; as written, without the fragment */
  readonly path: string;
}

export type RequestTarget =
  | HttpTarget
  /** not in absolute form, or not to be read at all: 400 */
  | { readonly kind: 'malformed'; readonly why: string }
  /** well-formed, but nothing that this proxy may fetch: 403 */
  | { readonly kind: 'forbidden'; readonly why: string };

/**
 * Reads the target of a request in absolute form (RFC 9112 3.2.2). User info and fragment are removed; the path
 * stays byte for byte as it was sent.
 */
export function parseHttpTarget(url: string): RequestTarget {
  if (url.length > REQUEST_TARGET_MAX) return { kind: 'malformed', why: 'The address is too long.' };
  if (!/^[\x21-\x7e]+$/.test(url)) return { kind: 'malformed', why: 'The address has forbidden characters.' };
  const parts = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)([^#]*)/i.exec(url);
  if (parts === null) {
    return { kind: 'malformed', why: 'A proxy needs the whole address, as in http://name.i2p/.' };
  }
  const [, scheme = '', authority = '', rest = ''] = parts;
  if (scheme.toLowerCase() !== 'http') {
    return { kind: 'forbidden', why: 'Only http:// addresses can be fetched here.' };
  }
  const where = parseAuthority(authority.replace(/^[^@]*@/, ''));
  if (where === undefined) return { kind: 'forbidden', why: 'The address has no valid host name or port.' };
  const path = rest.startsWith('/') ? rest : `/${rest}`;
  return {
    kind: 'http',
    host: where.host,
    port: where.port ?? 80,
    path,
  };
}

/** Reads the target of CONNECT: `host:port`, both present (RFC 9112 3.2.3). */
export function parseConnectTarget(
  url: string,
): { readonly host: string; readonly port: number } | undefined {
  const where = parseAuthority(url);
  return where?.port === undefined ? undefined : { host: where.host, port: where.port };
}

/** `host`, `host:port`, `[v6]:port`; the host in lower case. */
function parseAuthority(text: string): { host: string; port: number | undefined } | undefined {
  const parts = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(\d{1,5}))?$/i.exec(text);
  const host = parts?.[1]?.toLowerCase();
  if (host === undefined) return undefined;
  const port = parts?.[2] === undefined ? undefined : Number(parts[2]);
  if (port !== undefined && !(port >= 1 && port <= 65_535)) return undefined;
  return { host, port };
}

/** True for an IP address in any notation that a resolver might take for one: `127.1` and `0x7f000001` too. */
export function isAddressLiteral(host: string): boolean {
  if (host.startsWith('[') || host.includes(':') || parseIp(host) !== undefined) return true;
  return /^(?:0x[0-9a-f]*|\d+)(?:\.(?:0x[0-9a-f]*|\d+))*\.?$/i.test(host);
}

/** True for names and addresses of the machine itself or its neighbours. */
export function isLocalHost(host: string): boolean {
  return isAddressLiteral(host) || /^(?:.*\.)?(?:localhost|local|localdomain|internal|lan)\.?$/i.test(host);
}
