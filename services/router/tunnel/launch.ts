import { type RandomBytes, randomU32 } from '@allium/common/core/random.ts';
import { encodeBlocks } from '../i2np/blocks.ts';
import { messageOf } from '../i2np/body.ts';
import { LOCAL_DELIVERY } from '../i2np/clove.ts';
import { expiration } from '../i2np/expiration.ts';
import { encodeLong, I2NP_TYPE, type I2npMessage } from '../i2np/message.ts';
import { sealForRouter } from '../i2np/router-garlic.ts';
import type { RouterHash } from '../wire/hash.ts';
import type { BuildPacer } from './build-pacer.ts';
import { BUILD_TIMEOUT, makeTunnel, type StartBuild, type TunnelBuilder } from './builder.ts';
import type { OneTimeKeys } from './one-time-reply.ts';
import type { TunnelPool } from './pool.ts';
import { EXPLORATORY } from './pool-id.ts';
import { type SendQueue, toRouter } from './send-queue.ts';
import type { InboundTunnel, OutboundTunnel } from './tunnel.ts';
import type { TunnelCounters } from './tunnel-counters.ts';
import type { ChooseHops, Direction, HopInfo, TunnelOutput } from './tunnel-io.ts';
import { MESSAGE_LIFETIME } from './tunnel-sender.ts';

/** Milliseconds until `ChooseHops` is asked again after it had nobody; a new session ends the wait. */
export const HOPS_RETRY = 3000;

/** What builds of all pools share. */
export interface BuildParts {
  readonly local: RouterHash;
  readonly random: RandomBytes;
  readonly chooseHops: ChooseHops;
  readonly counters: TunnelCounters;
  readonly oneTimeKeys: OneTimeKeys;
  readonly queue: SendQueue;
  readonly pacer: BuildPacer;
  readonly builder: TunnelBuilder;
}

export interface Launch {
  readonly pool: TunnelPool;
  /** lends its tunnels to pools that have none */
  readonly exploratory: TunnelPool | undefined;
  readonly direction: Direction;
  readonly tunnelId: number;
}

/** How a build gets to its first hop and its reply back to us. */
interface Path {
  /** hops to ask for */
  readonly length: number;
  readonly bootstrap: boolean;
  /** inbound: what carries the request to the gateway; undefined: a session, ours to the only hop */
  readonly via: OutboundTunnel | undefined;
  /** outbound: into which the endpoint sends the reply */
  readonly reply: InboundTunnel | undefined;
}

/** Starts one build if the pool lacks a tunnel and everything for it is at hand; undefined otherwise. */
export function launchBuild(launch: Launch, parts: BuildParts, now: number): TunnelOutput[] | undefined {
  const { pool, direction } = launch;
  const path = direction === 'inbound' ? inboundPath(launch, parts, now) : outboundPath(launch, parts, now);
  if (!path) return undefined;
  const hops = chooseHops(launch, path, parts, now);
  const first = hops?.[0];
  if (!hops || !first) return undefined;
  const wish: StartBuild = {
    direction,
    pool: pool.id,
    hops,
    replyTo: path.reply?.lease,
    direct: path.via ? undefined : first.hash,
    leansOn: path.via ?? path.reply,
    bootstrap: path.bootstrap,
    tunnelId: launch.tunnelId,
  };
  const started = parts.builder.start(wish, now);
  if (!started) {
    parts.counters.add('buildsBadHops');
    pool.backoff[direction].pause(now + HOPS_RETRY);
    return undefined;
  }
  parts.pacer.started(wish.direct, now);
  parts.counters.add('buildsStarted');
  pool.building[direction]++;
  const garlic = started.build.records.hops.at(-1)?.keys.garlic;
  if (garlic) parts.oneTimeKeys.add(garlic, now + BUILD_TIMEOUT);
  const message: I2npMessage = {
    type: I2NP_TYPE.shortTunnelBuild,
    id: randomU32(parts.random),
    expires: expiration(now, MESSAGE_LIFETIME, parts.random),
    payload: started.payload,
  };
  if (!path.via) return toRouter(first.hash, [message]);
  const sealed = path.via.farEnd === first.hash ? message : sealForGateway(message, first, parts.random, now);
  // no build record could be sealed for such a key, so it is not reached
  if (!sealed) return [];
  const target = { kind: 'router', router: first.hash } as const;
  return parts.queue.send(path.via.sender, target, encodeLong(sealed), sealed.id, now) ?? [];
}

/**
 * The request travels through an outbound tunnel to the gateway. Without any, only the exploratory pool goes on: with
 * one hop that we have a session with, which is gateway and closest hop at once, so that request and reply use that
 * session. Such a tunnel carries build replies until real ones stand; nothing of a client ever passes it.
 */
function inboundPath({ pool, exploratory }: Launch, parts: BuildParts, now: number): Path | undefined {
  const { length } = pool.config.inbound;
  const via = pool.pickOutbound({}, now, parts.random) ?? exploratory?.pickOutbound({}, now, parts.random);
  const path = { length, bootstrap: false, via, reply: undefined };
  if (via) return pool.missing('inbound', now) > 0 ? path : undefined;
  if (pool.id !== EXPLORATORY) return undefined;
  if (length === 1) return pool.missing('inbound', now) > 0 ? path : undefined;
  return pool.missingBootstrap(now) > 0 ? { ...path, length: 1, bootstrap: true } : undefined;
}

/** The request goes to the first hop over a session, the reply comes back through an inbound tunnel. */
function outboundPath({ pool, exploratory }: Launch, parts: BuildParts, now: number): Path | undefined {
  if (pool.missing('outbound', now) <= 0) return undefined;
  // only the exploratory pool's own replies may pass a bootstrap tunnel
  const own = pool.id === EXPLORATORY ? pool.pickFirstInbound(now, parts.random) : undefined;
  const reply = own ?? pool.pickInbound(now, parts.random) ?? exploratory?.pickInbound(now, parts.random);
  if (!reply) return undefined;
  const { length } = pool.config.outbound;
  return { length, bootstrap: false, via: undefined, reply };
}

function chooseHops(
  { pool, direction }: Launch,
  { length, via }: Path,
  parts: BuildParts,
  now: number,
): readonly HopInfo[] | undefined {
  const exclude = via ? [] : parts.pacer.resting(now);
  const hops = parts.chooseHops({ direction, length, exclude, pool: pool.id, order: pool.order });
  if (hops && makeTunnel(hops, length, parts.local)) return hops;
  parts.counters.add(hops ? 'buildsBadHops' : 'buildsNoHops');
  const free = hops ? undefined : parts.pacer.nextFree(now);
  pool.backoff[direction].pause(Math.min(now + HOPS_RETRY, free ?? Number.POSITIVE_INFINITY));
  return undefined;
}

/** Noise N, so that the outbound tunnel's endpoint does not see that it carries a build. */
function sealForGateway(
  message: I2npMessage,
  gateway: HopInfo,
  random: RandomBytes,
  now: number,
): I2npMessage | undefined {
  const payload = encodeBlocks([
    { kind: 'dateTime', at: now },
    { kind: 'clove', clove: { delivery: LOCAL_DELIVERY, message } },
  ]);
  const data = sealForRouter(gateway.publicKey, payload, random);
  return data && messageOf({ kind: 'garlic', data }, randomU32(random), message.expires);
}
