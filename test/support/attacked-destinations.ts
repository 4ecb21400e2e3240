/**
 * Servers and clients of one router, in a process of their own with the heap of the image, for whoever attacks them from
 * outside (test/sim/memory.test.ts). In lock step: each message of the parent is one turn of virtual time, each answer
 * what left in it.
 */

import { Counters } from '@allium/common/observe/counters.ts';
import { VISITOR_LIMITS } from '@allium/router/client/visitors.ts';
import { messageOf } from '@allium/router/i2np/body.ts';
import { Destinations } from '@allium/router/node/destinations.ts';
import { Dispatch } from '@allium/router/node/dispatch.ts';
import type { DestinationId, NodeOutput, StreamCommand } from '@allium/router/node/node-io.ts';
import { Queries } from '@allium/router/node/queries.ts';
import type { Routes } from '@allium/router/node/routes.ts';
import { Wakes } from '@allium/router/node/wakes.ts';
import { TunnelCore } from '@allium/router/tunnel/tunnel-core.ts';
import { createDestinationKeys } from '@allium/router/wire/destination.ts';
import { routerHash } from '@allium/router/wire/hash.ts';
import { identityOf } from '@allium/router/wire/identity.ts';
import { createRouterKeys } from '@allium/router/wire/router-keys.ts';
import { recordedEntropy } from './entropy.ts';

/** A garlic message: for a local Destination, or for the attacker whose lease has this tunnel ID. */
export interface Parcel {
  readonly to: number;
  readonly bytes: Uint8Array;
}

export interface Turn {
  readonly now: number;
  readonly parcels: readonly Parcel[];
  readonly measure?: boolean;
}

export interface Answer {
  readonly parcels: readonly Parcel[];
  /** LeaseSets that the servers published, by Destination */
  readonly published: readonly { readonly server: number; readonly leaseSet: Uint8Array }[];
  /** what all Destinations hold */
  readonly held: Readonly<Record<string, number>>;
  /** bytes: most that the process ever had resident, with what nobody had collected yet */
  readonly peak: number;
  /** bytes in use, in the heap and outside: when the turn asked for it, after a collection */
  readonly inUse: number;
}

/** Bytes that visitors are sent, in pieces as large as a socket gives. */
const PAGE = 1_048_576;
const PIECE = 64 * 1_024;

/** Messages that an attacker looks at: he wants a session and a stream, and nothing more. */
const READ = 8;

const random = recordedEntropy('attacked');
const counters = new Counters();
const wakes = new Wakes();
const keys = createRouterKeys(random);
const self = keys.identity.hash;
/** to each attacker */
const given = new Map<number, number>();
let parcels: Parcel[] = [];
let published: { server: number; leaseSet: Uint8Array }[] = [];

const routes: Routes = {
  emit: (output) => onEvent(output),
  netdb: (input) => {
    if (input.kind === 'publish') published.push({ server: input.pool, leaseSet: input.leaseSet.raw });
  },
  tunnel: () => undefined,
  sendThrough: (_pool, target, message) => {
    if (target.kind !== 'tunnel') return;
    const count = given.get(target.tunnelId) ?? 0;
    if (count >= READ) return;
    given.set(target.tunnelId, count + 1);
    parcels.push({ to: target.tunnelId, bytes: message.payload.subarray(4) });
  },
  sendDirect: () => undefined,
};
const tunnel = new TunnelCore({
  local: self,
  keys: keys.encryption,
  random,
  chooseHops: () => undefined,
  acceptTransit: false,
});
const queries = new Queries({ routes, random, tunnel, self, holder: () => undefined });
const dispatch = new Dispatch({ routes, queries, keys, transit: false, floodfill: false });
const local = new Destinations(() => ({ random, routes, wakes, counters, dispatch }));
let now = 0;
/** of each server */
const visitors = new Map<DestinationId, number>();
const blocked = new Set<string>();

/** As the host does it: so many visitors and no more, and to each a piece after the other until he blocks. */
function onEvent(output: NodeOutput): void {
  if (output.kind !== 'stream') return;
  const { destination, output: event } = output;
  if (event.kind === 'blocked') blocked.add(`${destination}/${event.stream}`);
  if (event.kind !== 'opened' || !event.incoming) return;
  const { stream } = event;
  const count = visitors.get(destination) ?? 0;
  const tell = (command: StreamCommand): void => local.get(destination)?.stream(command, now);
  if (count >= VISITOR_LIMITS.streams) return tell({ kind: 'reset', stream });
  visitors.set(destination, count + 1);
  // what every second one sends is never consumed, to the others a page is written that they never read
  if (count % 2 === 0) return;
  for (let at = 0; at < PAGE && !blocked.has(`${destination}/${stream}`); at += PIECE) {
    tell({ kind: 'write', stream, bytes: Buffer.alloc(PIECE, at) });
  }
}

function open(servers: number, clients: number): void {
  for (let id = 1; id <= servers + clients; id++) {
    const identity = identityOf(createDestinationKeys(random));
    local.open(id, { identity, publish: id <= servers, length: 3, quantity: 3 }, now);
    const expires = now + 12 * 3_600_000;
    const lease = { gateway: routerHash(Buffer.alloc(32, id)), tunnelId: id, expires };
    local.get(id)?.leases([lease], now);
    local.get(id)?.stream({ kind: 'listen', port: 0 }, now);
  }
}

/** The process is started with --expose-gc. */
function bytesInUse(): number {
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

function turn(input: Turn): Answer {
  now = input.now;
  for (const { to, bytes: data } of input.parcels) {
    local.get(to)?.message(messageOf({ kind: 'garlic', data }, 1, now + 30_000), 0, now);
  }
  for (const who of wakes.due(now)) if (who.kind === 'destination') local.get(who.id)?.tick(now);
  const inUse = input.measure ? bytesInUse() : 0;
  const peak = process.resourceUsage().maxRSS * 1_024;
  const answer = { parcels, published, held: local.held, peak, inUse };
  parcels = [];
  published = [];
  return answer;
}

process.on('message', (input: Turn | { readonly servers: number; readonly clients: number; now: number }) => {
  if ('servers' in input) {
    now = input.now;
    open(input.servers, input.clients);
    process.send?.(turn({ now, parcels: [] }));
  } else process.send?.(turn(input));
});
