import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

/** Counts the requests that are under way on each connection. */
export class PendingRequests {
  readonly #counts = new WeakMap<Duplex, number>();

  on(connection: Duplex): number {
    return this.#counts.get(connection) ?? 0;
  }

  /** Counts one until its response is closed; then `onLast` runs if no other is left. Gives the new count. */
  begin(connection: Duplex, res: ServerResponse, onLast?: () => void): number {
    const count = this.on(connection) + 1;
    this.#counts.set(connection, count);
    res.once('close', () => {
      const left = this.on(connection) - 1;
      this.#counts.set(connection, left);
      if (left === 0) onLast?.();
    });
    return count;
  }
}
