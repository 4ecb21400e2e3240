import { DecodeError } from '@allium/common/bytes/errors.ts';
import { Counters } from '@allium/common/observe/counters.ts';
import { decodeBody } from '../i2np/body.ts';
import type { GarlicClove } from '../i2np/clove.ts';
import { storeHead } from '../i2np/database-store.ts';
import { I2NP_TYPE, type I2npMessage } from '../i2np/message.ts';
import { openForRouter } from '../i2np/router-garlic.ts';
import { routerHash } from '../wire/hash.ts';
import type { RouterKeys } from '../wire/router-keys.ts';
import { clovesOf, type Queries } from './queries.ts';
import type { Routes, Source } from './routes.ts';
import { WorkBudget } from './work-budget.ts';

/** A message that expired longer ago than this (ms) is dropped: clocks differ, Tor is slow. */
const EXPIRY_TOLERANCE = 60_000;

export interface DispatchParts {
  readonly routes: Routes;
  readonly queries: Queries;
  readonly keys: RouterKeys;
  /** whether garlic for this router and its cloves are looked at: simulated networks only */
  readonly transit: boolean;
  /** whether entries of others are stored and given: simulated networks only */
  readonly floodfill: boolean;
}

/**
 * What messages for this router do, by type and by the way they came. A message that its way does not entitle to
 * anything is counted and dropped: nobody can reach the NetDB or a tunnel through somebody else's door.
 */
export class Dispatch {
  readonly counters = new Counters();
  readonly #parts: DispatchParts;
  readonly #work = new WorkBudget();

  constructor(parts: DispatchParts) {
    this.#parts = parts;
  }

  /** `now` in ms. Never throws for what a peer sent. */
  message(message: I2npMessage, source: Source, now: number): void {
    if (message.expires + EXPIRY_TOLERANCE < now) return this.counters.add('expired');
    if (source.kind === 'session' && !this.#work.admits(message.type, source.from, now)) {
      return this.counters.add(`too-much-work-${message.type}`);
    }
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
        if (source.kind !== 'session' && source.kind !== 'clove') return this.#refuse(message, source);
        const from = source.kind === 'session' ? source.from : undefined;
        return this.#parts.routes.tunnel({ kind: 'message', from, message }, now);
      }
      case I2NP_TYPE.garlic:
        if (source.kind !== 'session' && source.kind !== 'tunnel') return this.#refuse(message, source);
        return this.#garlic(message, source, now);
      case I2NP_TYPE.databaseStore:
      case I2NP_TYPE.databaseSearchReply:
      case I2NP_TYPE.databaseLookup:
      case I2NP_TYPE.deliveryStatus:
        return this.#netdb(message, source, now);
      default:
        return this.#refuse(message, source);
    }
  }

  /**
   * What may change the NetDB, by the way it came. Whoever could answer our questions by another way than the one they
   * went would see by what follows whose they are; whoever could answer what nobody asked would choose our peers.
   */
  #netdb(message: I2npMessage, source: Source, now: number): void {
    const { routes, floodfill } = this.#parts;
    // before a gunzip and a signature are spent on it
    if (message.type === I2NP_TYPE.databaseStore && !floodfill && !mayStore(message, source))
      return this.#refuse(message, source);
    const body = decodeBody(message);
    switch (body.kind) {
      case 'databaseStore': {
        const from = source.kind === 'session' ? { from: source.from } : {};
        if (source.kind === 'answer') {
          return routes.netdb({ kind: 'store', body, query: source.query }, now);
        }
        return routes.netdb({ kind: 'store', body, ...from }, now);
      }
      case 'databaseSearchReply':
        if (source.kind !== 'answer') return this.#refuse(message, source);
        return routes.netdb({ kind: 'searchReply', body, query: source.query }, now);
      case 'databaseLookup':
        if (!floodfill || source.kind === 'tunnel') return this.#refuse(message, source);
        return routes.netdb({ kind: 'databaseLookup', body }, now);
      case 'deliveryStatus':
        if (source.kind !== 'tunnel' && source.kind !== 'answer') return this.#refuse(message, source);
        return routes.netdb({ kind: 'deliveryStatus', token: body.messageId, pool: source.pool }, now);
      default:
        return this.#refuse(message, source);
    }
  }

  #garlic(message: I2npMessage, source: Source, now: number): void {
    const body = decodeBody(message);
    if (body.kind !== 'garlic') return;
    if (source.kind === 'tunnel') {
      const answer = this.#parts.queries.open(body.data, source.pool, now);
      if (!answer) return this.counters.add('garlic-unknown');
      const from = { kind: 'answer', query: answer.query, pool: source.pool } as const;
      for (const clove of answer.cloves) this.#clove(clove, from, now);
      return;
    }
    // Nobody has to write to a router that neither stores nor carries anything for others.
    const payload = this.#parts.transit ? openForRouter(this.#parts.keys, body.data) : undefined;
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

/** An answer, or a peer that says who it is. */
function mayStore({ payload }: I2npMessage, source: Source): boolean {
  if (source.kind === 'answer') return true;
  const { key, routerInfo } = storeHead(payload);
  return source.kind === 'session' && routerInfo && routerHash(key) === source.from;
}
