import { isIP } from 'node:net';
import type { ListenAddress } from '@allium/common/net/listen-address.ts';

/** A parent proxy: TCP, or a Unix socket written `unix:/path` (our own form). */
export type Endpoint = ListenAddress;

export type ParsedEndpoint =
  | { readonly endpoint: Endpoint; readonly defaulted: boolean }
  | { readonly why: string };

/**
 * `address[:port]`, `[v6][:port]` or `unix:/path`. Privoxy takes any text; here a wrong port is an error, and so is a name:
 * there is no resolver where this runs, and whoever answered for one would see all that is sent to the parent.
 */
export function parseEndpoint(text: string, defaultPort: number): ParsedEndpoint {
  if (text.startsWith('unix:')) {
    const path = text.slice('unix:'.length);
    return /^\/[\x21-\x7e]{1,100}$/.test(path)
      ? { endpoint: { path }, defaulted: false }
      : { why: `"${text}" needs an absolute path of a socket` };
  }
  const parts = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::(.*))?$/i.exec(text);
  const written = parts?.[1] ?? parts?.[2];
  if (written === undefined) return { why: `"${text}" is no address with a port` };
  const host = written.toLowerCase() === 'localhost' ? '127.0.0.1' : written;
  const port = parts?.[3];
  if (port !== undefined && (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65_535)) {
    return { why: `"${port}" is no port` };
  }
  if (isIP(host) === 0)
    return { why: `"${written}" is a name: a parent is given by its address or as unix:/path` };
  return { endpoint: { host, port: Number(port ?? defaultPort) }, defaulted: port === undefined };
}

export function endpointText(endpoint: Endpoint): string {
  if ('path' in endpoint) return `unix:${endpoint.path}`;
  return endpoint.host.includes(':')
    ? `[${endpoint.host}]:${endpoint.port}`
    : `${endpoint.host}:${endpoint.port}`;
}
