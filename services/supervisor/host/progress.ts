import type { SupervisorStatus } from '@allium/common/contracts/supervisor.ts';
import { progressLine } from './render.ts';

/** ms that a doubt must stand unchanged before a person is told: containers start, and are repaired, one by one. */
const DOUBT_MS = 6_000;

/** Tells a person how far it is: each step once, no step twice in a row. */
export class Progress {
  readonly #print: (line: string) => void;
  readonly #now: () => number;
  #told = '';
  #seen: { readonly line: string; readonly since: number } | undefined;
  /** it was open, and nobody has been told yet that it no longer is */
  #isOpen = false;

  constructor(print: (line: string) => void, now: () => number) {
    this.#print = print;
    this.#now = now;
  }

  see(status: SupervisorStatus): void {
    const line = progressLine(status);
    if (line === undefined) return;
    const now = this.#now();
    if (this.#seen?.line !== line) this.#seen = { line, since: now };
    const lasts = now - this.#seen.since >= DOUBT_MS;
    const isNews = status.stage !== 'blocked' || this.#isOpen || lasts;
    this.#isOpen = status.stage === 'open';
    if (line === this.#told || !isNews) return;
    this.#told = line;
    this.#print(line);
  }
}
