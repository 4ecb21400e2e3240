import { type RandomBytes, randomU32, shuffled } from '@allium/common/core/random.ts';
import { sha256 } from '../crypto/hash.ts';
import { x25519KeyPair } from '../crypto/x25519.ts';
import { MAX_BUILD_RECORDS } from '../i2np/build-records.ts';
import { hashBytes, type RouterHash } from '../wire/hash.ts';
import { NO_OPTIONS } from './build-options.ts';
import {
  BUILD_RECORD_SIZE,
  type BuildRequest,
  EPHEMERAL_SIZE,
  HASH_PREFIX_SIZE,
  type HopKeys,
  type HopRole,
  sealRequest,
} from './build-record.ts';
import { MIN_BUILD_RECORDS, maskRecord, writeRecords } from './record-set.ts';
import type { Direction, HopInfo } from './tunnel-io.ts';

/** Lifetime of every tunnel, seconds; the only value that the specification supports. */
export const TUNNEL_LIFETIME_S = 600;

/** Hops of one tunnel: an inbound build needs the eighth record for ourselves. */
export const MAX_HOPS = MAX_BUILD_RECORDS - 1;

export interface BuildPlan {
  readonly direction: Direction;
  /** in the order in which messages pass */
  readonly hops: readonly HopInfo[];
  /** this router; its hash goes into the decoy record of inbound builds */
  readonly local: RouterHash;
  /** inbound: ourselves and the ID that we listen on. Outbound: gateway and ID of the tunnel for the reply. */
  readonly end: { readonly router: RouterHash; readonly tunnelId: number };
  /** I2NP message ID of the reply */
  readonly replyId: number;
}

export interface BuiltHop {
  readonly router: RouterHash;
  readonly slot: number;
  readonly keys: HopKeys;
  readonly receiveTunnelId: number;
}

/** What the creator remembers until the reply comes. */
export interface PendingRecords {
  readonly hops: readonly BuiltHop[];
  readonly count: number;
  /** our own record of an inbound build: it must come back as it was */
  readonly decoy?: { readonly slot: number; readonly digest: Uint8Array };
}

/**
 * A ShortTunnelBuild payload for the first hop, and what is needed to read the reply. `now` in milliseconds.
 * undefined when a hop's public key is of no use.
 */
export function createBuild(
  plan: BuildPlan,
  now: number,
  random: RandomBytes,
): { payload: Uint8Array; pending: PendingRecords } | undefined {
  const own = plan.direction === 'inbound' ? 1 : 0;
  const used = plan.hops.length + own;
  if (plan.hops.length < 1 || plan.hops.length > MAX_HOPS) throw new RangeError(`${plan.hops.length} hops`);
  const count = used <= MIN_BUILD_RECORDS ? MIN_BUILD_RECORDS : MAX_BUILD_RECORDS;
  const slots = shuffled(random, [...Array(count).keys()]);
  const records: Uint8Array[] = Array.from({ length: count }, () => Buffer.from(random(BUILD_RECORD_SIZE)));
  const hops: BuiltHop[] = [];
  for (const [at, request] of requestsOf(plan, now, random).entries()) {
    const hop = plan.hops[at] as HopInfo;
    const slot = slots[at] as number;
    const sealed = sealRequest(request, hop, random);
    if (!sealed) return undefined;
    records[slot] = sealed.record;
    hops.push({ router: hop.hash, slot, keys: sealed.keys, receiveTunnelId: request.receiveTunnelId });
  }
  if (own === 0) {
    maskAhead(records, hops);
    return { payload: writeRecords(records), pending: { hops, count } };
  }
  const slot = slots[plan.hops.length] as number;
  const record = decoyRecord(plan.local, random);
  const digest = sha256(record);
  records[slot] = record;
  maskAhead(records, hops, slot);
  return { payload: writeRecords(records), pending: { hops, count, decoy: { slot, digest } } };
}

function requestsOf(plan: BuildPlan, now: number, random: RandomBytes): BuildRequest[] {
  const ids = plan.hops.map(() => randomU32(random));
  return ids.map((receiveTunnelId, at) => {
    const next = plan.hops[at + 1];
    return {
      receiveTunnelId,
      nextTunnelId: next ? (ids[at + 1] as number) : plan.end.tunnelId,
      nextRouter: hashBytes(next ? next.hash : plan.end.router),
      role: roleAt(plan, at),
      layerType: 0,
      requestMinutes: Math.floor(now / 60_000),
      lifetime: TUNNEL_LIFETIME_S,
      sendMessageId: next ? randomU32(random) : plan.replyId,
      options: NO_OPTIONS,
    };
  });
}

/** Every record gets the masks of all hops before its own, so that each hop takes one off and finds its own clear. */
function maskAhead(records: Uint8Array[], hops: readonly BuiltHop[], decoySlot?: number): void {
  for (const [at, hop] of hops.entries()) {
    const later = hops.slice(at + 1).map((other) => other.slot);
    if (decoySlot !== undefined) later.push(decoySlot);
    for (const slot of later)
      records[slot] = maskRecord(hop.keys.replyKey, slot, records[slot] as Uint8Array);
  }
}

/** Looks like a record for us, so that the closest hop does not learn that its next hop is the creator. */
function decoyRecord(local: RouterHash, random: RandomBytes): Uint8Array {
  const record = Buffer.from(random(BUILD_RECORD_SIZE));
  record.set(hashBytes(local).subarray(0, HASH_PREFIX_SIZE), 0);
  record.set(x25519KeyPair(random).publicKey.subarray(0, EPHEMERAL_SIZE), HASH_PREFIX_SIZE);
  return record;
}

function roleAt(plan: BuildPlan, at: number): HopRole {
  if (plan.direction === 'inbound') return at === 0 ? 'gateway' : 'participant';
  return at === plan.hops.length - 1 ? 'endpoint' : 'participant';
}
