import { type ListenAddress, parseListenAddress } from '@allium/common/net/listen-address.ts';
import type { Line } from './directive-kinds.ts';
import { type Endpoint, parseEndpoint } from './endpoint.ts';
import type { Notes } from './notes.ts';

/** A SOCKS port of ours: names below .i2p go to the router, all else to `tor`; without it that is refused. */
export interface SocksDoorSettings {
  readonly listen: ListenAddress;
  readonly tor?: Endpoint;
}

/** Reads `allium-socks LISTEN TOR-PARENT`; a dot for the parent refuses everything but .i2p. */
export function parseSocksDoor({ words, ...line }: Line, notes: Notes): SocksDoorSettings | undefined {
  const [listenText = '', torText = ''] = words;
  const listen = parseListenAddress(listenText);
  if (words.length !== 2 || listen === undefined || ('port' in listen && listen.port === 0)) {
    notes.refuse(
      line,
      'allium-socks needs an address with a port, and the SOCKS parent of what is not .i2p or "."',
    );
    return undefined;
  }
  const tor = torText === '.' ? undefined : parent(torText);
  if (typeof tor === 'string') {
    notes.refuse(line, `allium-socks: ${tor}`);
    return undefined;
  }
  return { listen, ...(tor === undefined ? {} : { tor }) };
}

/** A string says what is wrong. */
function parent(text: string): Endpoint | string {
  const parsed = parseEndpoint(text, 0);
  if ('why' in parsed) return parsed.why;
  return parsed.defaulted ? `"${text}" needs a port` : parsed.endpoint;
}
