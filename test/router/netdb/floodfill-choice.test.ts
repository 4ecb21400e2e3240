import test from 'ava';
import {
  FloodfillChoice,
  OLD_FLOODFILL,
  STALE_FLOODFILL,
} from '../../../services/router/netdb/floodfill-choice.ts';
import { compareDistance, dayOf, routingKey } from '../../../services/router/netdb/routing-key.ts';
import { RouterInfoStore } from '../../../services/router/netdb/store.ts';
import { hashBytes, type RouterHash } from '../../../services/router/wire/hash.ts';
import { makeRouter, NET_ID, NOW, someHash } from './make.ts';

const MINUTE = 60_000;
const KEY = hashBytes(someHash('key'));
const TARGET = routingKey(KEY, dayOf(NOW));
const NONE: ReadonlySet<RouterHash> = new Set();

function choiceOf(count: number): { choice: FloodfillChoice; order: RouterHash[]; self: RouterHash } {
  const store = new RouterInfoStore({ netId: NET_ID, allowPrivateAddresses: false });
  const self = makeRouter('self', { caps: 'OfR' });
  store.add(self, NOW);
  store.add(makeRouter('hidden', { caps: 'OfH' }), NOW);
  store.add(makeRouter('no floodfill'), NOW);
  for (let i = 0; i < count; i++) store.add(makeRouter(`choice ${i}`, { caps: 'OfR' }), NOW);
  const choice = new FloodfillChoice(store, self.hash);
  const order: RouterHash[] = [];
  for (;;) {
    const next = choice.nearest(KEY, NOW, new Set(order));
    if (!next) break;
    order.push(next.hash);
  }
  return { choice, order, self: self.hash };
}

test('ourselves, hidden routers and those that are no floodfills are never asked', (t) => {
  const { order, self } = choiceOf(6);
  t.is(order.length, 6);
  t.false(order.includes(self));
});

test('a floodfill that kept silent twice rests, longer each time, and comes back', (t) => {
  const { choice, order } = choiceOf(4);
  const [first, second] = order as [RouterHash, RouterHash];
  const nearest = (now: number): RouterHash | undefined => choice.nearest(KEY, now, NONE)?.hash;
  choice.silent(first, NOW);
  t.is(nearest(NOW), first, 'once may be our own tunnel');
  choice.silent(first, NOW);
  t.is(nearest(NOW), second);
  t.is(nearest(NOW + 5 * MINUTE), first);
  choice.silent(first, NOW);
  t.is(nearest(NOW + 5 * MINUTE), second);
  for (let i = 0; i < 100; i++) choice.silent(first, NOW);
  t.is(nearest(NOW + 30 * MINUTE), first, 'never longer than half an hour');
});

test('one answer ends the rest', (t) => {
  const { choice, order } = choiceOf(4);
  const [first] = order as [RouterHash];
  for (let i = 0; i < 5; i++) choice.silent(first, NOW);
  choice.answered(first);
  t.is(choice.nearest(KEY, NOW, NONE)?.hash, first);
});

test('when all rest the nearest is asked all the same', (t) => {
  const { choice, order } = choiceOf(3);
  for (const hash of order) for (let i = 0; i < 3; i++) choice.silent(hash, NOW);
  t.is(choice.nearest(KEY, NOW, NONE)?.hash, order[0]);
});

test('eight floodfills of one network near a key are not all that is asked', (t) => {
  const store = new RouterInfoStore({ netId: NET_ID, allowPrivateAddresses: false });
  const choice = new FloodfillChoice(store, someHash('self'));
  const crowd = Array.from({ length: 200 }, (_, i) =>
    makeRouter(`crowd ${i}`, { caps: 'OfR', host: `93.7.${i}.1` }),
  )
    .toSorted((a, b) => compareDistance(TARGET, hashBytes(a.hash), hashBytes(b.hash)))
    .slice(0, 8);
  for (const info of crowd) store.add(info, NOW);
  for (let i = 0; i < 8; i++) store.add(makeRouter(`honest ${i}`, { caps: 'OfR' }), NOW);
  const asked = new Set<RouterHash>();
  for (let i = 0; i < 8; i++) asked.add(choice.nearest(KEY, NOW, asked)?.hash ?? someHash('nobody'));
  t.is(crowd.filter(({ hash }) => asked.has(hash)).length, 1);
});

test('floodfills that others cannot reach, or that are old, come last', (t) => {
  const store = new RouterInfoStore({ netId: NET_ID, allowPrivateAddresses: false });
  const choice = new FloodfillChoice(store, someHash('self'));
  const last = [
    makeRouter('v6 only', { caps: 'OfR', host: '2a01:4f8::5' }),
    makeRouter('firewalled', { caps: 'OfU' }),
    makeRouter('old', { caps: 'OfR', published: NOW - OLD_FLOODFILL - 1 }),
  ];
  const first = [0, 1, 2, 3].map((i) => makeRouter(`good ${i}`, { caps: 'OfR' }));
  for (const info of [...last, ...first]) store.add(info, NOW);
  const asked: RouterHash[] = [];
  for (let i = 0; i < 7; i++)
    asked.push(choice.nearest(KEY, NOW, new Set(asked))?.hash ?? someHash('nobody'));
  t.deepEqual(asked.slice(4).sort(), last.map(({ hash }) => hash).sort());
});

test('the older a floodfill the later it is asked, however near it is', (t) => {
  const store = new RouterInfoStore({ netId: NET_ID, allowPrivateAddresses: false });
  const choice = new FloodfillChoice(store, someHash('self'));
  const ages = [STALE_FLOODFILL + 1, OLD_FLOODFILL + 1, 0];
  const near = Array.from({ length: 30 }, (_, i) => ({
    seed: `aged ${i}`,
    hash: makeRouter(`aged ${i}`).hash,
  }))
    .toSorted((a, b) => compareDistance(TARGET, hashBytes(a.hash), hashBytes(b.hash)))
    .slice(0, 3)
    .map(({ seed }, i) => makeRouter(seed, { caps: 'OfR', published: NOW - (ages[i] ?? 0) }));
  for (const info of near) store.add(info, NOW);
  const asked: RouterHash[] = [];
  for (const _ of near) asked.push(choice.nearest(KEY, NOW, new Set(asked))?.hash ?? someHash('nobody'));
  t.deepEqual(asked, near.map(({ hash }) => hash).toReversed());
});
