import type { DestHash } from '../wire/hash.ts';
import { type BodyFraming, framingHeaders } from './body-framing.ts';
import { hopByHopTest, pairsOf, type RawHeaders } from './http-list.ts';

/** Who opened a stream to us. */
export interface RemoteDestination {
  readonly hash: DestHash;
  /** `<52>.b32.i2p` */
  readonly b32: string;
  /** the whole Destination */
  readonly base64: string;
}

export interface TunnelRequest {
  readonly method: string;
  readonly headers: RawHeaders;
  readonly remote: RemoteDestination;
  readonly framing: BodyFraming;
  /** replaces Host, where the local server wants another name */
  readonly host?: string;
  /** protocol of a wanted upgrade, as sent */
  readonly upgrade?: string;
}

const DROPPED = new Set(['x-accept-encoding', 'expect', 'content-length']);

/** The headers that a server tunnel hands to the local server; the X-I2P ones are the tunnel's word alone. */
export function tunnelRequestHeaders(request: TunnelRequest): string[] {
  const endsHere = hopByHopTest(request.headers);
  const out: string[] = [];
  for (const [name, value] of pairsOf(request.headers)) {
    // CGI and its heirs read `_` and `-` as one: X_I2P_DestHash would pass for X-I2P-DestHash.
    const key = name.toLowerCase().replaceAll('_', '-');
    if (endsHere(key) || DROPPED.has(key) || key.startsWith('x-i2p-dest')) continue;
    out.push(name, key === 'host' && request.host !== undefined ? request.host : value);
  }
  out.push('X-I2P-DestHash', request.remote.hash);
  out.push('X-I2P-DestB32', request.remote.b32);
  out.push('X-I2P-DestB64', request.remote.base64);
  out.push(...framingHeaders(request.method, request.framing));
  if (request.upgrade === undefined) out.push('Connection', 'close');
  else out.push('Connection', 'Upgrade', 'Upgrade', request.upgrade);
  return out;
}
