import { createHash } from 'node:crypto';
import { done, relaysAnswer } from '@allium/common/contracts/uplink.ts';
import { ask } from '@allium/common/unix-json/ask.ts';

/** A list from Tor that is older says nothing any more, ms: Tor may be busy, but not for ever. */
const STALE_MS = 30_000;

/** The uplink on its control socket: which relays it may reach, and that somebody watches. */
export class UplinkClient {
  readonly #socket: string;
  #list: string | undefined;
  #askedAt = Number.NEGATIVE_INFINITY;
  #leased = false;

  constructor(socket: string) {
    this.#socket = socket;
  }

  /** What Tor said last; undefined: it does not answer. */
  remember(list: string | undefined): void {
    const now = performance.now();
    if (list !== undefined) {
      this.#list = list;
      this.#askedAt = now;
    } else if (now - this.#askedAt > STALE_MS) this.#list = undefined;
  }

  /** How many relays there are; undefined while they are not known. */
  get relays(): number | undefined {
    if (this.#list === undefined) return undefined;
    return this.#list === '' ? 0 : this.#list.split('\n').length;
  }

  get relaySet(): ReadonlySet<string> {
    return new Set(this.#list?.split('\n'));
  }

  /** Has the uplink the list? It is sent if not. False when it does not answer or does not take it. */
  async offer(): Promise<boolean> {
    const list = this.#list;
    if (list === undefined) return false;
    const schema = { schema: relaysAnswer };
    try {
      const held = await ask(this.#socket, 'GET /relays', undefined, schema);
      if (held.relays === digestOf(list)) return true;
      const taken = await ask(this.#socket, 'POST /relays', { list }, schema);
      return taken.relays === digestOf(list);
    } catch {
      return false;
    }
  }

  /** A look has found nothing in doubt: for the next seconds the uplink may carry. False when it did not take it. */
  async renew(): Promise<boolean> {
    this.#leased = true;
    return await this.#tell('POST /lease', { relays: digestOf(this.#list ?? '') });
  }

  /** Cuts what it carries, at once; one that does not hear it ends by itself when the lease does. */
  async close(): Promise<void> {
    if (this.#leased && (await this.#tell('POST /close', {}))) this.#leased = false;
  }

  async #tell(route: string, body: unknown): Promise<boolean> {
    return await ask(this.#socket, route, body, { schema: done }).then(
      () => true,
      () => false,
    );
  }
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
