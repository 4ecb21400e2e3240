import test from 'ava';
import type { DatabaseSearchReply } from '../../../services/router/i2np/database-search-reply.ts';
import { storeOf } from '../../../services/router/i2np/database-store.ts';
import { LOOKUP_TIMEOUT, MAX_QUERIES, QUERY_TIMEOUT } from '../../../services/router/netdb/lookup.ts';
import { MAX_LOOKUPS, MAX_POOL_LOOKUPS, NEGATIVE_TTL } from '../../../services/router/netdb/lookups.ts';
import type { NetDbOutput } from '../../../services/router/netdb/netdb-events.ts';
import { MAX_STORE_TRIES } from '../../../services/router/netdb/publication.ts';
import { dayOf, routingKey } from '../../../services/router/netdb/routing-key.ts';
import type { PoolId } from '../../../services/router/tunnel/pool-id.ts';
import { hashBytes, type RouterHash } from '../../../services/router/wire/hash.ts';
import type { LeaseSet2 } from '../../../services/router/wire/lease-set2.ts';
import { makeLeaseSet, makeRouter, NOW, someHash } from './make.ts';
import { Sim, type SimRouter } from './sim.ts';

const MINUTE = 60_000;
/** Whose tunnels are asked through. */
const POOL = 1;

interface World {
  readonly sim: Sim;
  readonly floodfills: SimRouter[];
  readonly client: SimRouter;
}

/** `count` floodfills that know each other, and a client that knows the first `known` of them. */
function world(count: number, known = count, now = NOW, seed = 'ff'): World {
  const sim = new Sim(now);
  const floodfills = Array.from({ length: count }, (_, i) => sim.add(`${seed} ${i}`, { floodfill: true }));
  for (const router of floodfills) sim.introduce(router, floodfills);
  const client = sim.add('client', { floodfill: false });
  sim.introduce(client, floodfills.slice(0, known));
  return { sim, floodfills, client };
}

/** Floodfills by distance to a hash, brute force. */
function byDistance(routers: readonly SimRouter[], hash: string, now: number): SimRouter[] {
  const key = routingKey(hashBytes(hash as RouterHash), dayOf(now));
  const far = (router: SimRouter): string =>
    Buffer.from(hashBytes(router.info.hash).map((byte, i) => byte ^ (key[i] ?? 0))).toString('hex');
  return routers.toSorted((a, b) => (far(a) < far(b) ? -1 : 1));
}

function publishBy(sim: Sim, seed: string, floodfills: readonly SimRouter[]): SimRouter {
  const server = sim.add(`server ${seed}`, { floodfill: false });
  sim.introduce(server, floodfills);
  sim.step(server, { kind: 'publish', leaseSet: makeLeaseSet(seed, { published: sim.now }), pool: POOL });
  sim.run(3_000);
  return server;
}

test('a LeaseSet published by one router is found by another that knows all floodfills', (t) => {
  const { sim, floodfills, client } = world(12);
  publishBy(sim, 'site', floodfills);
  const { hash } = makeLeaseSet('site');
  sim.step(client, { kind: 'lookup', hash, pool: POOL, refresh: false });
  sim.run(5_000);
  t.deepEqual(
    sim.outputs(client, 'foundLeaseSet').map(({ pool }) => pool),
    [POOL],
  );
  t.is(client.core.leaseSet(hash, sim.now), undefined, 'who asked has it, and nobody else');
  const [first] = sim.outputs(client, 'query');
  t.is(first?.to.hash, byDistance(floodfills, hash, NOW)[0]?.info.hash);
});

test('a stored LeaseSet is flooded to three nearest floodfills and verified with another one', (t) => {
  const { sim, floodfills } = world(10);
  const server = publishBy(sim, 'site', floodfills);
  sim.run(30_000);
  const { hash } = makeLeaseSet('site');
  const holders = floodfills.filter(({ core }) => core.leaseSet(hash, sim.now));
  t.true(holders.length >= 3);
  t.true(holders.includes(byDistance(floodfills, hash, NOW)[0] as SimRouter));
  const [published] = sim.outputs(server, 'published');
  const [verified] = sim.outputs(server, 'verified');
  t.is(published?.attempts, 1);
  t.not(verified?.at, published?.at);
  t.is(server.core.counters.get('publish-verified'), 1);
});

test('mute floodfills are passed over: for stores and for lookups', (t) => {
  const { sim, floodfills, client } = world(10);
  const { hash } = makeLeaseSet('site');
  const near = byDistance(floodfills, hash, NOW);
  for (const router of near.slice(0, 2)) router.mute = true;
  const server = publishBy(sim, 'site', floodfills);
  sim.run(30_000);
  const [published] = sim.outputs(server, 'published');
  t.is(published?.attempts, 3);
  t.is(published?.at, near[2]?.info.hash);
  sim.step(client, { kind: 'lookup', hash, pool: POOL, refresh: false });
  sim.run(LOOKUP_TIMEOUT);
  t.is(sim.outputs(client, 'foundLeaseSet').length, 1);
  t.is(client.core.counters.get('lookup-found'), 1);
});

test('a key that nobody has ends as not found, is remembered shortly, then asked for again', (t) => {
  const { sim, client } = world(6);
  const { hash } = makeLeaseSet('nobody');
  const ask = (): void => void sim.step(client, { kind: 'lookup', hash, pool: POOL, refresh: false });
  ask();
  sim.run(10_000);
  ask();
  const failed = (): string[] => sim.outputs(client, 'lookupFailed').map(({ reason }) => reason);
  t.deepEqual(failed(), ['not-found', 'not-found']);
  const queries = sim.outputs(client, 'query').length;
  t.is(queries, 6);
  sim.run(NEGATIVE_TTL);
  ask();
  sim.run(LOOKUP_TIMEOUT);
  t.is(failed().length, 3);
  t.is(sim.outputs(client, 'query').length, 2 * queries);
});

test('when nobody answers the lookup times out within 28 s, two queries at once at most', (t) => {
  const { sim, floodfills, client } = world(20);
  for (const router of floodfills) router.mute = true;
  sim.step(client, { kind: 'lookup', hash: makeLeaseSet('x').hash, pool: POOL, refresh: false });
  sim.run(LOOKUP_TIMEOUT - 1);
  t.is(sim.outputs(client, 'lookupFailed').length, 0);
  const times = client.log.flatMap(({ at, output }) => (output.kind === 'query' ? [at] : []));
  for (const at of times) {
    t.true(times.filter((other) => other <= at && other > at - QUERY_TIMEOUT).length <= 2);
  }
  t.true(times.length <= MAX_QUERIES && times.length >= 4);
  sim.run(1);
  t.deepEqual(
    sim.outputs(client, 'lookupFailed').map(({ reason }) => reason),
    ['timeout'],
  );
  t.is(client.core.counters.get('lookup-timeout'), 1);
});

test('without floodfills a lookup fails at once and says why', (t) => {
  const { sim, client } = world(0);
  const { hash } = makeLeaseSet('x');
  const outputs = sim.step(client, { kind: 'lookup', hash, pool: POOL, refresh: false });
  t.deepEqual(
    outputs.filter(({ kind }) => kind !== 'wake'),
    [{ kind: 'lookupFailed', pool: POOL, hash, reason: 'no-floodfill' }],
  );
});

test('queries that cannot be sent are tried again after a pause and end as unsent', (t) => {
  const { sim, client } = world(3);
  const sent: number[] = [];
  const refuse = (outputs: readonly { kind: string; id?: number }[]): void => {
    for (const { kind, id } of outputs) {
      if (kind !== 'query' || id === undefined) continue;
      sent.push(sim.now);
      refuse(client.core.step({ kind: 'unsent', id }, sim.now));
    }
  };
  const start = sim.now;
  const { core } = client;
  refuse(core.step({ kind: 'lookup', hash: makeLeaseSet('x').hash, pool: POOL, refresh: false }, start));
  let last: readonly unknown[] = [];
  for (sim.now = start; sim.now <= start + LOOKUP_TIMEOUT; sim.now += 500) {
    const outputs = core.step({ kind: 'tick' }, sim.now);
    refuse(outputs);
    if (outputs.some(({ kind }) => kind === 'lookupFailed')) last = outputs;
  }
  t.true(sent.length > 5 && sent.length < 20, `${sent.length} tries`);
  t.like(last, [{ kind: 'lookupFailed', pool: POOL, reason: 'unsent' }]);
});

test('a pool that asks again while its lookup is open is answered once', (t) => {
  const { sim, floodfills, client } = world(8);
  publishBy(sim, 'site', floodfills);
  const { hash } = makeLeaseSet('site');
  for (const refresh of [false, true, true]) sim.step(client, { kind: 'lookup', hash, pool: POOL, refresh });
  t.is(sim.outputs(client, 'query').length, 1);
  sim.run(5_000);
  t.is(sim.outputs(client, 'foundLeaseSet').length, 1);
});

test('a pool that is gone hears nothing, and nobody else in its stead', (t) => {
  const { sim, floodfills, client } = world(8);
  publishBy(sim, 'site', floodfills);
  const { hash } = makeLeaseSet('site');
  for (const pool of [POOL, POOL + 1]) sim.step(client, { kind: 'lookup', hash, pool, refresh: false });
  sim.step(client, { kind: 'cancelPool', pool: POOL });
  sim.run(5_000);
  t.deepEqual(
    sim.outputs(client, 'foundLeaseSet').map(({ pool }) => pool),
    [POOL + 1],
  );
});

test('lookups are bounded', (t) => {
  const { sim, client } = world(3);
  for (let i = 0; i < MAX_LOOKUPS + 5; i++) {
    const { hash } = makeLeaseSet(`bound ${i}`);
    sim.step(client, { kind: 'lookup', hash, pool: 1 + (i % 20), refresh: false });
  }
  const reasons = sim.outputs(client, 'lookupFailed').map(({ reason }) => reason);
  t.deepEqual(reasons, Array(5).fill('busy'));
});

test('before midnight a LeaseSet is also stored where tomorrow looks for it', (t) => {
  const midnight = Date.UTC(2026, 10, 25);
  const { sim, floodfills } = world(40, 0, midnight - 2 * MINUTE, 'midnight');
  const { hash } = makeLeaseSet('site');
  const server = publishBy(sim, 'site', floodfills);
  sim.run(2 * MINUTE);
  const late = sim.add('late client', { floodfill: false });
  sim.introduce(late, floodfills);
  const [nearest] = byDistance(floodfills, hash, midnight + 1);
  t.not(nearest, byDistance(floodfills, hash, midnight - 1)[0]);
  t.truthy(nearest?.core.leaseSet(hash, sim.now), 'the floodfill of the new day has it');
  sim.step(late, { kind: 'lookup', hash, pool: POOL, refresh: false });
  sim.run(2_000);
  t.is(sim.outputs(late, 'foundLeaseSet').length, 1);
  t.is(sim.outputs(late, 'query').length, 1);
  t.is(sim.outputs(server, 'published').length, 1, 'the copy is not reported');
});

test("after midnight yesterday's floodfills are asked too", (t) => {
  const midnight = Date.UTC(2026, 10, 25);
  const { sim, floodfills, client } = world(60, 60, midnight - 30 * MINUTE, 'yesterday');
  const leaseSet = makeLeaseSet('old site', {
    published: midnight - 30 * MINUTE,
    expires: midnight + 9 * MINUTE,
  });
  const [yesterdays] = byDistance(floodfills, leaseSet.hash, midnight - 1);
  sim.step(yesterdays as SimRouter, { kind: 'store', body: storeOf({ what: 'leaseSet', leaseSet }) });
  sim.run(31 * MINUTE);
  sim.step(client, { kind: 'lookup', hash: leaseSet.hash, pool: POOL, refresh: false });
  sim.run(6_000);
  t.is(sim.outputs(client, 'query')[1]?.to.hash, yesterdays?.info.hash);
});

test('publication gives up after six floodfills and says so', (t) => {
  const { sim, floodfills, client } = world(10);
  for (const router of floodfills) router.mute = true;
  sim.step(client, { kind: 'publish', leaseSet: makeLeaseSet('s'), pool: POOL });
  sim.run(90_000);
  const stores = sim.outputs(client, 'storeAt');
  t.is(stores.length, MAX_STORE_TRIES);
  t.is(new Set(stores.map(({ to }) => to.hash)).size, MAX_STORE_TRIES);
  t.true(stores.every(({ pool, token }) => pool === POOL && token > 0));
  t.deepEqual(
    sim.outputs(client, 'publishFailed').map(({ reason }) => reason),
    ['unconfirmed'],
  );
});

test('a newer LeaseSet replaces a running publication, an older or the same one does not', (t) => {
  const { sim, client } = world(5);
  const first = makeLeaseSet('s', { published: NOW - 3_000 });
  const second = makeLeaseSet('s', { published: NOW });
  sim.step(client, { kind: 'publish', leaseSet: first, pool: POOL });
  sim.step(client, { kind: 'publish', leaseSet: second, pool: POOL });
  sim.step(client, { kind: 'publish', leaseSet: first, pool: POOL });
  sim.step(client, { kind: 'publish', leaseSet: second, pool: POOL });
  t.is(sim.outputs(client, 'storeAt').length, 2);
  sim.run(60_000);
  t.is(sim.outputs(client, 'published').length, 1);
});

test('a LeaseSet that another floodfill lacks is stored again elsewhere', (t) => {
  const { sim, floodfills, client } = world(12);
  const leaseSet = makeLeaseSet('s');
  const near = byDistance(floodfills, leaseSet.hash, NOW);
  // the nearest one confirms and floods nobody: it knows nobody
  const [liar] = near as [SimRouter];
  for (const { info } of floodfills) liar.core.routers.remove(info.hash);
  sim.step(client, { kind: 'publish', leaseSet, pool: POOL });
  sim.run(60_000);
  t.true(client.core.counters.get('publish-missing') >= 1);
  t.is(sim.outputs(client, 'verified').length, 1);
});

test('our own RouterInfo is published only when configured', (t) => {
  const { sim, floodfills, client } = world(6);
  sim.step(client, { kind: 'publishRouter', routerInfo: client.info });
  sim.run(5_000);
  t.is(sim.outputs(client, 'published').length, 1);
  t.true(floodfills.some(({ core }) => core.routers.get(client.info.hash)));
});

test('what nobody asked for is not stored: RouterInfos of strangers, LeaseSets', (t) => {
  const { client } = world(3);
  const stranger = makeRouter('stranger');
  const before = client.core.routers.size;
  const entry = { what: 'routerInfo', routerInfo: stranger } as const;
  client.core.step({ kind: 'store', body: storeOf(entry) }, NOW);
  client.core.step({ kind: 'store', body: storeOf(entry), from: someHash('z') }, NOW);
  t.is(client.core.routers.size, before);
  client.core.step({ kind: 'store', body: storeOf({ what: 'leaseSet', leaseSet: makeLeaseSet('q') }) }, NOW);
  t.is(client.core.leaseSets.size, 0);
  t.is(client.core.counters.get('store-unasked'), 3);
  client.core.step({ kind: 'store', body: storeOf(entry), from: stranger.hash }, NOW);
  t.is(client.core.routers.size, before + 1, 'a peer may bring its own');
});

test('an answer that comes after the lookup gave up is given to who asked, once', (t) => {
  const { sim, floodfills, client } = world(4);
  for (const router of floodfills) router.mute = true;
  const leaseSet = makeLeaseSet('late');
  sim.step(client, { kind: 'lookup', hash: leaseSet.hash, pool: POOL, refresh: false });
  const [query] = sim.outputs(client, 'query');
  sim.run(LOOKUP_TIMEOUT);
  const body = storeOf({ what: 'leaseSet', leaseSet });
  const late = { kind: 'store', body, ...(query && { query: query.id }) } as const;
  t.like(sim.step(client, late), [{ kind: 'foundLeaseSet', pool: POOL }]);
  t.false(sim.step(client, late).some(({ kind }) => kind === 'foundLeaseSet'));
});

test('two pools that seek the same ask apart, and each is told what its own floodfill says', (t) => {
  const { sim, client } = world(6);
  const [first, second] = [NOW - 2_000, NOW - 1_000].map((published) => makeLeaseSet('same', { published }));
  if (!first || !second) return t.fail();
  const { hash } = first;
  for (const pool of [1, 2]) sim.step(client, { kind: 'lookup', hash, pool, refresh: false });
  const queries = sim.outputs(client, 'query');
  t.deepEqual(
    queries.map(({ pool }) => pool),
    [1, 2],
  );
  const answer = (leaseSet: LeaseSet2, query?: number): NetDbOutput[] =>
    client.core
      .step(
        { kind: 'store', body: storeOf({ what: 'leaseSet', leaseSet }), ...(query && { query }) },
        sim.now,
      )
      .filter(({ kind }) => kind === 'foundLeaseSet');
  t.like(answer(second, queries[1]?.id), [{ pool: 2, leaseSet: { published: second.published } }]);
  t.like(answer(first, queries[0]?.id), [{ pool: 1, leaseSet: { published: first.published } }]);
  t.is(answer(second, queries[1]?.id).length, 0);
});

test('a pool that asks for more than its share leaves the others theirs', (t) => {
  const { sim, client } = world(3);
  const [greedy, modest] = [1, 2];
  const ask = (pool: PoolId, i: number): void => {
    const { hash } = makeLeaseSet(`${pool} ${i % 50}`);
    void sim.step(client, { kind: 'lookup', hash, pool, refresh: false });
  };
  for (let i = 0; i < MAX_POOL_LOOKUPS + 5; i++) ask(greedy, i);
  t.deepEqual(
    sim.outputs(client, 'lookupFailed').map(({ pool, reason }) => `${pool} ${reason}`),
    Array(5).fill(`${greedy} busy`),
  );
  ask(modest, 1);
  t.is(sim.outputs(client, 'lookupFailed').length, 5);
});

test('search replies of strangers, and about keys never asked for, change nothing', (t) => {
  const { sim, client } = world(5);
  const hash = makeLeaseSet('x').hash;
  sim.step(client, { kind: 'lookup', hash, pool: POOL, refresh: false });
  const queries = sim.outputs(client, 'query').length;
  const reply = (key: string, from: string): DatabaseSearchReply => ({
    kind: 'databaseSearchReply',
    key: hashBytes(key as RouterHash),
    peers: Array.from({ length: 16 }, (_, i) => hashBytes(someHash(`evil ${i}`))),
    from: hashBytes(from as RouterHash),
  });
  for (let i = 0; i < 200; i++) {
    sim.step(client, { kind: 'searchReply', body: reply(hash, someHash(`stranger ${i}`)) });
    sim.step(client, { kind: 'searchReply', body: reply(someHash(`key ${i}`), someHash(`s ${i}`)) });
  }
  t.is(sim.outputs(client, 'query').length, queries);
  t.is(client.core.counters.get('reply-unasked'), 400);
});

test('a floodfill that names only phantoms cannot keep a lookup busy', (t) => {
  const { sim, floodfills, client } = world(3);
  const liars = new Set<string>(floodfills.map(({ info }) => info.hash));
  const hash = makeLeaseSet('x').hash;
  const answers = (outputs: readonly { kind: string }[]): void => {
    for (const output of outputs as ReturnType<typeof sim.step>) {
      if (output.kind !== 'query') continue;
      t.true(liars.has(output.to.hash));
      const peers = Array.from({ length: 16 }, (_, i) => hashBytes(someHash(`${output.id} ${i}`)));
      const body: DatabaseSearchReply = {
        kind: 'databaseSearchReply',
        key: output.key,
        peers,
        from: hashBytes(output.to.hash),
      };
      answers(client.core.step({ kind: 'searchReply', body, query: output.id }, sim.now));
    }
  };
  answers(client.core.step({ kind: 'lookup', hash, pool: POOL, refresh: false }, sim.now));
  t.true(client.core.counters.get('query') <= MAX_QUERIES);
  t.true(client.core.counters.get('fetch') <= 6);
  t.is(client.core.counters.get('lookup-not-found'), 1);
});

test('a LeaseSet that is expired counts as a floodfill without an answer', (t) => {
  const { sim, client } = world(5);
  const leaseSet = makeLeaseSet('old', { published: NOW - 30 * MINUTE });
  sim.step(client, { kind: 'lookup', hash: leaseSet.hash, pool: POOL, refresh: false });
  const [query] = sim.outputs(client, 'query');
  sim.step(client, {
    kind: 'store',
    body: storeOf({ what: 'leaseSet', leaseSet }),
    ...(query ? { query: query.id } : {}),
  });
  t.is(sim.outputs(client, 'query').length, 2, 'the next floodfill is asked at once');
  t.is(client.core.counters.get('lease-set-expired'), 1);
});

test('rows of the store: good ones load, damaged, foreign and outdated ones are deleted', (t) => {
  const { client } = world(0);
  const good = makeRouter('row good');
  const other = makeRouter('row other');
  const ancient = makeRouter('row ancient', { published: NOW - 15 * 86_400_000 });
  const stale = makeRouter('row stale', { published: NOW - 10 * 86_400_000 });
  const flipped = Buffer.from(good.raw);
  flipped[500] = (flipped[500] ?? 0) ^ 1;
  const rows = [
    { key: good.hash, value: good.raw },
    { key: stale.hash, value: stale.raw },
    { key: other.hash, value: good.raw },
    { key: other.hash, value: flipped },
    { key: 'x', value: Buffer.alloc(0) },
    { key: ancient.hash, value: ancient.raw },
    { key: client.info.hash, value: client.info.raw },
  ];
  const outputs = client.core.step({ kind: 'load', rows }, NOW);
  t.deepEqual(
    outputs.filter(({ kind }) => kind === 'forget'),
    [other.hash, other.hash, 'x', ancient.hash, client.info.hash].map((key) => ({
      kind: 'forget',
      key,
    })) as never,
  );
  t.false(outputs.some(({ kind }) => kind === 'persist'));
  t.is(client.core.routers.size, 2);
  t.is(client.core.counters.get('load-damaged'), 2);
  t.is(client.core.counters.get('load-foreign'), 2);
});

test('learned RouterInfos are persisted once and announced', (t) => {
  const { client } = world(0);
  const info = makeRouter('peer', { caps: 'XfR' });
  const outputs = client.core.step({ kind: 'add', routerInfo: info }, NOW);
  t.deepEqual(
    outputs.filter(({ kind }) => kind !== 'wake'),
    [
      { kind: 'learned', routerInfo: info, first: true },
      { kind: 'persist', key: info.hash, value: info.raw },
    ],
  );
  const again = client.core.step({ kind: 'add', routerInfo: info }, NOW + 1);
  t.deepEqual(
    again.filter(({ kind }) => kind !== 'wake'),
    [],
  );
});

test('a router without floodfill duty answers no lookups and floods nothing', (t) => {
  const { client } = world(3);
  const body = {
    kind: 'databaseLookup',
    key: hashBytes(client.info.hash),
    from: hashBytes(someHash('asker')),
    lookup: 'routerInfo',
    exclude: [],
  } as const;
  t.deepEqual(client.core.step({ kind: 'databaseLookup', body }, NOW), []);
});

test('a floodfill answers over the tunnel and with the key that the asker named', (t) => {
  const { floodfills, sim } = world(4);
  const [router] = floodfills as [SimRouter];
  const reply = { key: Buffer.alloc(32, 1), tag: Buffer.alloc(8, 2) };
  const [output] = router.core.step(
    {
      kind: 'databaseLookup',
      body: {
        kind: 'databaseLookup',
        key: hashBytes(router.info.hash),
        from: hashBytes(someHash('gateway')),
        replyTunnelId: 77,
        lookup: 'routerInfo',
        exclude: [],
        reply,
      },
    },
    sim.now,
  );
  t.like(output, { kind: 'reply', to: someHash('gateway'), tunnelId: 77, encrypt: reply });
  t.is(output?.kind === 'reply' && output.body.kind, 'databaseStore', 'it knows its own RouterInfo');
});

test('exploratory answers name reachable routers that are no floodfills', (t) => {
  const sim = new Sim();
  const router = sim.add('ff', { floodfill: true });
  const others = Array.from({ length: 6 }, (_, i) =>
    makeRouter(`o ${i}`, { caps: i < 3 ? 'OR' : i < 5 ? 'OfR' : 'LU' }),
  );
  for (const routerInfo of others) sim.step(router, { kind: 'add', routerInfo });
  const [output] = router.core.step(
    {
      kind: 'databaseLookup',
      body: {
        kind: 'databaseLookup',
        key: Buffer.alloc(32, 9),
        from: Buffer.alloc(32),
        lookup: 'exploratory',
        exclude: [hashBytes(others[0]?.hash as RouterHash)],
      },
    },
    NOW,
  );
  t.true(output?.kind === 'reply' && output.body.kind === 'databaseSearchReply');
  if (output?.kind !== 'reply' || output.body.kind !== 'databaseSearchReply') return;
  t.deepEqual(
    output.body.peers.map((x) => Buffer.from(x).toString('hex')).toSorted(),
    [1, 2].map((i) => Buffer.from(hashBytes(others[i]?.hash as RouterHash)).toString('hex')).toSorted(),
  );
});

test('what a floodfill only looked up for itself is not given to others', (t) => {
  const { sim, floodfills } = world(8);
  publishBy(sim, 'site', floodfills);
  const { hash } = makeLeaseSet('site');
  const asker = floodfills.find(({ core }) => !core.leaseSet(hash, sim.now)) as SimRouter;
  sim.step(asker, { kind: 'lookup', hash, pool: POOL, refresh: false });
  const [query] = sim.outputs(asker, 'query');
  const leaseSet = makeLeaseSet('site');
  sim.step(asker, { kind: 'store', body: storeOf({ what: 'leaseSet', leaseSet }), query: query?.id ?? -1 });
  t.is(sim.outputs(asker, 'foundLeaseSet').length, 1);
  const [answer] = asker.core.step(
    {
      kind: 'databaseLookup',
      body: {
        kind: 'databaseLookup',
        key: hashBytes(hash),
        from: Buffer.alloc(32),
        lookup: 'leaseSet',
        exclude: [],
      },
    },
    sim.now,
  );
  t.is(answer?.kind === 'reply' && answer.body.kind, 'databaseSearchReply');
});

test('exploring teaches a router that knew one floodfill the others', (t) => {
  const { sim, floodfills } = world(10, 0);
  for (let i = 0; i < 30; i++) {
    const other = sim.add(`plain ${i}`, { floodfill: false });
    sim.introduce(other, floodfills);
    sim.step(other, { kind: 'publishRouter', routerInfo: other.info });
  }
  sim.run(30_000);
  const newcomer = sim.add('newcomer', { floodfill: false, explore: true });
  sim.introduce(newcomer, floodfills.slice(0, 1));
  sim.run(10 * MINUTE);
  t.true(newcomer.core.routers.size > 25, `${newcomer.core.routers.size} routers`);
  t.true(newcomer.core.routers.floodfillCount > 5, `${newcomer.core.routers.floodfillCount} floodfills`);
});

test('a core that is ticked too often or too late does the same', (t) => {
  const { sim, floodfills, client } = world(8);
  publishBy(sim, 'site', floodfills);
  const { hash } = makeLeaseSet('site');
  sim.step(client, { kind: 'lookup', hash, pool: POOL, refresh: false });
  for (let i = 0; i < 50; i++) sim.step(client, { kind: 'tick' });
  t.is(sim.outputs(client, 'query').length, 1);
  client.core.step({ kind: 'tick' }, sim.now + 24 * 60 * MINUTE);
  t.is(client.core.counters.get('lookup-timeout'), 1);
});

test('routers that an answer to a lookup of a Destination names are asked for minutes later, by nobody’s lookup', (t) => {
  const sim = new Sim();
  const floodfill = sim.add('ff named', { floodfill: true });
  const client = sim.add('client named', { floodfill: false, explore: true });
  sim.introduce(client, [floodfill]);
  const { hash } = makeLeaseSet('x');
  const lookup = { kind: 'lookup', hash, pool: POOL, refresh: false } as const;
  const query = client.core.step(lookup, sim.now).find((it) => it.kind === 'query');
  const invented = someHash('invented');
  const body: DatabaseSearchReply = {
    kind: 'databaseSearchReply',
    key: hashBytes(hash),
    peers: [hashBytes(invented)],
    from: hashBytes(floodfill.info.hash),
  };
  const asks = (outputs: readonly NetDbOutput[]): boolean =>
    outputs.some((it) => it.kind === 'query' && Buffer.from(it.key).equals(Buffer.from(hashBytes(invented))));
  t.false(asks(client.core.step({ kind: 'searchReply', body, ...(query && { query: query.id }) }, sim.now)));
  let at: number | undefined;
  for (let now = sim.now; now < sim.now + 400_000; now += 500) {
    if (asks(client.core.step({ kind: 'tick' }, now))) at ??= now - sim.now;
  }
  t.true(at !== undefined && at >= 60_000 && at <= 300_500, `${at} ms`);
});
