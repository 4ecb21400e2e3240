import { DecodeError } from '@allium/common/bytes/errors.ts';
import { BoundedMap } from '@allium/common/core/bounded-map.ts';
import { type RandomBytes, randomU32 } from '@allium/common/core/random.ts';
import type { KeyPair } from '../crypto/x25519.ts';
import { decodeBody, messageOf } from '../i2np/body.ts';
import { expiration } from '../i2np/expiration.ts';
import { encodeLong, I2NP_TYPE, type I2npMessage } from '../i2np/message.ts';
import { hashBytes, type RouterHash, routerHash } from '../wire/hash.ts';
import { NO_OPTIONS } from './build-options.ts';
import { ACCEPT, type BuildReply, DECLINE } from './build-record.ts';
import { answerRequest, type FoundRequest, findRequest } from './build-reply.ts';
import { TUNNEL_LIFETIME_S } from './build-request.ts';
import { TunnelEndpoint } from './endpoint.ts';
import { createEncryptLayer, type Layer, TUNNEL_MESSAGE_SIZE } from './hop-crypto.ts';
import { wrapOneTime } from './one-time-reply.ts';
import { ReplayFilter } from './replay-filter.ts';
import { type SendQueue, toRouter } from './send-queue.ts';
import type { TunnelCounters } from './tunnel-counters.ts';
import type { TunnelOutput } from './tunnel-io.ts';
import { MESSAGE_LIFETIME, TunnelSender, tunnelData } from './tunnel-sender.ts';
import { decodeTunnelled, EXPIRY_TOLERANCE } from './tunnelled.ts';

/** Tunnels of others through us; i2pd's default is the same order of magnitude. Each holds two AES contexts. */
export const MAX_TRANSIT = 2500;
/** Build requests that are older are replays, or from a broken clock. Minutes. */
const MAX_REQUEST_AGE = 8;
/** Minutes that a creator's clock may be ahead. */
const MAX_REQUEST_AHEAD = 5;

interface Hop {
  /** where messages go next; an endpoint reads it from each message */
  readonly router: RouterHash;
  readonly tunnelId: number;
  readonly layer: Layer;
  readonly expires: number;
  /** who sends to us: whoever was first */
  from: RouterHash | undefined;
  readonly sender?: TunnelSender;
  readonly endpoint?: TunnelEndpoint;
}

export interface TransitConfig {
  readonly local: RouterHash;
  readonly keys: KeyPair;
  readonly random: RandomBytes;
  readonly counters: TunnelCounters;
  readonly queue: SendQueue;
  /** false: requests are not even opened. A polite refusal would be sent to whom the peer names, and dial him. */
  readonly accept: boolean;
  /** at a time; one more is declined */
  readonly limit: number;
  /** KB per second that one tunnel may ask for; more is declined */
  readonly bandwidth: number;
}

/** Tunnels of others through this router: as gateway, participant or endpoint. */
export class TransitTunnels {
  readonly #config: TransitConfig;
  readonly #localHash: Uint8Array;
  readonly #hops = new BoundedMap<number, Hop>(MAX_TRANSIT);
  readonly #seenMessages = new ReplayFilter();
  readonly #seenRequests = new ReplayFilter();

  constructor(config: TransitConfig) {
    this.#config = config;
    this.#localHash = hashBytes(config.local);
  }

  get size(): number {
    return this.#hops.size;
  }

  has(tunnelId: number): boolean {
    return this.#hops.has(tunnelId);
  }

  /** A ShortTunnelBuild that is no reply for us. `taken`: the ID is one of our own tunnels'. */
  build(message: I2npMessage, taken: (id: number) => boolean, now: number): TunnelOutput[] {
    const { counters, keys, accept } = this.#config;
    const found = accept && this.#attempt(() => findRequest(message.payload, this.#localHash, keys));
    if (!found || this.#refuses(found, now)) {
      counters.add('transitRefused');
      return [];
    }
    const { receiveTunnelId } = found.request;
    const busy = this.#hops.has(receiveTunnelId) || taken(receiveTunnelId) || this.size >= this.#config.limit;
    const reply = !busy ? this.#judge(found) : { code: DECLINE, options: NO_OPTIONS };
    if (reply.code === ACCEPT) this.#hops.set(receiveTunnelId, this.#join(found, now));
    counters.add(reply.code === ACCEPT ? 'transitAccepted' : 'transitDeclined');
    return this.#passOn(found, answerRequest(found, reply), now);
  }

  /** A TunnelData for one of our hops; undefined when the tunnel is not one of them. */
  data(message: I2npMessage, from: RouterHash | undefined, now: number): TunnelOutput[] | undefined {
    const { counters } = this.#config;
    const { payload } = message;
    if (payload.length !== TUNNEL_MESSAGE_SIZE) return undefined;
    const own = Buffer.from(payload);
    const hop = this.#hops.get(own.readUInt32BE(0));
    if (!hop || hop.sender || now >= hop.expires) return undefined;
    if (hop.from !== undefined && hop.from !== from) return this.#drop('strangerMessages');
    hop.from ??= from;
    if (!this.#seenMessages.admit(own)) return this.#drop('replayedMessages');
    hop.layer(own);
    const { endpoint } = hop;
    if (!endpoint) {
      own.writeUInt32BE(hop.tunnelId, 0);
      return [{ kind: 'toRouter', router: hop.router, message: tunnelData(own, message.expires) }];
    }
    const delivered = this.#attempt(() => endpoint.accept(own, now));
    if (!delivered) counters.add('garbledMessages');
    return (delivered ?? []).flatMap(({ delivery, bytes }) => {
      if (delivery.kind === 'local') return this.#drop('refusedMessages');
      return delivery.kind === 'tunnel'
        ? this.#toTunnel(delivery.router, delivery.tunnelId, bytes, now)
        : this.#deliver(delivery.router, bytes, now);
    });
  }

  /** A message for an inbound tunnel whose gateway we are; undefined when we are not. */
  enter(tunnelId: number, bytes: Uint8Array, now: number): TunnelOutput[] | undefined {
    const hop = this.#hops.get(tunnelId);
    if (!hop?.sender || now >= hop.expires) return undefined;
    const inner = this.#attempt(() => decodeTunnelled(bytes));
    if (!inner) return this.#drop('garbledMessages');
    return this.#config.queue.send(hop.sender, { kind: 'local' }, bytes, inner.id, now) ?? [];
  }

  expire(now: number): void {
    this.#hops.prune((hop) => now >= hop.expires);
    for (const hop of this.#hops.values()) hop.endpoint?.expire(now);
  }

  #refuses({ request, ephemeral }: FoundRequest, now: number): boolean {
    const age = Math.floor(now / 60_000) - request.requestMinutes;
    if (age > MAX_REQUEST_AGE || age < -MAX_REQUEST_AHEAD) return true;
    if (request.role !== 'endpoint' && routerHash(request.nextRouter) === this.#config.local) return true;
    return !this.#seenRequests.admitKey(Buffer.from(ephemeral).toString('latin1'));
  }

  #judge({ request: { options } }: FoundRequest): BuildReply {
    const { bandwidth } = this.#config;
    const { minimum, requested } = options;
    if ((minimum ?? 0) > bandwidth) return { code: DECLINE, options: NO_OPTIONS };
    const asked = requested ?? minimum;
    if (asked === undefined) return { code: ACCEPT, options: NO_OPTIONS };
    return { code: ACCEPT, options: { available: Math.min(asked, bandwidth) } };
  }

  #join({ request, keys }: FoundRequest, now: number): Hop {
    const router = routerHash(request.nextRouter);
    const layer = createEncryptLayer(keys);
    const expires = now + TUNNEL_LIFETIME_S * 1000;
    const hop = { router, tunnelId: request.nextTunnelId, layer, expires, from: undefined };
    if (request.role === 'endpoint') return { ...hop, endpoint: new TunnelEndpoint() };
    if (request.role === 'participant') return hop;
    return { ...hop, sender: new TunnelSender(router, hop.tunnelId, [layer], this.#config.random) };
  }

  #passOn({ request, keys }: FoundRequest, payload: Uint8Array, now: number): TunnelOutput[] {
    const router = routerHash(request.nextRouter);
    const expires = expiration(now, MESSAGE_LIFETIME, this.#config.random);
    if (!keys.garlic) {
      const message = { type: I2NP_TYPE.shortTunnelBuild, id: request.sendMessageId, expires, payload };
      return toRouter(router, [message]);
    }
    const reply = { type: I2NP_TYPE.outboundTunnelBuildReply, id: request.sendMessageId, expires, payload };
    // A gateway that is the endpoint itself sees the reply anyway, and creators don't expect a wrapped one then.
    const message =
      router === this.#config.local
        ? reply
        : wrapOneTime(reply, keys.garlic, randomU32(this.#config.random), expires);
    return this.#toTunnel(router, request.nextTunnelId, encodeLong(message), now);
  }

  #toTunnel(router: RouterHash, tunnelId: number, data: Uint8Array, now: number): TunnelOutput[] {
    if (router === this.#config.local) return this.enter(tunnelId, data, now) ?? this.#drop('unknownTunnel');
    const id = randomU32(this.#config.random);
    const body = { kind: 'tunnelGateway', tunnelId, data } as const;
    const expires = expiration(now, MESSAGE_LIFETIME, this.#config.random);
    return toRouter(router, [messageOf(body, id, expires)]);
  }

  #deliver(router: RouterHash, bytes: Uint8Array, now: number): TunnelOutput[] {
    const message = this.#attempt(() => decodeTunnelled(bytes));
    if (!message) return this.#drop('garbledMessages');
    if (message.expires < now - EXPIRY_TOLERANCE) return this.#drop('expiredMessages');
    return router === this.#config.local ? [{ kind: 'local', message }] : toRouter(router, [message]);
  }

  #drop(counter: Parameters<TunnelCounters['add']>[0]): TunnelOutput[] {
    this.#config.counters.add(counter);
    return [];
  }

  #attempt<T>(read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      if (error instanceof DecodeError) return undefined;
      throw error;
    }
  }
}

/** The tunnel ID and content of a TunnelGateway. Throws `DecodeError`. */
export function openGatewayMessage(message: I2npMessage): { tunnelId: number; data: Uint8Array } {
  const body = decodeBody(message);
  if (body.kind !== 'tunnelGateway') throw new DecodeError('value', 'TunnelGateway', 0);
  return body;
}
