/** A text that many expressions are tried on. Each character is a byte; there is no line feed in it. */
export class Subject {
  readonly text: string;
  #small: string | undefined;

  constructor(text: string) {
    this.text = text;
  }

  /** The text in small letters. */
  get small(): string {
    this.#small ??= smallLetters(this.text);
    return this.#small;
  }
}

/** Like Privoxy's expressions, for ASCII letters only; the length stays. */
export function smallLetters(text: string): string {
  const small = text.toLowerCase();
  return /[\x80-\xff]/.test(text) ? text.replaceAll(/[A-Z]+/g, (run) => run.toLowerCase()) : small;
}
