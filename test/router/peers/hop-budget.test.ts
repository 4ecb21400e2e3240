import {
  HopBudget,
  MAX_REQUESTS,
  MAX_TUNNELS,
  MIN_REQUESTS,
  MIN_TUNNELS,
  REQUEST_WINDOW,
  TUNNEL_WINDOW,
} from '@allium/router/peers/hop-budget.ts';
import test from 'ava';
import { NOW, someHash } from '../netdb/make.ts';

const HOP = someHash('hop');

/** Builds that may begin from `now` on, one after the other. */
function room(budget: HopBudget, direct: boolean, now: number): number {
  let count = 0;
  for (; budget.allows(HOP, direct, now) && count < 100; count++) budget.started(HOP, direct, now);
  return count;
}

test('a neighbour that has answered nothing gets four builds in 220 s', (t) => {
  const budget = new HopBudget();
  t.is(room(budget, true, NOW), MIN_TUNNELS);
  t.is(budget.load(HOP, NOW), MIN_TUNNELS);
  t.is(room(budget, true, NOW + TUNNEL_WINDOW - 1), 0);
  t.is(room(budget, true, NOW + TUNNEL_WINDOW), MIN_TUNNELS);
  t.is(room(new HopBudget(), false, NOW), MIN_TUNNELS);
});

test('each answer lets one more pass, up to what a busy Java router takes', (t) => {
  const budget = new HopBudget();
  budget.started(HOP, true, NOW - TUNNEL_WINDOW);
  for (let i = 0; i < 3; i++) budget.answered(HOP);
  t.is(room(budget, true, NOW), MIN_TUNNELS + 3);
  for (let i = 0; i < 100; i++) budget.answered(HOP);
  t.is(room(budget, true, NOW + TUNNEL_WINDOW), MAX_TUNNELS);
});

test('requests of our own are counted by themselves, in half the time', (t) => {
  const budget = new HopBudget();
  budget.started(HOP, true, NOW - TUNNEL_WINDOW);
  for (let i = 0; i < 4; i++) budget.answered(HOP);
  for (let i = 0; i < MIN_TUNNELS; i++) budget.started(HOP, false, NOW);
  t.is(room(budget, true, NOW), MIN_TUNNELS, 'tunnels are the narrower');
  t.true(MIN_REQUESTS <= 7 && MAX_REQUESTS <= 27, 'as Java counts');
  t.true(MAX_REQUESTS * (TUNNEL_WINDOW / REQUEST_WINDOW) >= MAX_TUNNELS);
});

test('silence takes half of what answers have brought, and neighbours do not share', (t) => {
  const budget = new HopBudget();
  budget.started(HOP, true, NOW - TUNNEL_WINDOW);
  for (let i = 0; i < 9; i++) budget.answered(HOP);
  budget.silent(HOP);
  t.is(room(budget, false, NOW), MIN_TUNNELS + 4);
  t.true(budget.allows(someHash('other'), true, NOW));
  budget.clear();
  t.true(budget.allows(HOP, true, NOW));
});
