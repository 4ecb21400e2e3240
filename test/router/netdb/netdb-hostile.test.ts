import test from 'ava';
import fc from 'fast-check';
import { storeOf } from '../../../services/router/i2np/database-store.ts';
import { MAX_FETCHES } from '../../../services/router/netdb/fetches.ts';
import { QUERY_TIMEOUT } from '../../../services/router/netdb/lookup.ts';
import { NetDbCore } from '../../../services/router/netdb/netdb-core.ts';
import type { NetDbInput, NetDbOutput } from '../../../services/router/netdb/netdb-events.ts';
import { hashBytes, type RouterHash } from '../../../services/router/wire/hash.ts';
import { recordedEntropy } from '../../support/entropy.ts';
import { makeLeaseSet, makeRouter, NET_ID, NOW, someHash } from './make.ts';

const ROUTERS = Array.from({ length: 10 }, (_, i) => makeRouter(`h ${i}`, { caps: i % 2 ? 'OfR' : 'OR' }));
const LEASE_SETS = [0, 1, 2].map((i) => makeLeaseSet(`h ${i}`, { published: NOW - i * 60_000 }));
const HASHES: RouterHash[] = [...ROUTERS.map(({ hash }) => hash), someHash('a'), someHash('b')];

function core(floodfill: boolean, explore = true): NetDbCore {
  return new NetDbCore({
    netId: NET_ID,
    allowPrivateAddresses: false,
    self: ROUTERS[0]?.hash ?? someHash('self'),
    random: recordedEntropy('hostile'),
    floodfill,
    publishRouterInfo: true,
    ownRouterInfo: () => ROUTERS[0],
    explore,
  });
}

const router = fc.constantFrom(...ROUTERS);
const leaseSet = fc.constantFrom(...LEASE_SETS);
const hash = fc.constantFrom(...HASHES);
/** one that nobody has among them */
const sought = fc.constantFrom(...LEASE_SETS.map((ls) => ls.hash), makeLeaseSet('nobody').hash);
const pool = fc.constantFrom(1, 2);
const bytes = hash.map(hashBytes);
const id = fc.nat(12);
const reply = fc.option(fc.record({ token: fc.nat(3), tunnelId: fc.nat(2), gateway: bytes }), {
  nil: undefined,
});
const entry = fc.oneof(
  router.map((routerInfo) => ({ what: 'routerInfo', routerInfo }) as const),
  leaseSet.map((ls) => ({ what: 'leaseSet', leaseSet: ls }) as const),
);

const input: fc.Arbitrary<NetDbInput> = fc.oneof(
  fc.constant<NetDbInput>({ kind: 'tick' }),
  router.map<NetDbInput>((routerInfo) => ({ kind: 'add', routerInfo })),
  fc
    .tuple(sought, pool, fc.boolean())
    .map<NetDbInput>(([h, of, refresh]) => ({ kind: 'lookup', hash: h, pool: of, refresh })),
  pool.map<NetDbInput>((of) => ({ kind: 'cancelPool', pool: of })),
  fc.tuple(entry, reply, fc.option(id, { nil: undefined })).map<NetDbInput>(([e, r, query]) => ({
    kind: 'store',
    body: storeOf(e, r),
    ...(query === undefined ? {} : { query }),
  })),
  fc
    .tuple(bytes, bytes, fc.array(bytes, { maxLength: 16 }), fc.option(id, { nil: undefined }))
    .map<NetDbInput>(([key, from, peers, query]) => ({
      kind: 'searchReply',
      body: { kind: 'databaseSearchReply', key, from, peers },
      ...(query === undefined ? {} : { query }),
    })),
  id.map<NetDbInput>((token) => ({ kind: 'deliveryStatus', token, pool: 1 })),
  id.map<NetDbInput>((x) => ({ kind: 'unsent', id: x })),
  fc
    .tuple(bytes, bytes, fc.constantFrom('any', 'leaseSet', 'routerInfo', 'exploratory'))
    .map<NetDbInput>(([key, from, lookup]) => ({
      kind: 'databaseLookup',
      body: { kind: 'databaseLookup', key, from, lookup: lookup as 'any', exclude: [key] },
    })),
  leaseSet.map<NetDbInput>((ls) => ({ kind: 'publish', leaseSet: ls, pool: 1 })),
  leaseSet.map<NetDbInput>((ls) => ({ kind: 'unpublish', hash: ls.hash })),
  router.map<NetDbInput>((routerInfo) => ({ kind: 'publishRouter', routerInfo })),
);
const script = fc.array(fc.tuple(input, fc.nat(9_000)), { maxLength: 120 });

function play(steps: readonly (readonly [NetDbInput, number])[], floodfill: boolean): NetDbOutput[] {
  const netdb = core(floodfill);
  let now = NOW;
  return steps.flatMap(([one, later]) => {
    now += later;
    const outputs = netdb.step(one, now);
    if (outputs.length > 120) throw new Error(`${outputs.length} outputs of one ${one.kind}`);
    return outputs;
  });
}

test('inputs in any order throw nothing, give few outputs, and a wake never lies in the past', (t) => {
  fc.assert(
    fc.property(script, fc.boolean(), (steps, floodfill) => {
      const outputs = play(steps, floodfill);
      return outputs.every((output) => output.kind !== 'wake' || output.at > NOW);
    }),
    { numRuns: 150 },
  );
  t.pass();
});

test('same inputs, entropy and times give the same outputs', (t) => {
  fc.assert(
    fc.property(script, (steps) => {
      t.deepEqual(play(steps, true), play(steps, true));
    }),
    { numRuns: 30 },
  );
});

/** Pool and Destination of a lookup that an output ends. */
function nameOf(output: NetDbOutput): string | undefined {
  if (output.kind === 'foundLeaseSet') return `${output.pool} ${output.leaseSet.hash}`;
  return output.kind === 'lookupFailed' ? `${output.pool} ${output.hash}` : undefined;
}

test('every lookup ends: found or failed, once per pool, when time passes', (t) => {
  fc.assert(
    fc.property(script, (steps) => {
      const netdb = core(false);
      const open = new Set<string>();
      let now = NOW;
      const watch = (outputs: readonly NetDbOutput[]): void => {
        for (const output of outputs) {
          const name = nameOf(output);
          if (name) t.true(open.delete(name), 'an answer nobody waits for');
        }
      };
      for (const [one, later] of steps) {
        now += later;
        if (one.kind === 'lookup') open.add(`${one.pool} ${one.hash}`);
        if (one.kind === 'cancelPool')
          for (const name of open) if (+(name[0] ?? 0) === one.pool) open.delete(name);
        watch(netdb.step(one, now));
      }
      for (let i = 1; i <= 40; i++) watch(netdb.step({ kind: 'tick' }, now + i * 1_000));
      t.is(open.size, 0);
    }),
    { numRuns: 60 },
  );
});

test('a flood of search replies never opens more fetches than the bound', (t) => {
  const netdb = core(false);
  for (const routerInfo of ROUTERS) netdb.step({ kind: 'add', routerInfo }, NOW);
  const fetched: number[] = [];
  for (let i = 0; i < 600; i++) {
    const now = NOW + i * 500;
    const { hash: site } = makeLeaseSet(`site ${i % 40}`);
    const asked = netdb.step({ kind: 'lookup', hash: site, pool: 1, refresh: true }, now);
    for (const output of [...netdb.step({ kind: 'tick' }, now), ...asked]) {
      if (output.kind !== 'query') continue;
      const peers = Array.from({ length: 16 }, (_, n) => hashBytes(someHash(`${i} ${n}`)));
      const body = {
        kind: 'databaseSearchReply',
        key: output.key,
        from: hashBytes(output.to.hash),
        peers,
      } as const;
      for (const it of netdb.step({ kind: 'searchReply', body, query: output.id }, now)) {
        if (it.kind === 'query' && it.what === 'routerInfo') fetched.push(now);
      }
    }
  }
  t.true(fetched.length > MAX_FETCHES, `${fetched.length} fetches`);
  for (const at of fetched) {
    t.true(fetched.filter((other) => other >= at && other < at + QUERY_TIMEOUT).length <= MAX_FETCHES);
  }
});

test('a floodfill under a flood of RouterInfos and LeaseSets keeps its bounds', (t) => {
  const netdb = core(true, false);
  for (let i = 0; i < 1_300; i++) {
    const leases = makeLeaseSet(`flood ${i}`);
    netdb.step({ kind: 'store', body: storeOf({ what: 'leaseSet', leaseSet: leases }) }, NOW);
  }
  t.is(netdb.leaseSets.size, 1_000);
});
