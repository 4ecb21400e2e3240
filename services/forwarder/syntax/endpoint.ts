import type { ListenAddress } from '@allium/common/lifecycle/listen.ts';

/** A parent proxy: TCP, or a Unix socket written `unix:/path` (our own form). */
export type Endpoint = ListenAddress;

export type ParsedEndpoint =
  | { readonly endpoint: Endpoint; readonly defaulted: boolean }
  | { readonly why: string };

/** `host[:port]`, `[v6][:port]` or `unix:/path`. Privoxy takes any text; here a wrong port is an error. */
export function parseEndpoint(text: string, defaultPort: number): ParsedEndpoint {
  if (text.startsWith('unix:')) {
    const path = text.slice('unix:'.length);
    return /^\/[\x21-\x7e]{1,100}$/.test(path)
      ? { endpoint: { path }, defaulted: false }
      : { why: `"${text}" needs an absolute path of a socket` };
  }
  const parts = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::(.*))?$/i.exec(text);
  const host = parts?.[1] ?? parts?.[2];
  if (host === undefined) return { why: `"${text}" is no host with a port` };
  const port = parts?.[3];
  if (port === undefined) return { endpoint: { host, port: defaultPort }, defaulted: true };
  if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65_535) {
    return { why: `"${port}" is no port` };
  }
  return { endpoint: { host, port: Number(port) }, defaulted: false };
}

export function endpointText(endpoint: Endpoint): string {
  if ('path' in endpoint) return `unix:${endpoint.path}`;
  return endpoint.host.includes(':')
    ? `[${endpoint.host}]:${endpoint.port}`
    : `${endpoint.host}:${endpoint.port}`;
}
