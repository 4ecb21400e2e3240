import type { DatabaseLookup } from '../i2np/database-lookup.ts';
import type { DatabaseSearchReply } from '../i2np/database-search-reply.ts';
import { type DatabaseStore, type StoreEntry, storeOf } from '../i2np/database-store.ts';
import { destHash, hashBytes, type RouterHash, routerHash } from '../wire/hash.ts';
import { isReachable } from '../wire/router-caps.ts';
import type { RouterInfo } from '../wire/router-info.ts';
import type { LeaseSetStore } from './lease-set-store.ts';
import type { NetDbOutput, NetDbReply } from './netdb-events.ts';
import { dayOf, routingKey } from './routing-key.ts';
import type { RouterInfoStore } from './store.ts';

/** Hashes in one search reply; other implementations give 3 to 16. */
export const REPLY_PEERS = 8;
/** Floodfills that a new entry is passed to ("Flooding"). */
export const FLOOD_TO = 3;
/** A RouterInfo older than this (ms) is never flooded ("Flooding"). */
export const MAX_FLOOD_AGE = 3_600_000;

export interface FloodfillModules {
  readonly routers: RouterInfoStore;
  readonly leaseSets: LeaseSetStore;
  readonly self: RouterHash;
  /** our own RouterInfo: it is not in the store, and others ask us for it */
  readonly ownRouterInfo: () => RouterInfo | undefined;
}

/** The entry if we may give it, else routers nearer to it (I2NP, "DatabaseLookup"). */
export function answerLookup(modules: FloodfillModules, lookup: DatabaseLookup, now: number): NetDbReply {
  const body = storedAnswer(modules, lookup, now) ?? searchReply(modules, lookup, now);
  const to = routerHash(lookup.from);
  const tunnel = lookup.replyTunnelId === undefined ? undefined : { tunnelId: lookup.replyTunnelId };
  const encrypt = lookup.reply ? { encrypt: lookup.reply } : undefined;
  return { kind: 'reply', to, ...tunnel, ...encrypt, body };
}

/** After a store that was accepted: the confirmation it asked for, and what is flooded if it was news. */
export function acknowledge(
  modules: FloodfillModules,
  store: DatabaseStore<StoreEntry>,
  news: boolean,
  now: number,
): NetDbOutput[] {
  if (!store.reply) return [];
  const { token, tunnelId, gateway } = store.reply;
  const to = routerHash(gateway);
  const tunnel = tunnelId === 0 ? undefined : { tunnelId };
  const status: NetDbReply = {
    kind: 'reply',
    to,
    ...tunnel,
    body: { kind: 'deliveryStatus', messageId: token, timestamp: now },
  };
  return news ? [status, ...flood(modules, store, now)] : [status];
}

function storedAnswer(
  modules: FloodfillModules,
  { key, lookup }: DatabaseLookup,
  now: number,
): DatabaseStore | undefined {
  if (lookup === 'leaseSet' || lookup === 'any') {
    const leaseSet = modules.leaseSets.getStored(destHash(key), now);
    if (leaseSet) return storeOf({ what: 'leaseSet', leaseSet });
  }
  if (lookup === 'routerInfo' || lookup === 'any') {
    const hash = routerHash(key);
    const routerInfo = hash === modules.self ? modules.ownRouterInfo() : modules.routers.get(hash);
    if (routerInfo) return storeOf({ what: 'routerInfo', routerInfo });
  }
  return undefined;
}

function searchReply(
  { routers, self }: FloodfillModules,
  { key, lookup, exclude, from }: DatabaseLookup,
  now: number,
): DatabaseSearchReply {
  const excluded = new Set<RouterHash>([self, routerHash(from)]);
  for (const hash of exclude) excluded.add(routerHash(hash));
  const target = routingKey(key, dayOf(now));
  const accept = (info: RouterInfo): boolean => !excluded.has(info.hash);
  const peers =
    lookup === 'exploratory'
      ? routers.nearestOthers(target, REPLY_PEERS, (info) => accept(info) && isReachable(info))
      : routers.nearestFloodfills(target, REPLY_PEERS, accept);
  const hashes = peers.map(({ hash }) => hashBytes(hash));
  return { kind: 'databaseSearchReply', key, peers: hashes, from: hashBytes(self) };
}

function flood(
  { routers, self }: FloodfillModules,
  { key, entry, reply }: DatabaseStore<StoreEntry>,
  now: number,
): NetDbOutput[] {
  if (entry.what === 'routerInfo' && entry.routerInfo.published < now - MAX_FLOOD_AGE) return [];
  const sender = reply && routerHash(reply.gateway);
  const target = routingKey(key, dayOf(now));
  const accept = ({ hash }: RouterInfo): boolean =>
    hash !== self && hash !== sender && (entry.what === 'leaseSet' || hash !== entry.routerInfo.hash);
  return routers.nearestFloodfills(target, FLOOD_TO, accept).map((to) => ({ kind: 'flood', to, entry }));
}
