import { toBase64 } from '@allium/common/bytes/text.ts';
import test from 'ava';
import { storeOf } from '../../../services/router/i2np/database-store.ts';
import { UNSENT_PAUSE } from '../../../services/router/netdb/lookup.ts';
import { NetDbCore } from '../../../services/router/netdb/netdb-core.ts';
import type { NetDbInput, NetDbOutput } from '../../../services/router/netdb/netdb-events.ts';
import { MAX_PUBLICATIONS } from '../../../services/router/netdb/publication.ts';
import { EXPLORATORY } from '../../../services/router/tunnel/pool-id.ts';
import { recordedEntropy } from '../../support/entropy.ts';
import { makeLeaseSet, makeRouter, NET_ID, NOW, someHash } from './make.ts';

type Of<K extends NetDbOutput['kind']> = Extract<NetDbOutput, { kind: K }>;

/** A core that knows eight floodfills; `step` at a time of its own. */
class Bench {
  readonly core: NetDbCore;
  now = NOW;

  constructor(publishRouterInfo = false) {
    this.core = new NetDbCore({
      netId: NET_ID,
      allowPrivateAddresses: false,
      self: someHash('self'),
      random: recordedEntropy('publish'),
      floodfill: false,
      publishRouterInfo,
      ownRouterInfo: () => undefined,
      explore: false,
    });
    for (let i = 0; i < 8; i++)
      this.step({ kind: 'add', routerInfo: makeRouter(`pub ${i}`, { caps: 'OfR' }) });
  }

  step(input: NetDbInput): NetDbOutput[] {
    return this.core.step(input, this.now);
  }

  tick(ms: number): NetDbOutput[] {
    this.now += ms;
    return this.step({ kind: 'tick' });
  }
}

function only<K extends NetDbOutput['kind']>(outputs: readonly NetDbOutput[], kind: K): Of<K> {
  const found = outputs.filter((output): output is Of<K> => output.kind === kind);
  if (found.length !== 1 || !found[0]) throw new Error(`${found.length} outputs of kind ${kind}`);
  return found[0];
}

const leaseSet = makeLeaseSet('published');

test('a store that could not be sent goes to the same floodfill after a pause, and counts as no try', (t) => {
  const bench = new Bench();
  const first = only(bench.step({ kind: 'publish', leaseSet, pool: 1 }), 'storeAt');
  t.is(bench.step({ kind: 'unsent', id: first.token }).filter(({ kind }) => kind === 'storeAt').length, 0);
  t.is(bench.tick(UNSENT_PAUSE - 1).filter(({ kind }) => kind === 'storeAt').length, 0);
  const second = only(bench.tick(1), 'storeAt');
  t.is(second.to.hash, first.to.hash);
  t.not(second.token, first.token);
  t.is(only(bench.step({ kind: 'deliveryStatus', token: second.token, pool: 1 }), 'published').attempts, 1);
});

test('without tunnels a publication fails in the end', (t) => {
  const bench = new Bench();
  let outputs = bench.step({ kind: 'publish', leaseSet, pool: 1 });
  let tries = 0;
  for (; tries < 50; tries++) {
    const store = outputs.find((output): output is Of<'storeAt'> => output.kind === 'storeAt');
    if (!store) break;
    const after = bench.step({ kind: 'unsent', id: store.token });
    outputs = after.some(({ kind }) => kind === 'publishFailed') ? after : bench.tick(UNSENT_PAUSE);
  }
  t.is(only(outputs, 'publishFailed').reason, 'unconfirmed');
  t.true(tries > 5 && tries < 20);
});

test('a status with another token, or the same one twice, confirms nothing', (t) => {
  const bench = new Bench();
  const { token } = only(bench.step({ kind: 'publish', leaseSet, pool: 1 }), 'storeAt');
  t.deepEqual(bench.step({ kind: 'deliveryStatus', token: token + 1, pool: 1 }), []);
  t.deepEqual(bench.step({ kind: 'deliveryStatus', token, pool: 2 }), [], 'by the tunnels of another');
  only(bench.step({ kind: 'deliveryStatus', token, pool: 1 }), 'published');
  t.deepEqual(bench.step({ kind: 'deliveryStatus', token, pool: 1 }), []);
  t.is(bench.core.counters.get('status-unasked'), 3);
});

test('an older LeaseSet at the other floodfill is no verification; three of those, and it is unverified', (t) => {
  const bench = new Bench();
  const old = makeLeaseSet('published', { published: NOW - 60_000 });
  let outputs = bench.step({ kind: 'publish', leaseSet, pool: 1 });
  const asked = new Set<string>();
  const tried = new Set<string>();
  for (let i = 0; i < 3; i++) {
    const store = only(outputs, 'storeAt');
    t.false(tried.has(store.to.hash), 'every store tries another one');
    tried.add(store.to.hash);
    bench.step({ kind: 'deliveryStatus', token: store.token, pool: 1 });
    const query = only(bench.tick(15_000), 'query');
    t.false(asked.has(query.to.hash), 'every check asks another one');
    asked.add(query.to.hash);
    t.like(query, { what: 'leaseSet', pool: 1 });
    outputs = bench.step({
      kind: 'store',
      body: storeOf({ what: 'leaseSet', leaseSet: old }),
      query: query.id,
    });
  }
  t.is(only(outputs, 'publishFailed').reason, 'unverified');
  t.is(bench.core.counters.get('publish-missing'), 3);
});

test('silence at the check is not held against the publication', (t) => {
  const bench = new Bench();
  const { token } = only(bench.step({ kind: 'publish', leaseSet, pool: 1 }), 'storeAt');
  bench.step({ kind: 'deliveryStatus', token, pool: 1 });
  const all: NetDbOutput[] = [];
  for (let i = 0; i < 60; i++) all.push(...bench.tick(1_000));
  t.is(all.filter(({ kind }) => kind === 'query').length, 3);
  t.false(all.some(({ kind }) => kind === 'publishFailed'));
  t.is(bench.core.counters.get('publish-not-verifiable'), 1);
  t.deepEqual(
    bench.tick(60_000).filter(({ kind }) => kind === 'query' || kind === 'storeAt'),
    [],
  );
});

test('an unpublished Destination is stored nowhere any more', (t) => {
  const bench = new Bench();
  const { token } = only(bench.step({ kind: 'publish', leaseSet, pool: 1 }), 'storeAt');
  bench.step({ kind: 'unpublish', hash: leaseSet.hash });
  t.deepEqual(bench.step({ kind: 'deliveryStatus', token, pool: 1 }), []);
  t.deepEqual(
    bench.tick(60_000).filter(({ kind }) => kind === 'storeAt'),
    [],
  );
});

test('our RouterInfo is not published unless configured, and never verified when it is', (t) => {
  const routerInfo = makeRouter('own');
  const off = new Bench();
  t.deepEqual(off.step({ kind: 'publishRouter', routerInfo }), []);
  t.is(off.core.counters.get('publish-router-off'), 1);
  const on = new Bench(true);
  const { token, entry, pool } = only(on.step({ kind: 'publishRouter', routerInfo }), 'storeAt');
  t.deepEqual([entry, pool], [{ what: 'routerInfo', routerInfo }, EXPLORATORY]);
  only(on.step({ kind: 'deliveryStatus', token, pool: EXPLORATORY }), 'published');
  t.deepEqual(
    on.tick(60_000).filter(({ kind }) => kind === 'query'),
    [],
  );
});

test('publications are bounded', (t) => {
  const bench = new Bench();
  let busy = 0;
  for (let i = 0; i < MAX_PUBLICATIONS + 4; i++) {
    const outputs = bench.step({ kind: 'publish', leaseSet: makeLeaseSet(`pub ${i}`), pool: 1 });
    busy += outputs.filter((output) => output.kind === 'publishFailed' && output.reason === 'busy').length;
  }
  t.is(busy, 4);
});

function manyKnown(seed: string): NetDbCore {
  const core = new NetDbCore({
    netId: NET_ID,
    allowPrivateAddresses: false,
    self: someHash('self'),
    random: recordedEntropy(seed),
    floodfill: false,
    publishRouterInfo: false,
    ownRouterInfo: () => undefined,
  });
  for (let i = 0; i < 120; i++) {
    core.step({ kind: 'add', routerInfo: makeRouter(`fresh ${i}`, { caps: i < 5 ? 'OfR' : 'OR' }) }, NOW);
  }
  return core;
}

/** Base64 hashes of the RouterInfos asked for within `ms`. */
function askedFor(core: NetDbCore, ms: number): string[] {
  const asked: string[] = [];
  for (let at = 0; at < ms; at += 1_000) {
    for (const output of core.step({ kind: 'tick' }, NOW + at)) {
      if (output.kind === 'query' && output.what === 'routerInfo') asked.push(toBase64(output.key));
    }
  }
  return asked;
}

test('a RouterInfo that grows old is asked for again, once, when routers are many', (t) => {
  const core = manyKnown('refresh');
  const old = makeRouter('old', { published: NOW - 13 * 3_600_000 });
  core.step({ kind: 'add', routerInfo: old }, NOW);
  t.is(askedFor(core, 600_000).filter((hash) => hash === old.hash).length, 1);
  t.is(core.counters.get('refresh'), 1);
  const found = core.step({ kind: 'add', routerInfo: makeRouter('old', { published: NOW }) }, NOW + 600_000);
  t.like(found[0], { kind: 'learned', first: false });
});

test('routers that our tunnels use are asked for again sooner, and before others', (t) => {
  const core = manyKnown('used');
  const aged = (seed: string, hours: number) => makeRouter(seed, { published: NOW - hours * 3_600_000 });
  const [idle, used, young] = [aged('idle', 4), aged('used', 2), aged('young', 0.5)];
  for (const routerInfo of [idle, used, young]) core.step({ kind: 'add', routerInfo }, NOW);
  for (const { hash: router } of [used, young]) core.step({ kind: 'used', router }, NOW);
  const asked = askedFor(core, 300_000).filter((hash) => [idle, used, young].some((it) => it.hash === hash));
  t.deepEqual(asked, [used.hash, idle.hash]);
});
