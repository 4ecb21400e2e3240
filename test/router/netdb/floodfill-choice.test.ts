import test from 'ava';
import { FloodfillChoice } from '../../../services/router/netdb/floodfill-choice.ts';
import { RouterInfoStore } from '../../../services/router/netdb/store.ts';
import { hashBytes, type RouterHash } from '../../../services/router/wire/hash.ts';
import { makeRouter, NET_ID, NOW, someHash } from './make.ts';

const MINUTE = 60_000;
const KEY = hashBytes(someHash('key'));
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
