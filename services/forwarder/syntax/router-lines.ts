import type { Line } from './directive-kinds.ts';
import { parseEndpoint } from './endpoint.ts';
import type { Notes } from './notes.ts';

/** Where the I2P router is: paths of its two sockets. */
export interface RouterSettings {
  readonly streams: string;
  readonly names: string;
}

/** Who serves the visitors of one of the router's services. */
export interface ServiceSettings {
  /** as in the router's configuration */
  readonly name: string;
  /** of the Unix socket that it listens on */
  readonly path: string;
  readonly mode: 'http' | 'tcp';
  /** HTTP only: what Host says, in place of what the visitor sent */
  readonly host?: string;
}

const SERVICE_NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/;
/** A host with perhaps a port: what Host may say. */
const HOST = /^[A-Za-z0-9._-]{1,253}(?::\d{1,5})?$/;

/** Reads `allium-router STREAMS NAMES`. */
export function parseRouter({ words, ...line }: Line, notes: Notes): RouterSettings | undefined {
  const [streams, names] = words.map(socketPath);
  if (words.length === 2 && streams !== undefined && names !== undefined) return { streams, names };
  notes.refuse(line, 'allium-router needs unix:/… of streams.sock and unix:/… of names.sock');
  return undefined;
}

/** Reads `allium-service NAME unix:/PATH http|tcp [HOST]`. */
export function parseService({ words, ...line }: Line, notes: Notes): ServiceSettings | undefined {
  const [name = '', target = '', mode = '', host, ...more] = words;
  const path = socketPath(target);
  const why = serviceFault({ name, target, path, mode, host, more });
  if (why === undefined && path !== undefined && (mode === 'http' || mode === 'tcp')) {
    return { name, path, mode, ...(host === undefined ? {} : { host }) };
  }
  notes.refuse(line, `allium-service: ${why}`);
  return undefined;
}

interface ServiceWords {
  readonly name: string;
  readonly target: string;
  readonly path: string | undefined;
  readonly mode: string;
  readonly host: string | undefined;
  readonly more: readonly string[];
}

function serviceFault({ name, target, path, mode, host, more }: ServiceWords): string | undefined {
  if (!SERVICE_NAME.test(name)) return "needs the name of one of the router's services";
  if (path === undefined) {
    return target.startsWith('unix:') || target === ''
      ? 'needs unix:/… of the socket that the service listens on'
      : `"${target}" is no Unix socket: targets are Unix sockets until the firewall can open single addresses`;
  }
  if (mode !== 'http' && mode !== 'tcp') return 'needs http or tcp behind the socket';
  if (more.length > 0) return 'has too many words';
  if (host === undefined) return undefined;
  if (mode === 'tcp') return 'a Host is for http only';
  return HOST.test(host) ? undefined : `"${host}" is no host`;
}

function socketPath(text: string): string | undefined {
  if (!text.startsWith('unix:')) return undefined;
  const parsed = parseEndpoint(text, 0);
  return 'endpoint' in parsed && 'path' in parsed.endpoint ? parsed.endpoint.path : undefined;
}
