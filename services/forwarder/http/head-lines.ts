/** Bounds of one head. */
export interface HeadLimits {
  /** bytes in all, line ends included */
  readonly bytes: number;
  /** bytes of the first line, its end included */
  readonly firstLine: number;
  readonly headers: number;
}

export type LineFault =
  /** a byte that may not stand there, or a line that ends otherwise than it must */
  'bytes' | 'line-too-long' | 'too-large';

const [PLAIN, CR, LF, NEVER] = [0, 1, 2, 3] as const;

/** RFC 9110 5.5: tab, visible characters and bytes above 0x7f; everything else is a fault. */
const STRICT = Uint8Array.from({ length: 256 }, (_, byte) => {
  if (byte === 0x0d) return CR;
  if (byte === 0x0a) return LF;
  return byte === 0x09 || (byte >= 0x20 && byte !== 0x7f) ? PLAIN : NEVER;
});
/** Only NUL ends it: what reads the text next may take it for the end of a string. */
const FORGIVING = Uint8Array.from({ length: 256 }, (_, byte) => {
  if (byte === 0x0a) return LF;
  return byte === 0 ? NEVER : PLAIN;
});

const NOTHING = Buffer.alloc(0);

/**
 * Cuts the bytes of a head into lines of Latin-1 text without their ends, each byte being looked at once. Strict: lines
 * end with CRLF and with nothing else. Forgiving: LF ends a line, with or without a CR; a CR elsewhere becomes a blank
 * (RFC 9112 2.2).
 */
export class HeadLines {
  readonly #strict: boolean;
  readonly #limits: HeadLimits;
  #left: number;
  #firstLine: number;
  #chunk: Buffer = NOTHING;
  #at = 0;
  /** what has come of a line */
  #begun = '';
  #cr = false;
  #fault: LineFault | undefined;

  constructor(strict: boolean, limits: HeadLimits) {
    this.#strict = strict;
    this.#limits = limits;
    this.#left = limits.bytes;
    this.#firstLine = limits.firstLine;
  }

  /** Once there is one, no more lines come. */
  get fault(): LineFault | undefined {
    return this.#fault;
  }

  /** How much of the last chunk has been used. */
  get used(): number {
    return this.#at;
  }

  /** Bytes since the beginning of the head. */
  get bytes(): number {
    return this.#limits.bytes - this.#left;
  }

  /** Whether a part of a line has come. */
  get inLine(): boolean {
    return this.#begun !== '';
  }

  feed(chunk: Buffer): void {
    this.#chunk = chunk;
    this.#at = 0;
  }

  /** The next line of what was fed; undefined when there is none yet, or never will be. */
  next(): string | undefined {
    if (this.#fault !== undefined) return undefined;
    const [chunk, classes, begin] = [this.#chunk, this.#strict ? STRICT : FORGIVING, this.#at];
    const stop = Math.min(chunk.length, begin + Math.min(this.#left, this.#firstLine));
    let cr = this.#cr;
    for (let at = begin; at < stop; at++) {
      const kind = classes[chunk[at] as number];
      if (kind === PLAIN && !cr) continue;
      if (kind === LF && (cr || !this.#strict)) return this.#line(begin, at + 1);
      if (kind === CR && !cr) {
        cr = true;
      } else {
        this.#take(begin, at);
        this.#fault = 'bytes';
        return undefined;
      }
    }
    this.#begun += chunk.toString('latin1', begin, stop);
    this.#cr = cr;
    this.#take(begin, stop);
    if (this.#firstLine === 0) this.#fault = 'line-too-long';
    else if (this.#left === 0) this.#fault = 'too-large';
    return undefined;
  }

  /** The first line is behind us: only the whole has a bound from here on. */
  endFirstLine(): void {
    this.#firstLine = Number.POSITIVE_INFINITY;
  }

  #take(begin: number, end: number): void {
    this.#at = end;
    this.#left -= end - begin;
    this.#firstLine -= end - begin;
  }

  #line(begin: number, end: number): string {
    let text = this.#begun + this.#chunk.toString('latin1', begin, end - 1);
    if (text.endsWith('\r')) text = text.slice(0, -1);
    this.#begun = '';
    this.#cr = false;
    this.#take(begin, end);
    return this.#strict || !text.includes('\r') ? text : text.replaceAll('\r', ' ');
  }
}
