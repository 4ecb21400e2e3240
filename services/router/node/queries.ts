import { type RandomBytes, randomU32 } from '@allium/common/core/random.ts';
import { ReplyKeys } from '../garlic/reply-keys.ts';
import { decodeBlocks, encodeBlocks } from '../i2np/blocks.ts';
import { type I2npBody, messageOf } from '../i2np/body.ts';
import { type GarlicClove, LOCAL_DELIVERY } from '../i2np/clove.ts';
import { REPLY_KEY_LENGTH, REPLY_TAG_LENGTH } from '../i2np/database-lookup.ts';
import { storeOf } from '../i2np/database-store.ts';
import { expiration } from '../i2np/expiration.ts';
import { encodeLong, type I2npMessage } from '../i2np/message.ts';
import { sealOneTime } from '../i2np/one-time-garlic.ts';
import { sealForRouter } from '../i2np/router-garlic.ts';
import { QUERY_TIMEOUT } from '../netdb/lookup.ts';
import type { NetDbOutput, NetDbQuery, NetDbReply } from '../netdb/netdb-events.ts';
import { EXPLORATORY, type PoolId } from '../tunnel/pool-id.ts';
import type { TunnelCore } from '../tunnel/tunnel-core.ts';
import { hashBytes, type RouterHash } from '../wire/hash.ts';
import type { RouterInfo } from '../wire/router-info.ts';
import type { Routes } from './routes.ts';

/** Expiration of what we send, ms from now: Tor and tunnels take seconds, peers accept up to 60 s. */
export const MESSAGE_LIFETIME = 25_000;
/** A reply key outlives its query by this much (ms), for answers that come late. */
const REPLY_GRACE = 20_000;

/** Where the reply key of a query is kept: with the identity whose tunnels bring the answer. */
export interface ReplyKeyHolder {
  registerReplyKey(tag: Uint8Array, key: Uint8Array, until: number, query: number, now: number): void;
}

export interface QueriesParts {
  readonly routes: Routes;
  readonly random: RandomBytes;
  readonly tunnel: TunnelCore;
  readonly self: RouterHash;
  /** the Destination that owns the pool; undefined for the router's own */
  readonly holder: (pool: PoolId) => ReplyKeyHolder | undefined;
}

/** What goes to a floodfill through a tunnel; `id` is the NetDB's name for it. */
interface Sealed {
  readonly pool: PoolId;
  readonly to: RouterInfo;
  readonly id: number;
  readonly outbound: number;
}

/** Carries the NetDB's questions, stores and answers: adds reply tunnel, one-time key, encryption and route. */
export class Queries {
  readonly #parts: QueriesParts;
  readonly #replyKeys = new ReplyKeys();

  constructor(parts: QueriesParts) {
    this.#parts = parts;
  }

  /** Through a tunnel, sealed for the floodfill; the answer comes back encrypted through another. */
  query(query: NetDbQuery, now: number): void {
    const { routes, random, tunnel } = this.#parts;
    const pair = tunnel.pair(query.pool, now);
    if (!pair) return routes.netdb({ kind: 'unsent', id: query.id }, now);
    const reply = { key: random(REPLY_KEY_LENGTH), tag: random(REPLY_TAG_LENGTH) };
    const until = now + QUERY_TIMEOUT + REPLY_GRACE;
    const holder = this.#parts.holder(query.pool);
    if (holder) holder.registerReplyKey(reply.tag, reply.key, until, query.id, now);
    else this.#replyKeys.register(reply.tag, reply.key, until, query.id);
    const lookup = this.#message(
      {
        kind: 'databaseLookup',
        key: query.key,
        from: hashBytes(pair.inbound.gateway),
        replyTunnelId: pair.inbound.tunnelId,
        lookup: query.what,
        exclude: query.exclude,
        reply,
      },
      now,
    );
    this.#sealedThrough({ ...query, outbound: pair.outbound }, lookup, now);
  }

  storeAt(store: Extract<NetDbOutput, { kind: 'storeAt' }>, now: number): void {
    const { routes, tunnel } = this.#parts;
    const pair = tunnel.pair(store.pool, now);
    if (!pair) return routes.netdb({ kind: 'unsent', id: store.token }, now);
    const { gateway, tunnelId } = pair.inbound;
    const reply = { token: store.token, tunnelId, gateway: hashBytes(gateway) };
    const message = this.#message(storeOf(store.entry, reply), now);
    this.#sealedThrough({ ...store, id: store.token, outbound: pair.outbound }, message, now);
  }

  /** As a floodfill. */
  reply(reply: NetDbReply, now: number): void {
    const plain = this.#message(reply.body, now);
    const message = reply.encrypt
      ? this.#message({ kind: 'garlic', data: sealOneTime(reply.encrypt, this.#payload(plain, now)) }, now)
      : plain;
    this.forward({ router: reply.to, tunnelId: reply.tunnelId }, message, now);
  }

  /** As a floodfill. */
  flood(flood: Extract<NetDbOutput, { kind: 'flood' }>, now: number): void {
    this.#parts.routes.sendDirect(flood.to.hash, this.#message(storeOf(flood.entry), now), now);
  }

  /** To a router, or into the tunnel that begins there. */
  forward(
    to: { readonly router: RouterHash; readonly tunnelId: number | undefined },
    message: I2npMessage,
    now: number,
  ): void {
    const { routes, self } = this.#parts;
    const { router, tunnelId } = to;
    const carried =
      tunnelId === undefined
        ? message
        : this.#message({ kind: 'tunnelGateway', tunnelId, data: encodeLong(message) }, now);
    if (router !== self) routes.sendDirect(router, carried, now);
    else if (tunnelId !== undefined)
      routes.tunnel({ kind: 'message', from: undefined, message: carried }, now);
  }

  /** Opens the answer to one of the router's own queries, out of a tunnel of `pool`; undefined when it is none. */
  open(data: Uint8Array, pool: PoolId, now: number): { query: number; cloves: GarlicClove[] } | undefined {
    // Keys of other pools are with their Destinations.
    if (pool !== EXPLORATORY || data.length < REPLY_TAG_LENGTH || !this.#replyKeys.knows(data, now))
      return undefined;
    const opened = this.#replyKeys.open(data);
    return opened && { query: opened.query, cloves: clovesOf(opened.payload) };
  }

  sweep(now: number): void {
    this.#replyKeys.sweep(now);
  }

  #sealedThrough({ pool, to, id, outbound }: Sealed, message: I2npMessage, now: number): void {
    const { routes, random } = this.#parts;
    const data = sealForRouter(to.identity.publicKey, this.#payload(message, now), random);
    if (!data) return routes.netdb({ kind: 'unsent', id }, now);
    const garlic = this.#message({ kind: 'garlic', data }, now);
    routes.sendThrough(pool, { kind: 'router', router: to.hash }, garlic, now, { outbound });
  }

  #payload(message: I2npMessage, now: number): Uint8Array {
    return encodeBlocks([
      { kind: 'dateTime', at: now },
      { kind: 'clove', clove: { delivery: LOCAL_DELIVERY, message } },
    ]);
  }

  #message(body: I2npBody, now: number): I2npMessage {
    const { random } = this.#parts;
    return messageOf(body, randomU32(random), expiration(now, MESSAGE_LIFETIME, random));
  }
}

/** Cloves of a decrypted payload. Throws `DecodeError`. */
export function clovesOf(payload: Uint8Array): GarlicClove[] {
  return decodeBlocks(payload).flatMap((block) => (block.kind === 'clove' ? [block.clove] : []));
}
