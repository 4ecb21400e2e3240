import { readFile, stat } from 'node:fs/promises';
import type { Stop } from '@allium/common/lifecycle/lifecycle.ts';
import type { Counters } from '@allium/common/observe/counters.ts';
import { parseRelayList } from '../connect/relay-list.ts';

/** How often the file is looked at, ms. */
const POLL_MS = 2_000;
/** bytes; some 16,000 addresses */
const MAX_BYTES = 4 * 1024 * 1024;

const NOBODY: ReadonlySet<string> = new Set();

/**
 * The relays of a file that somebody else replaces now and then. Until it can be read nobody may be reached; a file
 * that turns bad changes nothing and is counted.
 */
export class RelayFile {
  readonly #path: string;
  readonly #counters: Counters;
  #relays = NOBODY;
  #seen = '';
  #timer: NodeJS.Timeout | undefined;

  constructor(path: string, counters: Counters) {
    this.#path = path;
    this.#counters = counters;
  }

  get relays(): ReadonlySet<string> {
    return this.#relays;
  }

  async start(): Promise<{ stop: Stop }> {
    await this.#look();
    this.#timer = setInterval(() => void this.#look(), POLL_MS);
    return { stop: () => clearInterval(this.#timer) };
  }

  async #look(): Promise<void> {
    try {
      const { mtimeMs, size, ino } = await stat(this.#path);
      const seen = `${mtimeMs}/${size}/${ino}`;
      if (seen === this.#seen) return;
      if (size > MAX_BYTES) throw new RangeError('relay list too large');
      this.#relays = parseRelayList(await readFile(this.#path, 'utf8'));
      this.#seen = seen;
      this.#counters.add('relays-read');
    } catch {
      this.#counters.add('relays-unreadable');
    }
  }
}
