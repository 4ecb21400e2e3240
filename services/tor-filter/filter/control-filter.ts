import { concatBytes } from '@allium/common/bytes/compare.ts';
import { FILTERED, judgeCommand, type Question, type Verdict, valueIn } from './commands.ts';

/** Bytes of a line, as onion-grater has it. */
export const LINE_MAX = 10 * 1024;
/** Commands that a client may send at once, and how many more each second. */
export const BURST = 100;
export const PER_SECOND = 20;

export type FilterInput =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  /** undefined: Tor did not answer */
  | { readonly kind: 'answer'; readonly text: string | undefined };

export type FilterOutput =
  | { readonly kind: 'send'; readonly text: string }
  /** the client is not read until `answer` came */
  | { readonly kind: 'ask'; readonly question: Question }
  | { readonly kind: 'count'; readonly what: 'allowed' | 'filtered' }
  | { readonly kind: 'close'; readonly reason: 'quit' | 'long-line' | 'too-fast' | 'multi-line' };

const NOT_REACHABLE = '551 Tor does not answer\r\n';

/** One controller at the filtered control port; one command after the other. */
export class ControlFilter {
  #held: Uint8Array = new Uint8Array(0);
  #waiting: Extract<Verdict, { kind: 'ask' }> | undefined;
  #closed = false;
  #credit = BURST;
  #creditAt: number | undefined;

  step(input: FilterInput, now: number): FilterOutput[] {
    if (this.#closed) return [];
    const out: FilterOutput[] = [];
    if (input.kind === 'bytes') this.#held = concatBytes(this.#held, input.bytes);
    else this.#answer(input.text, out);
    while (this.#waiting === undefined && !this.#closed) {
      const line = this.#nextLine(out);
      if (line === undefined) break;
      this.#serve(line, now, out);
    }
    return out;
  }

  #nextLine(out: FilterOutput[]): string | undefined {
    const end = this.#held.indexOf(0x0a);
    if ((end < 0 ? this.#held.length : end) > LINE_MAX) this.#close('long-line', out);
    if (end < 0 || this.#closed) return undefined;
    const line = Buffer.from(this.#held.subarray(0, end)).toString('latin1');
    this.#held = this.#held.subarray(end + 1);
    return line.replace(/\r$/, '');
  }

  #serve(line: string, now: number, out: FilterOutput[]): void {
    if (line.trim() === '') return;
    if (!this.#afford(now)) return this.#close('too-fast', out);
    // Data follows, line by line, that must not be taken for commands.
    if (line.startsWith('+')) {
      out.push({ kind: 'send', text: FILTERED }, { kind: 'count', what: 'filtered' });
      return this.#close('multi-line', out);
    }
    const verdict = judgeCommand(line);
    out.push({ kind: 'count', what: verdict.kind === 'filtered' ? 'filtered' : 'allowed' });
    switch (verdict.kind) {
      case 'ask':
        this.#waiting = verdict;
        out.push({ kind: 'ask', question: verdict.question });
        return;
      case 'say':
        out.push({ kind: 'send', text: verdict.text });
        return;
      case 'filtered':
        out.push({ kind: 'send', text: FILTERED });
        return;
      case 'end':
        out.push({ kind: 'send', text: verdict.text });
        return this.#close('quit', out);
    }
  }

  #answer(text: string | undefined, out: FilterOutput[]): void {
    const asked = this.#waiting;
    if (asked === undefined) return;
    this.#waiting = undefined;
    const value = text === undefined ? undefined : valueIn(asked.question, text);
    out.push({ kind: 'send', text: value === undefined ? NOT_REACHABLE : asked.say(value) });
  }

  #afford(now: number): boolean {
    const passed = Math.max(0, now - (this.#creditAt ?? now));
    this.#creditAt = now;
    this.#credit = Math.min(BURST, this.#credit + (passed * PER_SECOND) / 1_000);
    if (this.#credit < 1) return false;
    this.#credit--;
    return true;
  }

  #close(reason: Extract<FilterOutput, { kind: 'close' }>['reason'], out: FilterOutput[]): void {
    this.#closed = true;
    this.#held = new Uint8Array(0);
    out.push({ kind: 'close', reason });
  }
}
