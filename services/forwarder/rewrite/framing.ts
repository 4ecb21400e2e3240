import { type RawHeaders, tokensOf, valuesOf } from '../rules/raw-headers.ts';

/** How a body is delimited. */
export type Framing =
  | { readonly kind: 'none' }
  | { readonly kind: 'length'; readonly length: string }
  | { readonly kind: 'chunked' };

/** The framing, or undefined where two readers could disagree about it (RFC 9112 6.3). */
export function framingOf(headers: RawHeaders): Framing | undefined {
  const lengths = valuesOf(headers, 'content-length');
  if (valuesOf(headers, 'transfer-encoding').length > 0) {
    const codings = tokensOf(headers, 'transfer-encoding');
    return codings.length === 1 && codings[0] === 'chunked' && lengths.length === 0
      ? { kind: 'chunked' }
      : undefined;
  }
  const [length, second] = lengths;
  if (length === undefined) return { kind: 'none' };
  return second === undefined && /^\d{1,15}$/.test(length) ? { kind: 'length', length } : undefined;
}
