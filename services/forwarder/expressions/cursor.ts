/** Why an expression cannot be taken; caught where expressions are compiled. */
export class ExpressionFault extends Error {}

export function fault(why: string): never {
  throw new ExpressionFault(why);
}

/** Reads a text from left to right. */
export class Cursor {
  readonly text: string;
  at = 0;

  constructor(text: string) {
    this.text = text;
  }

  get ended(): boolean {
    return this.at >= this.text.length;
  }

  /** The next character; empty at the end. */
  get next(): string {
    return this.text[this.at] ?? '';
  }

  /** Takes this text if it comes next. */
  take(text: string): boolean {
    if (!this.text.startsWith(text, this.at)) return false;
    this.at += text.length;
    return true;
  }

  /** Takes what a sticky expression finds here. */
  match(sticky: RegExp): RegExpExecArray | undefined {
    sticky.lastIndex = this.at;
    const found = sticky.exec(this.text);
    if (found === null) return undefined;
    this.at += found[0].length;
    return found;
  }

  /** Takes one character and gives its byte value. */
  byte(): number {
    const code = this.text.charCodeAt(this.at++);
    if (!(code <= 0xff)) fault('a character that is no byte');
    return code;
  }
}
