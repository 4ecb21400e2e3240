import { DecodeError } from '@allium/common/bytes/errors.ts';
import { exhaustive } from '@allium/common/core/exhaustive.ts';
import type { RandomBytes } from '@allium/common/core/random.ts';
import { Wake } from '@allium/common/core/wake.ts';
import type { KeyPair } from '../crypto/x25519.ts';
import { encodeLong, I2NP_TYPE, type I2npMessage } from '../i2np/message.ts';
import type { RouterHash } from '../wire/hash.ts';
import type { Lease } from '../wire/lease.ts';
import { TUNNEL_MESSAGE_SIZE } from './hop-crypto.ts';
import { InboundReader } from './inbound-reader.ts';
import { PoolKeeper } from './keeper.ts';
import { OneTimeKeys } from './one-time-reply.ts';
import { MAX_TRANSIT, openGatewayMessage, TransitTunnels } from './participant.ts';
import { EXPLORATORY, type PoolId } from './pool-id.ts';
import { SendQueue } from './send-queue.ts';
import { type TunnelCounter, TunnelCounters } from './tunnel-counters.ts';
import type {
  ChooseHops,
  SendOptions,
  Target,
  TunnelInput,
  TunnelOutput,
  TunnelPair,
  TunnelStatus,
} from './tunnel-io.ts';
import { RETEST_DELAY, TunnelTests } from './tunnel-tests.ts';

/** Housekeeping happens at least so often, milliseconds: transit tunnels and half-received messages end by it. */
const MAX_PAUSE = 30_000;

/** What does not change while tunnels are made. */
export interface TunnelCoreConfig {
  readonly local: RouterHash;
  /** the router's own encryption key; build requests for us are sealed to it */
  readonly keys: KeyPair;
  readonly random: RandomBytes;
  readonly chooseHops: ChooseHops;
  /** off behind Tor: what is no reply to us is then not looked at; the simulated network needs it */
  readonly acceptTransit: boolean;
  /** tunnels of others at a time, default `MAX_TRANSIT` */
  readonly transitTunnels?: number;
  /** KB per second that one transit tunnel may ask for; default 1000 */
  readonly transitBandwidth?: number;
}

/** All tunnels of this router. Never throws for what a peer does. */
export class TunnelCore {
  readonly #random: RandomBytes;
  readonly #counters = new TunnelCounters();
  readonly #queue = new SendQueue();
  readonly #oneTimeKeys = new OneTimeKeys();
  readonly #tests: TunnelTests;
  readonly #keeper: PoolKeeper;
  readonly #transit: TransitTunnels;
  readonly #reader: InboundReader;
  #maintainAt = Number.NEGATIVE_INFINITY;
  readonly #wake = new Wake();

  constructor(config: TunnelCoreConfig) {
    const { local, random, chooseHops, keys } = config;
    const shared = { local, random, counters: this.#counters, queue: this.#queue };
    const oneTimeKeys = this.#oneTimeKeys;
    this.#random = random;
    this.#tests = new TunnelTests({ ...shared, oneTimeKeys });
    this.#keeper = new PoolKeeper({ ...shared, chooseHops, oneTimeKeys });
    this.#transit = new TransitTunnels({
      ...shared,
      keys,
      accept: config.acceptTransit,
      limit: config.transitTunnels ?? MAX_TRANSIT,
      bandwidth: config.transitBandwidth ?? 1000,
    });
    this.#reader = new InboundReader(this.#counters, oneTimeKeys);
  }

  /** `now` is network time in milliseconds. */
  step(input: TunnelInput, now: number): TunnelOutput[] {
    if (input.kind === 'tick') this.#wake.spent();
    const out = this.#queue.flush(now);
    out.push(...this.#handle(input, now));
    return this.#finish(out, now);
  }

  /** A message out of one of the pool's outbound tunnels, for its far end to put at `target`. */
  sendThrough(
    pool: PoolId,
    target: Target,
    message: I2npMessage,
    now: number,
    options: SendOptions = {},
  ): TunnelOutput[] {
    const tunnel = this.#keeper.pools.get(pool)?.pickOutbound(options, now, this.#random);
    if (!tunnel) return this.#finish([{ kind: 'dropped', pool, reason: 'noTunnel' }], now);
    const sent = this.#queue.send(tunnel.sender, target, encodeLong(message), message.id, now);
    return this.#finish(sent ?? [{ kind: 'dropped', pool, reason: 'oversized' }], now);
  }

  /** A way to ask and a way to be answered; undefined when the pool lacks one of them at the moment. */
  pair(pool: PoolId, now: number): TunnelPair | undefined {
    const found = this.#keeper.pools.get(pool);
    const outbound = found?.pickOutbound({}, now, this.#random);
    const inbound = found?.pickInbound(now, this.#random);
    return outbound && inbound && { outbound: outbound.id, inbound: inbound.lease };
  }

  /** The pool's working inbound tunnels, youngest first. */
  leases(pool: PoolId, now: number): readonly Lease[] {
    return this.#keeper.pools.get(pool)?.leases(now) ?? [];
  }

  /** How many of our tunnels lean on the session with each neighbour. */
  neighbours(): Map<RouterHash, number> {
    const counts = new Map<RouterHash, number>();
    for (const pool of this.#keeper.pools.values()) {
      for (const { neighbour } of pool.tunnels()) counts.set(neighbour, (counts.get(neighbour) ?? 0) + 1);
    }
    return counts;
  }

  status(): TunnelStatus {
    const pools = new Map(
      [...this.#keeper.pools].map(([id, pool]) => [
        id,
        { inbound: pool.status('inbound'), outbound: pool.status('outbound') },
      ]),
    );
    return { pools, transit: this.#transit.size, counters: this.#counters.snapshot() };
  }

  #handle(input: TunnelInput, now: number): TunnelOutput[] {
    switch (input.kind) {
      case 'message':
        return this.#message(input.message, input.from, now);
      case 'tick':
        return [];
      case 'createPool':
        this.#keeper.create(input.pool, input.config);
        break;
      case 'removePool':
        this.#keeper.remove(input.pool);
        break;
      case 'suspect':
        this.#keeper.stalled(input.pool);
        this.#suspect(input.pool, now);
        break;
      case 'peerUp':
        this.#keeper.peerUp(input.router);
        break;
      case 'peerDown':
      case 'peerGone':
        this.#keeper.peerDown(input.router, input.kind === 'peerGone', now);
        break;
      default:
        exhaustive(input);
    }
    this.#maintainAt = now;
    return [];
  }

  #judgeTests(now: number): TunnelOutput[] {
    const suspects = new Set<PoolId>();
    const out = this.#tests.judge((it) => this.#keeper.end(it, 'tunnelsTestFailed'), suspects, now);
    for (const pool of suspects) this.#suspect(pool, now + RETEST_DELAY);
    return out;
  }

  /** With the exploratory pool: its tests tell whether our own side is the one that stands still. */
  #suspect(id: PoolId, at: number): void {
    for (const pool of [this.#keeper.pools.get(EXPLORATORY), this.#keeper.pools.get(id)]) {
      if (pool) this.#tests.suspect(pool, at);
    }
  }

  #message(message: I2npMessage, from: RouterHash | undefined, now: number): TunnelOutput[] {
    switch (message.type) {
      case I2NP_TYPE.tunnelData:
        return this.#data(message, from, now);
      case I2NP_TYPE.tunnelGateway:
        return this.#gateway(message, now);
      case I2NP_TYPE.shortTunnelBuild:
        return this.#build(message, from, now);
      default:
        // A reply to an outbound build comes through a tunnel; anything else has been sent to the wrong core.
        return this.#drop('refusedMessages');
    }
  }

  #data(message: I2npMessage, from: RouterHash | undefined, now: number): TunnelOutput[] {
    const { payload } = message;
    if (payload.length !== TUNNEL_MESSAGE_SIZE) return this.#drop('garbledMessages');
    const tunnel = this.#keeper.listening(readTunnelId(payload));
    if (!tunnel) return this.#transit.data(message, from, now) ?? this.#drop('unknownTunnel');
    if (tunnel.neighbour !== from) return this.#drop('strangerMessages');
    const { received, replies, statuses } = this.#reader.read(tunnel, payload, now);
    const out: TunnelOutput[] = received.map((inner) => ({
      kind: 'received',
      pool: tunnel.pool,
      tunnelId: tunnel.id,
      message: inner,
    }));
    for (const { reply, sealed } of replies) {
      if (this.#keeper.builder.repliesBy(reply.id, tunnel)) {
        out.push(...this.#keeper.reply('outbound', reply, sealed, now));
        this.#maintainAt = now;
      } else this.#counters.add('foreignReplies');
    }
    for (const id of statuses)
      out.push(...(this.#tests.passed(id, tunnel, now) ?? this.#drop('foreignTests')));
    return out;
  }

  #gateway(message: I2npMessage, now: number): TunnelOutput[] {
    try {
      const { tunnelId, data } = openGatewayMessage(message);
      return this.#transit.enter(tunnelId, data, now) ?? this.#drop('unknownTunnel');
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      return this.#drop('garbledMessages');
    }
  }

  #build(message: I2npMessage, from: RouterHash | undefined, now: number): TunnelOutput[] {
    if (!this.#keeper.builder.awaits(message.id)) {
      return this.#transit.build(message, (id) => this.#keeper.listening(id) !== undefined, now);
    }
    if (!this.#keeper.builder.expects(message.id, from)) return this.#drop('foreignReplies');
    this.#maintainAt = now;
    return this.#keeper.reply('inbound', message, true, now);
  }

  /** Housekeeping if it is due, what has changed, and the next wake. */
  #finish(out: TunnelOutput[], now: number): TunnelOutput[] {
    if (now >= this.#maintainAt) {
      this.#maintainAt = Number.POSITIVE_INFINITY;
      out.push(...this.#judgeTests(now));
      out.push(...this.#keeper.maintain(now));
      for (const pool of this.#keeper.pools.values()) out.push(...this.#tests.start(pool, now));
      this.#transit.expire(now);
      this.#oneTimeKeys.expire(now);
      const next = Math.min(this.#keeper.nextDeadline(now), this.#tests.nextDeadline ?? now + MAX_PAUSE);
      this.#maintainAt = Math.min(Math.max(next, now + 1), now + MAX_PAUSE);
    }
    out.push(...this.#keeper.takeChanges(now));
    const next = Math.min(this.#maintainAt, this.#queue.flushAt ?? Number.POSITIVE_INFINITY);
    const at = this.#wake.ask(next, now);
    if (at !== undefined) out.push({ kind: 'wake', at });
    return out;
  }

  #drop(counter: TunnelCounter): TunnelOutput[] {
    this.#counters.add(counter);
    return [];
  }
}

function readTunnelId(payload: Uint8Array): number {
  return new DataView(payload.buffer, payload.byteOffset, 4).getUint32(0);
}
