import { styleText } from 'node:util';

/** Lines for the person at the terminal: one per stage, no names and no addresses. */
export class Terminal {
  readonly #out: NodeJS.WritableStream;
  readonly #started = performance.now();
  #last = '';

  constructor(out: NodeJS.WritableStream = process.stdout) {
    this.#out = out;
  }

  /** One line, unless it says what the line before said. */
  stage(name: string, text: string): void {
    const line = `${name}: ${text}`;
    if (line === this.#last) return;
    this.#last = line;
    const seconds = ((performance.now() - this.#started) / 1000).toFixed(1).padStart(6);
    this.#out.write(`${styleText('dim', `${seconds} s`)}  ${styleText('bold', name.padEnd(8))} ${text}\n`);
  }
}
