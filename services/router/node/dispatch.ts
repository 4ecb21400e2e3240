import { DecodeError } from '@allium/common/bytes/errors.ts';
import { Counters } from '@allium/common/observe/counters.ts';
import { decodeBody } from '../i2np/body.ts';
import type { GarlicClove } from '../i2np/clove.ts';
import { I2NP_TYPE, type I2npMessage } from '../i2np/message.ts';
import { openForRouter } from '../i2np/router-garlic.ts';
import { routerHash } from '../wire/hash.ts';
import type { RouterKeys } from '../wire/router-keys.ts';
import { clovesOf, type Queries } from './queries.ts';
import type { Routes, Source } from './routes.ts';

/** A message that expired longer ago than this (ms) is dropped: clocks differ, Tor is slow. */
const EXPIRY_TOLERANCE = 60_000;

export interface DispatchParts {
  readonly routes: Routes;
  readonly queries: Queries;
  readonly keys: RouterKeys;
  /** whether garlic cloves may travel on through us: simulated networks only */
  readonly transit: boolean;
}

/**
 * What messages for this router do, by type and by the way they came. A message that its way does not entitle to
 * anything is counted and dropped: nobody can reach the NetDB or a tunnel through somebody else's door.
 */
export class Dispatch {
  readonly counters = new Counters();
  readonly #parts: DispatchParts;

  constructor(parts: DispatchParts) {
    this.#parts = parts;
  }

  /** `now` in ms. Never throws for what a peer sent. */
  message(message: I2npMessage, source: Source, now: number): void {
    if (message.expires + EXPIRY_TOLERANCE < now) return this.counters.add('expired');
    try {
      this.#byType(message, source, now);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.counters.add(`bad-${error.detail.structure}-${error.code}`);
    }
  }

  #byType(message: I2npMessage, source: Source, now: number): void {
    switch (message.type) {
      case I2NP_TYPE.tunnelData:
      case I2NP_TYPE.tunnelGateway:
        if (source.kind !== 'session') return this.#refuse(message, source);
        return this.#parts.routes.tunnel({ kind: 'message', from: source.from, message }, now);
      case I2NP_TYPE.shortTunnelBuild: {
        if (source.kind === 'tunnel') return this.#refuse(message, source);
        const from = source.kind === 'session' ? source.from : undefined;
        return this.#parts.routes.tunnel({ kind: 'message', from, message }, now);
      }
      case I2NP_TYPE.garlic:
        if (source.kind === 'clove') return this.#refuse(message, source);
        return this.#garlic(message, now);
      case I2NP_TYPE.databaseStore:
      case I2NP_TYPE.databaseSearchReply:
      case I2NP_TYPE.databaseLookup:
      case I2NP_TYPE.deliveryStatus:
        return this.#netdb(message, source, now);
      default:
        return this.#refuse(message, source);
    }
  }

  #netdb(message: I2npMessage, source: Source, now: number): void {
    const { routes } = this.#parts;
    const body = decodeBody(message);
    const query = source.kind === 'clove' && source.query !== undefined ? { query: source.query } : {};
    const from = source.kind === 'session' ? { from: source.from } : {};
    switch (body.kind) {
      case 'databaseStore':
        return routes.netdb({ kind: 'store', body, ...from, ...query }, now);
      case 'databaseSearchReply':
        return routes.netdb({ kind: 'searchReply', body, ...query }, now);
      case 'databaseLookup':
        return routes.netdb({ kind: 'databaseLookup', body }, now);
      case 'deliveryStatus':
        return routes.netdb({ kind: 'deliveryStatus', token: body.messageId }, now);
      default:
        return this.#refuse(message, source);
    }
  }

  #garlic(message: I2npMessage, now: number): void {
    const body = decodeBody(message);
    if (body.kind !== 'garlic') return;
    const answer = this.#parts.queries.open(body.data, now);
    if (answer) {
      for (const clove of answer.cloves) this.#clove(clove, { kind: 'clove', query: answer.query }, now);
      return;
    }
    const payload = openForRouter(this.#parts.keys, body.data);
    if (!payload) return this.counters.add('garlic-unknown');
    for (const clove of clovesOf(payload)) this.#clove(clove, { kind: 'clove' }, now);
  }

  #clove({ delivery, message }: GarlicClove, source: Source, now: number): void {
    if (delivery.kind === 'local') return this.message(message, source, now);
    if (!this.#parts.transit || delivery.kind === 'destination') {
      return this.counters.add(`clove-${delivery.kind}`);
    }
    const tunnelId = delivery.kind === 'tunnel' ? delivery.tunnelId : undefined;
    this.#parts.queries.forward({ router: routerHash(delivery.hash), tunnelId }, message, now);
  }

  #refuse(message: I2npMessage, source: Source): void {
    this.counters.add(`refused-${source.kind}-${message.type <= 26 ? message.type : 'unknown'}`);
  }
}
