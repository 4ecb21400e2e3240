import type { Duplex } from 'node:stream';
import type { Stop } from '@allium/common/lifecycle/lifecycle.ts';
import { ClientCounts } from '@allium/common/net/client-counts.ts';
import { splice } from '@allium/common/net/splice.ts';
import type { Visitor } from '../i2p/server-headers.ts';
import type { ServiceSettings } from '../syntax/router-lines.ts';
import { dialEndpoint } from './dial.ts';
import { LOCAL_SERVICE_MS } from './limits.ts';
import { serveVisitor } from './service-http.ts';
import { SERVICE_LIMITS, type ServiceLimits } from './service-limits.ts';
import { ServiceVisit, visitorTerms } from './service-visit.ts';
import { Turn } from './turn.ts';
import type { Terms } from './visit.ts';
import { Watch } from './watch.ts';

/** A stream that somebody opened to a service of ours. */
export interface Arrival {
  readonly stream: Duplex;
  readonly visitor: Visitor;
}

/** What is heard of a service: Destinations of visitors are theirs, and in none of it. */
export interface Told {
  readonly count: (what: string) => void;
  readonly fault: (error: unknown) => void;
}

const NOBODY: Told = { count: () => {}, fault: () => {} };

/** Leads visitors to a service on a Unix socket. */
export class Service {
  readonly #settings: ServiceSettings;
  readonly #limits: ServiceLimits;
  readonly #told: Told;
  readonly #terms: Terms;
  readonly #streams = new Set<Duplex>();
  readonly #counts: ClientCounts;
  readonly #watch: Watch;
  #stopped = false;

  constructor(settings: ServiceSettings, limits: Partial<ServiceLimits> = {}, told = NOBODY) {
    this.#settings = settings;
    this.#limits = { ...SERVICE_LIMITS, ...limits };
    this.#told = told;
    this.#terms = visitorTerms(this.#limits, told.count);
    const { streams: total, streamsPerVisitor: perClient } = this.#limits;
    this.#counts = new ClientCounts({ perClient, total });
    const { headMs, keepAliveMs, idleMs, closeMs } = this.#limits;
    this.#watch = Watch.forLimits([headMs, keepAliveMs, idleMs, closeMs]);
  }

  /** Streams open now. */
  get open(): number {
    return this.#streams.size;
  }

  /** Takes the stream over; one that is over the limits is reset at once. */
  accept({ stream, visitor }: Arrival): void {
    stream.on('error', () => {});
    const leave = stream.destroyed || this.#stopped ? undefined : this.#counts.enter(visitor.hash);
    if (leave === undefined) {
      stream.destroy();
      return;
    }
    this.#streams.add(stream);
    stream.once('close', () => {
      leave();
      this.#streams.delete(stream);
    });
    if (this.#settings.mode === 'tcp') void this.#relay(stream);
    else void this.#serve(stream, visitor);
  }

  /** Resets every stream; later ones are refused. */
  readonly stop: Stop = () => {
    this.#stopped = true;
    for (const stream of this.#streams) stream.destroy();
  };

  async #serve(stream: Duplex, visitor: Visitor): Promise<void> {
    const { path, host: hostHeader } = this.#settings;
    const visit = new ServiceVisit(stream, this.#terms, visitor, { path, hostHeader });
    this.#watch.add(visit);
    stream.once('close', () => this.#watch.delete(visit));
    try {
      await visit.run((asked) => serveVisitor(new Turn(visit, asked)));
    } catch (error) {
      this.#told.fault(error);
      stream.destroy();
    }
  }

  async #relay(stream: Duplex): Promise<void> {
    try {
      const local = await dialEndpoint({ path: this.#settings.path }, { timeoutMs: LOCAL_SERVICE_MS });
      await splice(stream, local, this.#limits.tunnelIdleMs);
    } catch {
      stream.destroy();
    }
  }
}
