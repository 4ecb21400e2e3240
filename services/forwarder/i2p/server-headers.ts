import type { Framing } from '../http/framing.ts';
import { endsHere } from '../rewrite/hop-by-hop.ts';
import { pairsOf, type RawHeaders } from '../rules/raw-headers.ts';

/** Who opened a stream to a service of ours. */
export interface Visitor {
  /** SHA-256 of the Destination in I2P's Base64 */
  readonly hash: string;
  /** `<52>.b32.i2p` */
  readonly b32: string;
  /** the whole Destination */
  readonly base64: string;
}

export interface VisitorRequest {
  readonly method: string;
  readonly headers: RawHeaders;
  readonly visitor: Visitor;
  readonly framing: Framing;
  /** replaces Host, where the service wants another name */
  readonly host?: string;
  /** protocol of a wanted upgrade, as sent */
  readonly upgrade?: string;
}

const DROPPED = new Set(['x-accept-encoding', 'expect', 'content-length']);
/** Methods whose missing body is said as `Content-Length: 0` (RFC 9110 8.6). */
const METHODS_WITH_BODY = new Set(['POST', 'PUT', 'PATCH']);

/** The headers that a visitor's request has for the service; the X-I2P ones are our word alone. */
export function serviceRequestHeaders(request: VisitorRequest): string[] {
  const ends = endsHere(request.headers);
  const out: string[] = [];
  for (const [name, value] of pairsOf(request.headers)) {
    // CGI and its heirs read `_` and `-` as one: X_I2P_DestHash would pass for X-I2P-DestHash.
    const key = name.toLowerCase().replaceAll('_', '-');
    if (ends(key) || DROPPED.has(key) || key.startsWith('x-i2p-dest') || key.startsWith('proxy')) continue;
    out.push(name, key === 'host' && request.host !== undefined ? request.host : value);
  }
  out.push('X-I2P-DestHash', request.visitor.hash);
  out.push('X-I2P-DestB32', request.visitor.b32);
  out.push('X-I2P-DestB64', request.visitor.base64);
  out.push(...framingHeaders(request));
  if (request.upgrade === undefined) out.push('Connection', 'close');
  else out.push('Connection', 'Upgrade', 'Upgrade', request.upgrade);
  return out;
}

function framingHeaders({ method, framing }: VisitorRequest): string[] {
  switch (framing.kind) {
    case 'chunked':
      return ['Transfer-Encoding', 'chunked'];
    case 'length':
      return ['Content-Length', String(framing.length)];
    case 'none':
      return METHODS_WITH_BODY.has(method) ? ['Content-Length', '0'] : [];
  }
}

const SERVER_DROPPED = new Set(['server', 'date', 'x-powered-by', 'x-runtime']);

/** What a service says about its machine and clock is removed. */
export function serviceAnswerHeaders(headers: RawHeaders): string[] {
  const ends = endsHere(headers);
  const out: string[] = [];
  for (const [name, value] of pairsOf(headers)) {
    const key = name.toLowerCase();
    if (!ends(key) && !SERVER_DROPPED.has(key) && !key.startsWith('proxy')) out.push(name, value);
  }
  return out;
}
