import test from 'ava';
import {
  DialPlanner,
  type DialRequest,
  ISOLATION_BUCKETS,
  MAX_BUCKET_RETRIES,
  MAX_DIALS,
  MAX_FAILED,
  MAX_REST,
  REST,
  RETRY_PAUSE,
} from '../../../services/router/peers/dial.ts';
import type { RouterHash } from '../../../services/router/wire/hash.ts';
import type { RouterInfo } from '../../../services/router/wire/router-info.ts';
import { recordedEntropy } from '../../support/entropy.ts';
import { makeRouter, NOW, someHash } from '../netdb/make.ts';

const all = Array.from({ length: 30 }, (_, i) => makeRouter(`dial ${i}`, { host: `${20 + i}.1.1.1` }));
const [first] = all as [RouterInfo];

function planner(seed = 'dial'): DialPlanner {
  return new DialPlanner(recordedEntropy(seed));
}

function ask(plan: DialPlanner, more: Partial<DialRequest> = {}): RouterInfo[] {
  const none = new Set<RouterHash>();
  const request = { wanted: all, connected: none, dialing: none, now: NOW, ...more };
  return plan.plan(request).map(({ router }) => router);
}

function set(routers: readonly RouterInfo[]): Set<RouterHash> {
  return new Set(routers.map(({ hash }) => hash));
}

test('the first that are wanted are dialled, some at once and none twice', (t) => {
  const plan = planner();
  t.deepEqual(ask(plan), all.slice(0, MAX_DIALS));
  t.deepEqual(ask(plan, { dialing: set(all.slice(0, MAX_DIALS)) }), []);
  t.deepEqual(ask(plan, { dialing: set(all.slice(0, MAX_DIALS - 1)) }), all.slice(MAX_DIALS - 1, MAX_DIALS));
  t.deepEqual(ask(plan, { connected: set(all.slice(0, 27)) }), all.slice(27));
  t.deepEqual(ask(plan, { connected: set(all) }), []);
});

test('who has no address for us is passed over', (t) => {
  const hidden = [makeRouter('u1', { listening: false }), makeRouter('u4', { transport: 'SSU2' })];
  t.deepEqual(ask(planner(), { wanted: [...hidden, first] }), [first]);
});

test('a failed peer is retried over two other buckets, then rests an hour, then longer', (t) => {
  const plan = planner();
  const { hash } = first;
  let now = NOW;
  const home = plan.isolation(hash);
  const buckets = [home];
  for (let i = 0; i < MAX_BUCKET_RETRIES; i++) {
    plan.failed(hash, now);
    t.false(plan.mayDial(hash, now + RETRY_PAUSE - 1));
    now += RETRY_PAUSE;
    t.true(plan.mayDial(hash, now));
    buckets.push(plan.isolation(hash));
  }
  t.is(new Set(buckets).size, MAX_BUCKET_RETRIES + 1);
  for (const rest of [REST, 2 * REST, 4 * REST, 8 * REST, MAX_REST, MAX_REST]) {
    plan.failed(hash, now);
    t.false(plan.mayDial(hash, now + rest - 1), `${rest}`);
    now += rest;
    t.true(plan.mayDial(hash, now));
    t.is(plan.isolation(hash), home);
    for (let i = 0; i < MAX_BUCKET_RETRIES; i++) {
      plan.failed(hash, now);
      now += RETRY_PAUSE;
    }
  }
});

test('a peer that said no for good rests at once', (t) => {
  const plan = planner();
  plan.failed(first.hash, NOW, true);
  t.false(plan.mayDial(first.hash, NOW + REST - 1));
  t.true(plan.mayDial(first.hash, NOW + REST));
});

test('success, or a fault of Tor, wipes the slate', (t) => {
  const plan = planner();
  plan.failed(first.hash, NOW, true);
  plan.succeeded(first.hash);
  t.true(plan.mayDial(first.hash, NOW));
  plan.failed(first.hash, NOW);
  plan.forgive();
  t.true(plan.mayDial(first.hash, NOW));
  plan.failed(first.hash, NOW, true);
  plan.forgive();
  t.false(plan.mayDial(first.hash, NOW), 'who said no said so whatever Tor did');
  plan.forget();
  t.true(plan.mayDial(first.hash, NOW));
});

test('resting peers leave room for others, and nobody is dialled when all rest', (t) => {
  const plan = planner();
  const two = all.slice(0, 2);
  plan.failed(first.hash, NOW);
  t.deepEqual(
    ask(plan, { wanted: two }).map(({ hash }) => hash),
    [all[1]?.hash],
  );
  plan.failed((all[1] as RouterInfo).hash, NOW);
  t.deepEqual(ask(plan, { wanted: two }), []);
  t.is(ask(plan, { wanted: two, now: NOW + RETRY_PAUSE }).length, 2);
});

test('peers spread over the buckets, always the same one for a peer, another for another process', (t) => {
  const plan = planner();
  const names = Array.from({ length: 300 }, (_, i) => plan.isolation(someHash(`${i}`)));
  t.is(new Set(names).size, ISOLATION_BUCKETS);
  t.deepEqual(
    names.slice(0, 9),
    Array.from({ length: 9 }, (_, i) => plan.isolation(someHash(`${i}`))),
  );
  const other = planner('other');
  t.notDeepEqual(
    names,
    Array.from({ length: 300 }, (_, i) => other.isolation(someHash(`${i}`))),
  );
});

test('the dial names a literal address, and its port', (t) => {
  const dial = planner().dial(makeRouter('x', { host: '5.6.7.8', port: '443' }));
  t.like(dial, { address: { host: '5.6.7.8', port: 443, family: 4 } });
  t.is(planner().dial(makeRouter('y', { listening: false })), undefined);
});

test('remembered failures are bounded', (t) => {
  const plan = planner();
  plan.failed(first.hash, NOW, true);
  for (let i = 0; i < MAX_FAILED; i++) plan.failed(someHash(`f ${i}`), NOW);
  t.true(plan.mayDial(first.hash, NOW), 'the oldest made room');
});
