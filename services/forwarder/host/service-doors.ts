import { createHash } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { toBase32, toBase64 } from '@allium/common/bytes/text.ts';
import { Framed } from '@allium/common/net/framed.ts';
import type { Counters } from '@allium/common/observe/counters.ts';
import type { Logger } from '@allium/common/observe/logger.ts';
import { bindVisitor, SocksFailure } from '@allium/common/socks/early-client.ts';
import { base32Name } from '../i2p/names.ts';
import type { Visitor } from '../i2p/server-headers.ts';
import type { ServiceSettings } from '../syntax/router-lines.ts';
import { tellFault } from './context.ts';
import { Service } from './service.ts';
import type { ServiceLimits } from './service-limits.ts';

/** Requests that wait for a visitor of one service at the same time: so many can come at once. */
const WAITING = 4;
/** Milliseconds until a request that failed is made again; doubled each time, up to the second. */
const AGAIN_MS = 500;
const AGAIN_MAX_MS = 15_000;

export interface ServiceDoorsParts {
  /** path of the router's `streams.sock` */
  readonly streams: string;
  readonly services: readonly ServiceSettings[];
  readonly counters: Counters;
  readonly logger: Logger;
  readonly limits?: Partial<ServiceLimits>;
}

/** Takes the visitors of the router's services, each to the service's Unix socket. */
export class ServiceDoors {
  readonly #parts: ServiceDoorsParts;
  readonly #services: readonly Service[];
  readonly #waiting = new Set<Socket>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #stopped = false;

  constructor(parts: ServiceDoorsParts) {
    this.#parts = parts;
    this.#services = parts.services.map((settings) => {
      const service = new Service(settings, parts.limits, {
        count: (what) => parts.counters.add(what),
        fault: (error) => tellFault(parts, error),
      });
      for (let count = 0; count < WAITING; count++) void this.#wait(settings.name, service);
      return service;
    });
  }

  /** Visitors' streams open now. */
  get open(): number {
    return this.#services.reduce((sum, service) => sum + service.open, 0);
  }

  stop(): void {
    this.#stopped = true;
    for (const timer of this.#timers) clearTimeout(timer);
    for (const socket of this.#waiting) socket.destroy();
    for (const service of this.#services) void service.stop();
  }

  /** One request for a visitor after the other. */
  async #wait(name: string, service: Service): Promise<void> {
    for (let pause = AGAIN_MS; !this.#stopped; ) {
      const socket = connect({ path: this.#parts.streams, allowHalfOpen: true });
      this.#waiting.add(socket);
      try {
        const { destination } = await bindVisitor(socket, { key: '', service: name, framed: true });
        this.#waiting.delete(socket);
        pause = AGAIN_MS;
        this.#parts.counters.add('visitor');
        service.accept({ stream: new Framed(socket).start(), visitor: visitorOf(destination) });
      } catch (error) {
        this.#waiting.delete(socket);
        socket.destroy();
        if (pause === AGAIN_MS) this.#tell(name, error);
        await this.#pause(pause);
        pause = Math.min(2 * pause, AGAIN_MAX_MS);
      }
    }
  }

  #tell(name: string, error: unknown): void {
    if (this.#stopped) return;
    const refusal =
      error instanceof SocksFailure && error.detail.code === 'refused' ? error.detail.refusal : undefined;
    this.#parts.counters.add('service-unbound');
    const { logger } = this.#parts;
    if (refusal === 'unknown-destination') logger.warn({ service: name }, 'the router has no such service');
    else logger.debug({ service: name, why: refusal ?? 'router gone' }, 'no visitors for now');
  }

  async #pause(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    this.#timers.add(timer);
    await promise;
    this.#timers.delete(timer);
  }
}

function visitorOf(destination: Uint8Array): Visitor {
  const hash = createHash('sha256').update(destination).digest();
  return { hash: toBase64(hash), b32: base32Name(toBase32(hash)), base64: toBase64(destination) };
}
