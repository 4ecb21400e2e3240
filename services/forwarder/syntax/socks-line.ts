import { type ListenAddress, parseListenAddress } from '@allium/common/net/listen-address.ts';
import type { Line } from './directive-kinds.ts';
import { type Endpoint, parseEndpoint } from './endpoint.ts';
import type { Notes } from './notes.ts';

/** A SOCKS port of ours: where names in .i2p go, and where all else goes; without `tor` that is refused. */
export interface SocksDoorSettings {
  readonly listen: ListenAddress;
  readonly i2p: Endpoint;
  readonly tor?: Endpoint;
}

/** Reads `allium-socks LISTEN I2P-PARENT TOR-PARENT`; a dot for the last refuses everything but .i2p. */
export function parseSocksDoor({ words, ...line }: Line, notes: Notes): SocksDoorSettings | undefined {
  const [listenText = '', i2pText = '', torText = ''] = words;
  const listen = parseListenAddress(listenText);
  if (words.length !== 3 || listen === undefined || ('port' in listen && listen.port === 0)) {
    notes.refuse(
      line,
      'allium-socks needs an address with a port, a parent for .i2p and one for the rest or "."',
    );
    return undefined;
  }
  const i2p = parent(i2pText);
  const tor = torText === '.' ? undefined : parent(torText);
  for (const found of [i2p, tor]) {
    if (typeof found === 'string') notes.refuse(line, `allium-socks: ${found}`);
  }
  if (typeof i2p === 'string' || typeof tor === 'string') return undefined;
  return { listen, i2p, ...(tor === undefined ? {} : { tor }) };
}

/** A string says what is wrong. */
function parent(text: string): Endpoint | string {
  const parsed = parseEndpoint(text, 0);
  if ('why' in parsed) return parsed.why;
  return parsed.defaulted ? `"${text}" needs a port` : parsed.endpoint;
}
