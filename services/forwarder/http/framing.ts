/** How a body is delimited. */
export type Framing =
  | { readonly kind: 'none' }
  | { readonly kind: 'length'; readonly length: number }
  | { readonly kind: 'chunked' };

/** Of an answer: the end of the connection may be its end. */
export type AnswerFraming = Framing | { readonly kind: 'until-close' };

export const NO_BODY = { kind: 'none' } as const;
export const CHUNKED = { kind: 'chunked' } as const;
export const UNTIL_CLOSE = { kind: 'until-close' } as const;

/** What the headers of a message say about its body, as they came. */
export interface Delimiters {
  /** of `Content-Length` */
  readonly lengths: readonly string[];
  /** of `Transfer-Encoding`, in lower case, or undefined where there is no such header */
  readonly codings: readonly string[] | undefined;
}

/** Fifteen digits are less than 2^53. */
const LENGTH = /^\d{1,15}$/;

/** The framing of a request, or undefined where two readers could disagree about it (RFC 9112 6.3). */
export function requestFraming({ lengths, codings }: Delimiters, minor: 0 | 1): Framing | undefined {
  if (codings !== undefined) {
    // RFC 9112 6.1: HTTP/1.0 knows no codings.
    const chunked = minor === 1 && codings.length === 1 && codings[0] === 'chunked' && lengths.length === 0;
    return chunked ? CHUNKED : undefined;
  }
  const [length, second] = lengths;
  if (length === undefined) return NO_BODY;
  return second === undefined && LENGTH.test(length) ? { kind: 'length', length: Number(length) } : undefined;
}

/** The framing of an answer that has a body; undefined where nobody can tell where it ends (RFC 9112 6.3). */
export function answerFraming({ lengths, codings }: Delimiters): AnswerFraming | undefined {
  const [only, more] = lengths;
  // What nearly every answer says.
  if (codings === undefined && only !== undefined && more === undefined && LENGTH.test(only))
    return { kind: 'length', length: Number(only) };
  // "identity" meant nothing and is gone since RFC 7230; some servers still say it. Said twice is said once.
  const said = new Set(codings?.filter((coding) => coding !== 'identity'));
  if (said.size > 0) {
    // With a length beside it, it may be an answer in an answer.
    return said.size === 1 && said.has('chunked') && lengths.length === 0 ? CHUNKED : undefined;
  }
  const values = new Set(lengths.flatMap((value) => value.split(',').map((part) => part.trim())));
  const [length, second] = values;
  if (length === undefined) return UNTIL_CLOSE;
  return second === undefined && LENGTH.test(length) ? { kind: 'length', length: Number(length) } : undefined;
}
