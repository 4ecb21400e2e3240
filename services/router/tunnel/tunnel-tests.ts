import { BoundedMap } from '@allium/common/core/bounded-map.ts';
import { type RandomBytes, randomBelow, randomU32 } from '@allium/common/core/random.ts';
import { messageOf } from '../i2np/body.ts';
import { expiration } from '../i2np/expiration.ts';
import { encodeLong } from '../i2np/message.ts';
import type { RouterHash } from '../wire/hash.ts';
import { type OneTimeKeys, wrapWithNewKey } from './one-time-reply.ts';
import type { TunnelPool } from './pool.ts';
import type { PoolId } from './pool-id.ts';
import type { SendQueue } from './send-queue.ts';
import { TEST_TIMEOUT, TestTiming } from './test-timing.ts';
import { type InboundTunnel, type OutboundTunnel, type Tunnel, usable } from './tunnel.ts';
import type { TunnelCounters } from './tunnel-counters.ts';
import type { TunnelOutput } from './tunnel-io.ts';

/**
 * Between two tests of a tunnel, milliseconds, and the random addition that keeps tests apart. A dead tunnel is seen
 * by nothing else: whoever sends to us has no way to tell us.
 */
export const TEST_INTERVAL = 40_000;
export const TEST_SPREAD = 15_000;
/** The first test of a new tunnel, and the next after a lost one. */
export const FIRST_TEST_DELAY = 5000;
export const RETEST_DELAY = 2000;
/** Milliseconds without a test from which a suspicion of the application's brings one at once. */
export const SUSPECT_AFTER = 8000;
/** Losses in a row that end a tunnel; one may be the other tunnel's fault. */
export const TEST_LIMIT = 2;
/** Bytes of padding, drawn anew for each test: no size says that it is one, and most fit into one tunnel message. */
const MAX_PADDING = 768;
/** Tests under way; two per tunnel would be more than there ever are. */
const MAX_RUNNING = 512;

interface TunnelTest {
  readonly outbound: OutboundTunnel;
  readonly inbound: InboundTunnel;
  readonly sentAt: number;
}

export interface TestParts {
  readonly random: RandomBytes;
  readonly counters: TunnelCounters;
  readonly queue: SendQueue;
  readonly oneTimeKeys: OneTimeKeys;
}

/** Sends DeliveryStatus messages out of one tunnel and into another, and waits for them. */
export class TunnelTests {
  readonly #parts: TestParts;
  readonly #running = new BoundedMap<number, TunnelTest>(MAX_RUNNING);
  readonly #timing = new TestTiming();

  constructor(parts: TestParts) {
    this.#parts = parts;
  }

  get nextDeadline(): number | undefined {
    const oldest = this.#running.values().next();
    return oldest.done ? undefined : this.#timing.deadline(oldest.value.sentAt);
  }

  /** Messages seem to get lost in this pool: what was not tested just before is tested at `at` (ms). */
  suspect(pool: TunnelPool, at: number): void {
    for (const tunnel of pool.tunnels()) {
      if (at >= tunnel.lastTest + SUSPECT_AFTER) tunnel.nextTest = Math.min(tunnel.nextTest, at);
    }
  }

  /** Sends what is due in this pool. */
  start(pool: TunnelPool, now: number): TunnelOutput[] {
    const outbound = [...pool.outbound.values()].filter((tunnel) => testable(tunnel, now));
    const inbound = [...pool.inbound.values()].filter((tunnel) => testable(tunnel, now));
    const out: TunnelOutput[] = [];
    for (const tunnel of pool.tunnels()) {
      if (now < tunnel.nextTest) continue;
      this.#postpone(tunnel, now);
      if (!testable(tunnel, now)) continue;
      const there = tunnel.direction === 'outbound' ? tunnel : this.#any(outbound);
      const back = tunnel.direction === 'inbound' ? tunnel : this.#any(inbound);
      if (there && back) out.push(...this.#send(there, back, now));
    }
    return out;
  }

  /** A DeliveryStatus under a key of ours came back out of `by`; undefined when that is not where we sent it. */
  passed(id: number, by: InboundTunnel, now: number): TunnelOutput[] | undefined {
    const test = this.#running.get(id);
    if (!test) return [];
    // Whoever diverts it into a tunnel of another Destination would see by the next test whether both are ours.
    if (test.inbound !== by) return undefined;
    this.#running.delete(id);
    this.#timing.passed(test.sentAt, now);
    this.#parts.counters.add('testsPassed');
    for (const tunnel of [test.outbound, test.inbound]) tunnel.failures = 0;
    const hops = new Set([...test.outbound.hops, ...test.inbound.hops]);
    return [...hops].map((router) => ({ kind: 'hopResult', router, result: 'testPassed' }));
  }

  /**
   * Tests that did not come back: both tunnels are tested again soon, or end. `end` is false for a dead tunnel. The
   * pools of `suspects` should be tested as a whole then, so that what comes back bears witness against what doesn't.
   */
  judge(end: (tunnel: Tunnel) => boolean, suspects: Set<PoolId>, now: number): TunnelOutput[] {
    const guilty = new Set<RouterHash>();
    for (const [id, test] of this.#running.entries()) {
      if (now < this.#timing.deadline(test.sentAt)) break;
      this.#running.delete(id);
      this.#parts.counters.add('testsLost');
      // a session that is away is opened again, or its tunnels end at their time: a lost test says no more
      if (test.outbound.adrift || test.inbound.adrift) continue;
      for (const tunnel of [test.outbound, test.inbound]) {
        tunnel.failures++;
        suspects.add(tunnel.pool);
        tunnel.nextTest = Math.min(tunnel.nextTest, now + RETEST_DELAY);
        if (tunnel.failures >= TEST_LIMIT && end(tunnel)) for (const hop of tunnel.hops) guilty.add(hop);
      }
    }
    return [...guilty].map((router) => ({ kind: 'hopResult', router, result: 'testFailed' }));
  }

  /** Under a one-time key: neither endpoint nor gateway shall tell a test from other messages. */
  #send(outbound: OutboundTunnel, inbound: InboundTunnel, now: number): TunnelOutput[] {
    const { random, counters, queue, oneTimeKeys } = this.#parts;
    this.#postpone(outbound, now);
    this.#postpone(inbound, now);
    const id = randomU32(random);
    const deadline = now + TEST_TIMEOUT;
    this.#running.set(id, { outbound, inbound, sentAt: now });
    outbound.lastTest = now;
    inbound.lastTest = now;
    counters.add('testsSent');
    const body = { kind: 'deliveryStatus', messageId: id, timestamp: now } as const;
    const message = messageOf(body, randomU32(random), expiration(now, TEST_TIMEOUT, random));
    const { wrapped, key } = wrapWithNewKey(message, randomBelow(random, MAX_PADDING), random);
    oneTimeKeys.add(key, deadline);
    const { gateway: router, tunnelId } = inbound.lease;
    const bytes = encodeLong(wrapped);
    return queue.send(outbound.sender, { kind: 'tunnel', router, tunnelId }, bytes, wrapped.id, now) ?? [];
  }

  #postpone(tunnel: Tunnel, now: number): void {
    tunnel.nextTest = now + TEST_INTERVAL + randomBelow(this.#parts.random, TEST_SPREAD);
  }

  /** A partner above suspicion if there is one, so that a good tunnel does not fall with a bad one. */
  #any<T extends Tunnel>(tunnels: readonly T[]): T | undefined {
    const sound = tunnels.filter((tunnel) => tunnel.failures === 0);
    const from = sound.length > 0 ? sound : tunnels;
    return from.length === 0 ? undefined : from[randomBelow(this.#parts.random, from.length)];
  }
}

function testable(tunnel: Tunnel, now: number): boolean {
  return usable(tunnel, now) && !tunnel.adrift && !(tunnel.direction === 'inbound' && tunnel.bootstrap);
}
