import type { Duplex } from 'node:stream';
import type { Stop } from '@allium/common/lifecycle/lifecycle.ts';
import { VISITOR_LIMITS, type VisitorLimits, Visitors, type VisitorsOutput } from '../../client/visitors.ts';
import type { Destination } from '../../wire/destination.ts';

/** A stream that somebody opened to one of our services. */
export interface Visit {
  readonly stream: Duplex;
  readonly visitor: Destination;
  /** the port that he asked for */
  readonly port: number;
}

/** Somebody who waits for a visitor. */
export interface VisitRequest {
  serve(visit: Visit): void;
  /** too many wait already */
  busy(): void;
}

interface Desk {
  /** the service's own Base32 name */
  readonly base32Name: string;
  readonly visitors: Visitors<Visit, VisitRequest>;
  timer: NodeJS.Timeout | undefined;
}

/** The services that are published, and who waits for their visitors. Nothing of it logs: visitors are theirs. */
export class ServiceDesk {
  readonly #limits: VisitorLimits;
  readonly #now: () => number;
  readonly #desks = new Map<string, Desk>();
  readonly #visits = new Set<Visit>();

  constructor(now: () => number, limits: Partial<VisitorLimits> = {}) {
    this.#now = now;
    this.#limits = { ...VISITOR_LIMITS, ...limits };
  }

  open(service: string, base32Name: string): void {
    this.#desks.set(service, { base32Name, visitors: new Visitors(this.#limits), timer: undefined });
  }

  /** The service's own Base32 name; undefined when there is no such service. */
  nameOf(service: string): string | undefined {
    return this.#desks.get(service)?.base32Name;
  }

  /** Counts only: visitors that are here or wait, and requests that wait, of all services. */
  get status(): { readonly visitors: number; readonly requests: number } {
    const desks = [...this.#desks.values()];
    const requests = desks.reduce((sum, desk) => sum + desk.visitors.waiting.requests, 0);
    return { visitors: desks.reduce((sum, desk) => sum + desk.visitors.open, 0), requests };
  }

  /** Takes the stream over; one that is over the limits, or that nobody asks for in time, is reset. */
  arrive(service: string, visit: Visit): void {
    const desk = this.#desks.get(service);
    const { stream, visitor } = visit;
    stream.on('error', () => {});
    if (desk === undefined || stream.destroyed) return void stream.destroy();
    this.#visits.add(visit);
    stream.once('close', () => {
      this.#visits.delete(visit);
      desk.visitors.left(visit);
    });
    this.#follow(desk, desk.visitors.arrive(visit, visitor.hash, this.#now()));
  }

  /** Waits for a visitor; the function withdraws the request. Undefined when there is no such service. */
  ask(service: string, request: VisitRequest): (() => void) | undefined {
    const desk = this.#desks.get(service);
    if (desk === undefined) return undefined;
    this.#follow(desk, desk.visitors.ask(request));
    return () => desk.visitors.withdraw(request);
  }

  /** Resets every visitor; later ones are reset at once. */
  readonly stop: Stop = () => {
    for (const desk of this.#desks.values()) clearTimeout(desk.timer);
    this.#desks.clear();
    for (const { stream } of this.#visits) stream.destroy();
  };

  #follow(desk: Desk, outputs: readonly VisitorsOutput<Visit, VisitRequest>[]): void {
    for (const output of outputs) {
      switch (output.kind) {
        case 'join':
          output.request.serve(output.visitor);
          break;
        case 'reset':
          output.visitor.stream.destroy();
          break;
        case 'busy':
          output.request.busy();
          break;
        case 'wake':
          this.#wake(desk, output.at);
          break;
      }
    }
  }

  /** All wait equally long, so the timer that runs is always the earliest. */
  #wake(desk: Desk, at: number): void {
    desk.timer ??= setTimeout(() => {
      desk.timer = undefined;
      this.#follow(desk, desk.visitors.tick(this.#now()));
    }, at - this.#now());
  }
}
