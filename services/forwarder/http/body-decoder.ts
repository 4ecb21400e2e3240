import type { AnswerFraming } from './framing.ts';

/** Bytes of a chunk's extensions, and of all trailers: both are read away. */
export const EXTENSION_MAX = 4 * 1024;
export const TRAILER_MAX = 16 * 1024;

/** Hexadecimal digits of a chunk's size, leading zeros included; the value stays below 2^52. */
const DIGITS_MAX = 13;

const [CR, LF, TAB, BLANK, SEMICOLON] = [0x0d, 0x0a, 0x09, 0x20, 0x3b];

/** A CR has come: behind a chunk's size, behind its data, behind a trailer, in the empty line at the end. */
type LineEnd = 'size-lf' | 'data-lf' | 'trailer-lf' | 'last-lf';

type State =
  | 'size'
  /** behind the digits: blanks, extensions */
  | 'extension'
  | 'data'
  | 'data-end'
  /** at the beginning of a line behind the last chunk */
  | 'trailer'
  | 'trailer-text'
  | LineEnd;

/**
 * Takes a body off a stream of bytes. Strict, for requests: CRLF and nothing else ends a line of the chunked coding.
 * Forgiving, for answers: LF will do, and blanks around a size.
 */
export class BodyDecoder {
  readonly #kind: AnswerFraming['kind'];
  readonly #strict: boolean;
  /** bytes of the body, or of the chunk, that are to come */
  #left: number;
  #state: State = 'size';
  #digits = 0;
  /** bytes of the extension or of the trailers so far */
  #aside = 0;
  #done: 'whole' | 'fault' | undefined;

  constructor(framing: AnswerFraming, strict: boolean) {
    this.#kind = framing.kind;
    this.#strict = strict;
    this.#left = framing.kind === 'length' ? framing.length : 0;
    if (framing.kind === 'none' || (framing.kind === 'length' && framing.length === 0)) this.#done = 'whole';
  }

  /** Undefined while more is to come. */
  get result(): 'whole' | 'fault' | undefined {
    return this.#done;
  }

  /** Adds the parts of `chunk` that are the body's to `out`, uncopied. Returns how many bytes it has used. */
  push(chunk: Buffer, out: Buffer[]): number {
    if (this.#done !== undefined || chunk.length === 0) return 0;
    switch (this.#kind) {
      case 'chunked':
        return this.#pushChunked(chunk, out);
      case 'until-close':
        out.push(chunk);
        return chunk.length;
      default: {
        const taken = Math.min(this.#left, chunk.length);
        this.#left -= taken;
        out.push(taken === chunk.length ? chunk : chunk.subarray(0, taken));
        if (this.#left === 0) this.#done = 'whole';
        return taken;
      }
    }
  }

  /** The stream is at its end. Returns whether the body was whole by then. */
  end(): boolean {
    if (this.#done !== undefined) return this.#done === 'whole';
    // Some servers leave out the empty line behind the last chunk.
    const whole = this.#kind === 'until-close' || (!this.#strict && this.#inTrailers());
    this.#done = whole ? 'whole' : 'fault';
    return whole;
  }

  #inTrailers(): boolean {
    return this.#state === 'trailer' || this.#state === 'last-lf';
  }

  #pushChunked(chunk: Buffer, out: Buffer[]): number {
    let at = 0;
    while (at < chunk.length && this.#done === undefined) {
      if (this.#state === 'data') {
        const taken = Math.min(this.#left, chunk.length - at);
        out.push(chunk.subarray(at, at + taken));
        at += taken;
        this.#left -= taken;
        if (this.#left === 0) this.#state = 'data-end';
      } else if (!this.#step(chunk[at++] as number)) {
        this.#done = 'fault';
      }
    }
    return at;
  }

  /** One byte between the data of two chunks; false when it may not stand there. */
  #step(byte: number): boolean {
    switch (this.#state) {
      case 'size':
        return this.#size(byte);
      case 'extension':
        if (byte === CR || byte === LF) return this.#lineEnd(byte, 'size-lf');
        return ++this.#aside <= EXTENSION_MAX && isText(byte);
      case 'data':
      case 'data-end':
        return this.#lineEnd(byte, 'data-lf');
      case 'trailer':
        if (byte === CR || byte === LF) return this.#lineEnd(byte, 'last-lf');
        this.#state = 'trailer-text';
        return ++this.#aside <= TRAILER_MAX && isText(byte);
      case 'trailer-text':
        if (byte === CR || byte === LF) return this.#lineEnd(byte, 'trailer-lf');
        return ++this.#aside <= TRAILER_MAX && isText(byte);
      default:
        return byte === LF && this.#ended(this.#state);
    }
  }

  #size(byte: number): boolean {
    const digit = hexDigit(byte);
    if (digit >= 0) {
      this.#left = this.#left * 16 + digit;
      return ++this.#digits <= DIGITS_MAX;
    }
    if (this.#digits === 0) return !this.#strict && isBlank(byte) && ++this.#aside <= EXTENSION_MAX;
    if (byte === SEMICOLON || (isBlank(byte) && !this.#strict)) {
      this.#state = 'extension';
      return true;
    }
    return this.#lineEnd(byte, 'size-lf');
  }

  /** CR, and then LF; LF alone where that will do. */
  #lineEnd(byte: number, then: LineEnd): boolean {
    if (byte === LF && !this.#strict) return this.#ended(then);
    this.#state = then;
    return byte === CR;
  }

  #ended(line: LineEnd): true {
    switch (line) {
      case 'size-lf':
        this.#state = this.#left === 0 ? 'trailer' : 'data';
        this.#aside = 0;
        break;
      case 'data-lf':
        this.#state = 'size';
        this.#digits = 0;
        break;
      case 'trailer-lf':
        this.#state = 'trailer';
        break;
      case 'last-lf':
        this.#done = 'whole';
        break;
    }
    return true;
  }
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

function isBlank(byte: number): boolean {
  return byte === BLANK || byte === TAB;
}

function isText(byte: number): boolean {
  return byte === TAB || (byte >= 0x20 && byte !== 0x7f);
}
