import { Agent, type ClientRequestArgs } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { RequestUrl } from '../rules/request-url.ts';
import { readyForHttp } from './dial.ts';
import { type DialLimits, dialRoute, type OpenRoute, routeKey } from './way.ts';

/** Requests of one client connection that wait for the one before them. */
export const PIPELINE_MAX = 16;

class RouteAgent extends Agent {
  readonly #dial: () => Promise<Socket>;

  constructor(dial: () => Promise<Socket>, idleMs: number) {
    super({ maxSockets: 1, maxFreeSockets: 1, ...(idleMs > 0 ? { keepAlive: true, timeout: idleMs } : {}) });
    this.#dial = dial;
  }

  override createConnection(
    _options: ClientRequestArgs,
    callback?: (error: Error | null, stream: Duplex) => void,
  ): undefined {
    this.#dial()
      .then(readyForHttp)
      .then(
        (socket) => callback?.(null, socket),
        (error: unknown) => callback?.(error as Error, undefined as unknown as Duplex),
      );
    return undefined;
  }
}

/** What is kept for one connection of a client: its place in line, and its one connection to a parent. */
export class ClientLink {
  /** host that a tunnel to port 80 was opened for; requests in it are in origin form */
  readonly tunnelTo: string | undefined;
  /** the connection ends after the answer that is under way; what comes behind it is not read */
  closing = false;
  /** a response has begun */
  #waiting = 0;
  #tail: Promise<void> = Promise.resolve();
  #agent: { readonly key: string; readonly agent: Agent } | undefined;

  constructor(tunnelTo?: string) {
    this.tunnelTo = tunnelTo;
  }

  get waiting(): number {
    return this.#waiting;
  }

  /** Runs the requests of one connection one after the other. */
  inLine(work: () => Promise<void>): Promise<void> {
    this.#waiting++;
    this.#tail = this.#tail.then(work).finally(() => {
      this.#waiting--;
    });
    return this.#tail;
  }

  /** The agent for a route; a connection that leads elsewhere is given up, as Privoxy does. */
  agentFor(route: OpenRoute, url: RequestUrl, limits: DialLimits, idleMs: number): Agent {
    const key = routeKey(route, url);
    if (this.#agent?.key === key) return this.#agent.agent;
    this.#agent?.agent.destroy();
    const agent = new RouteAgent(() => dialRoute(route, url, limits), idleMs);
    this.#agent = { key, agent };
    return agent;
  }

  end(): void {
    this.closing = true;
    this.#agent?.agent.destroy();
    this.#agent = undefined;
  }
}
