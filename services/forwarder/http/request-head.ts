import { type Framing, requestFraming } from './framing.ts';
import { type HeadLimits, HeadLines } from './head-lines.ts';
import { METHODS } from './methods.ts';
import { addTokens, TOKEN, trimBlanks } from './text.ts';

export interface RequestHead {
  readonly method: string;
  /** as written; bytes above 0x7f are percent-encoded */
  readonly target: string;
  readonly minor: 0 | 1;
  /** raw: name, value, name, value … in the order of the wire */
  readonly headers: readonly string[];
  readonly framing: Framing;
  /** the options of `Connection`, in lower case */
  readonly connection: readonly string[];
  /** what `Expect` says; HTTP/1.0 expects nothing (RFC 9110 10.1.1) */
  readonly expects: 'nothing' | 'continue' | 'unknown';
}

/** Why a head is refused: 400, 400 for its framing, 414, 431. */
export type RequestFault = 'invalid' | 'framing' | 'line-too-long' | 'too-large';

const LINE = /^([A-Z-]+) ([\x21-\x7e\x80-\xff]+) HTTP\/1\.([01])$/;

/** Reads one head, strictly: whatever two readers could understand in two ways is refused. */
export class RequestReader {
  readonly #limits: HeadLimits;
  readonly #lines: HeadLines;
  readonly #headers: string[] = [];
  readonly #connection: string[] = [];
  readonly #lengths: string[] = [];
  #codings: string[] | undefined;
  #expects: string | undefined;
  #hosts = 0;
  #line: { readonly method: string; readonly target: string; readonly minor: 0 | 1 } | undefined;
  #done: RequestHead | RequestFault | undefined;

  constructor(limits: HeadLimits) {
    this.#limits = limits;
    this.#lines = new HeadLines(true, limits);
  }

  /** Undefined while the head is not whole. */
  get result(): RequestHead | RequestFault | undefined {
    return this.#done;
  }

  /** Whether more than empty lines has come. */
  get begun(): boolean {
    return this.#line !== undefined || this.#lines.inLine;
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
    if (fault !== undefined) this.#done ??= fault === 'bytes' ? 'invalid' : fault;
    return used;
  }

  #take(line: string): RequestHead | RequestFault | undefined {
    if (this.#line === undefined) return this.#takeFirst(line);
    if (line === '') return this.#whole(this.#line);
    const colon = line.indexOf(':');
    const name = line.slice(0, colon < 0 ? 0 : colon);
    // A blank in front of the name or of the colon is no token character (RFC 9112 5.1, 5.2).
    if (!TOKEN.test(name)) return 'invalid';
    if (this.#headers.length >= 2 * this.#limits.headers) return 'too-large';
    const value = trimBlanks(line.slice(colon + 1));
    this.#headers.push(name, value);
    this.#note(name, value);
    return undefined;
  }

  #takeFirst(line: string): RequestFault | undefined {
    // RFC 9112 2.2: an empty line in front of a request is ignored.
    if (line === '') return undefined;
    this.#lines.endFirstLine();
    const [, method = '', target = '', minor] = LINE.exec(line) ?? [];
    if (!METHODS.has(method)) return 'invalid';
    this.#line = { method, target: percentEncoded(target), minor: minor === '1' ? 1 : 0 };
    return undefined;
  }

  #note(name: string, value: string): void {
    switch (name.toLowerCase()) {
      case 'host':
        this.#hosts++;
        break;
      case 'connection':
        addTokens(value, this.#connection);
        break;
      case 'content-length':
        this.#lengths.push(value);
        break;
      case 'transfer-encoding':
        this.#codings ??= [];
        addTokens(value, this.#codings);
        break;
      case 'expect':
        this.#expects = value;
        break;
    }
  }

  #whole(line: {
    readonly method: string;
    readonly target: string;
    readonly minor: 0 | 1;
  }): RequestHead | RequestFault {
    if (this.#hosts > 1) return 'invalid';
    const framing = requestFraming({ lengths: this.#lengths, codings: this.#codings }, line.minor);
    if (framing === undefined) return 'framing';
    return {
      ...line,
      headers: this.#headers,
      framing,
      connection: this.#connection,
      expects: line.minor === 0 ? 'nothing' : expectationOf(this.#expects),
    };
  }
}

function expectationOf(value: string | undefined): RequestHead['expects'] {
  if (value === undefined) return 'nothing';
  return value.toLowerCase() === '100-continue' ? 'continue' : 'unknown';
}

/** What curl and old browsers send as it was typed (RFC 3986 2.1). */
function percentEncoded(target: string): string {
  return target.replaceAll(/[\x80-\xff]/g, (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase()}`);
}
