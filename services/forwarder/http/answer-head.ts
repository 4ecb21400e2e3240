import { type AnswerFraming, answerFraming, NO_BODY } from './framing.ts';
import { type HeadLimits, HeadLines } from './head-lines.ts';
import { addTokens, isBlank, TOKEN, trimBlanks } from './text.ts';

export interface AnswerHead {
  readonly status: number;
  readonly reason: string;
  readonly minor: 0 | 1;
  /** raw, repaired: name, value, name, value … in the order of the wire; one Content-Length at most */
  readonly headers: readonly string[];
  readonly framing: AnswerFraming;
  /** whether the connection may be used again when the body has come */
  readonly keep: boolean;
}

/** Why an answer is refused. */
export type AnswerFault =
  /** not HTTP, or with a byte in it that somebody could take for an end */
  | 'invalid'
  /** nobody can tell where its body ends */
  | 'framing'
  | 'too-large';

/** SHOUTcast says ICY; the reason may be missing, and blanks more than one. */
const LINE = /^(?:HTTP\/1\.(\d)|ICY)[ \t]+([1-9]\d\d)(?:[ \t]+(.*)|[ \t]*)$/i;

/**
 * Reads one head as people's servers write them. What can be read in one way only is repaired: a bare LF, a blank in
 * front of a colon, folded lines (RFC 9112 2.2, 5.1, 5.2); lines that are no headers are left out.
 */
export class AnswerReader {
  readonly #method: string;
  readonly #limits: HeadLimits;
  readonly #lines: HeadLines;
  readonly #headers: string[] = [];
  /** the line before was no header */
  #skipped = true;
  #line: { readonly status: number; readonly reason: string; readonly minor: 0 | 1 } | undefined;
  #done: AnswerHead | AnswerFault | undefined;

  /** @param method of the request: the answer to HEAD has no body */
  constructor(method: string, limits: HeadLimits) {
    this.#method = method;
    this.#limits = limits;
    this.#lines = new HeadLines(false, limits);
  }

  /** Undefined while the head is not whole. */
  get result(): AnswerHead | AnswerFault | undefined {
    return this.#done;
  }

  /** Whether anything has come yet. */
  get begun(): boolean {
    return this.#lines.bytes > 0;
  }

  /** Returns how many bytes were the head's. Once there is a result it takes none. */
  push(chunk: Buffer): number {
    if (this.#done !== undefined) return 0;
    this.#lines.feed(chunk);
    while (this.#done === undefined) {
      const line = this.#lines.next();
      if (line === undefined) break;
      this.#done = this.#take(line);
    }
    const { fault, used } = this.#lines;
    if (fault !== undefined) this.#done ??= fault === 'bytes' ? 'invalid' : 'too-large';
    return used;
  }

  #take(line: string): AnswerHead | AnswerFault | undefined {
    if (this.#line === undefined) return this.#takeFirst(line);
    if (line === '') return this.#whole(this.#line);
    if (isBlank(line.charCodeAt(0))) {
      this.#unfold(line);
      return undefined;
    }
    const colon = line.indexOf(':');
    const name = trimBlanks(line.slice(0, colon < 0 ? 0 : colon));
    this.#skipped = !TOKEN.test(name);
    if (this.#skipped) return undefined;
    if (this.#headers.length >= 2 * this.#limits.headers) return 'too-large';
    this.#headers.push(name, trimBlanks(line.slice(colon + 1)));
    return undefined;
  }

  #takeFirst(line: string): AnswerFault | undefined {
    // Left over from the body before.
    if (line === '') return undefined;
    this.#lines.endFirstLine();
    const parts = LINE.exec(line);
    if (parts === null) return 'invalid';
    const [, minor = '0', status, reason = ''] = parts;
    this.#line = { status: Number(status), reason: trimBlanks(reason), minor: minor === '0' ? 0 : 1 };
    return undefined;
  }

  /** A folded line belongs to the header before; in front of all headers it is none (RFC 9112 2.2). */
  #unfold(line: string): void {
    const more = trimBlanks(line);
    if (this.#skipped || more === '') return;
    const last = this.#headers.length - 1;
    const before = this.#headers[last] ?? '';
    this.#headers[last] = before === '' ? more : `${before} ${more}`;
  }

  #whole(line: {
    readonly status: number;
    readonly reason: string;
    readonly minor: 0 | 1;
  }): AnswerHead | AnswerFault {
    const lengths: string[] = [];
    const connection: string[] = [];
    let codings: string[] | undefined;
    for (let at = 0; at < this.#headers.length; at += 2) {
      const value = this.#headers[at + 1] ?? '';
      switch (this.#headers[at]?.toLowerCase()) {
        case 'content-length':
          lengths.push(value);
          break;
        case 'transfer-encoding':
          codings ??= [];
          addTokens(value, codings);
          break;
        case 'connection':
          addTokens(value, connection);
          break;
      }
    }
    const { status, minor } = line;
    const said = answerFraming({ lengths, codings });
    const framing = this.#method === 'HEAD' || hasNoBody(status) ? NO_BODY : said;
    if (framing === undefined) return 'framing';
    const stays = minor === 1 ? !connection.includes('close') : connection.includes('keep-alive');
    // RFC 9112 6.1: HTTP/1.0 knows no codings, so whoever wrote it may have meant something else.
    const doubtful = codings !== undefined && minor === 0;
    return {
      ...line,
      headers: withOneLength(this.#headers, lengths, said),
      framing,
      keep: stays && !doubtful && framing.kind !== 'until-close',
    };
  }
}

/** RFC 9110 15: informational answers, No Content and Not Modified. */
export function hasNoBody(status: number): boolean {
  return status < 200 || status === 204 || status === 304;
}

/** `5, 5` and twice `5` are 5; where no length counts there is none. */
function withOneLength(
  headers: readonly string[],
  lengths: readonly string[],
  said: AnswerFraming | undefined,
): readonly string[] {
  const length = said?.kind === 'length' ? String(said.length) : undefined;
  if (lengths.length === 0 || (lengths.length === 1 && lengths[0] === length)) return headers;
  const out: string[] = [];
  let left = length;
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const [name = '', value = ''] = [headers[at], headers[at + 1]];
    if (name.toLowerCase() !== 'content-length') {
      out.push(name, value);
    } else if (left !== undefined) {
      out.push(name, left);
      left = undefined;
    }
  }
  return out;
}
