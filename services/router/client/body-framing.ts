import { type RawHeaders, tokensOf, valuesOf } from './http-list.ts';

/** How the body of a request is delimited, after node:http has parsed it. */
export type BodyFraming =
  | { readonly kind: 'none' }
  | { readonly kind: 'length'; readonly length: string }
  | { readonly kind: 'chunked' };

/** Methods whose missing body is said as `Content-Length: 0` (RFC 9110 8.6). */
const METHODS_WITH_BODY = new Set(['POST', 'PUT', 'PATCH']);

/** The framing, or `undefined` where two readers could disagree about it (RFC 9112 6.3). */
export function bodyFraming(headers: RawHeaders): BodyFraming | undefined {
  const encodings = valuesOf(headers, 'transfer-encoding');
  const lengths = valuesOf(headers, 'content-length');
  if (encodings.length > 0) {
    const coding = tokensOf(headers, 'transfer-encoding');
    return coding.length === 1 && coding[0] === 'chunked' && lengths.length === 0
      ? { kind: 'chunked' }
      : undefined;
  }
  const [length, second] = lengths;
  if (length === undefined) return { kind: 'none' };
  return second === undefined && /^\d{1,15}$/.test(length) ? { kind: 'length', length } : undefined;
}

/** The one header that says `framing` to the next hop; none where there is no body to speak of. */
export function framingHeaders(method: string, framing: BodyFraming): string[] {
  switch (framing.kind) {
    case 'chunked':
      return ['Transfer-Encoding', 'chunked'];
    case 'length':
      return ['Content-Length', framing.length];
    case 'none':
      return METHODS_WITH_BODY.has(method) ? ['Content-Length', '0'] : [];
  }
}
