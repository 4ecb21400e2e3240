import test from 'ava';
import fc from 'fast-check';
import { Visitors } from '../../../services/router/client/visitors.ts';

const LIMITS = { streams: 3, streamsPerRemote: 2, requests: 2, waitMs: 100 };
const NOW = 1_000;

test('a visitor meets the request that waits longest, and the other way round', (t) => {
  const desk = new Visitors<string, string>(LIMITS);
  t.deepEqual(desk.ask('r1'), []);
  t.deepEqual(desk.ask('r2'), []);
  t.deepEqual(desk.arrive('v1', 'a', NOW), [{ kind: 'join', visitor: 'v1', request: 'r1' }]);
  t.deepEqual(desk.arrive('v2', 'a', NOW), [{ kind: 'join', visitor: 'v2', request: 'r2' }]);
  t.deepEqual(desk.arrive('v3', 'b', NOW), [{ kind: 'wake', at: NOW + 100 }]);
  t.deepEqual(desk.ask('r3'), [{ kind: 'join', visitor: 'v3', request: 'r3' }]);
  t.deepEqual(desk.waiting, { visitors: 0, requests: 0 });
  t.is(desk.open, 3);
});

test('visitors over the limits are reset: all, and of one Destination', (t) => {
  const desk = new Visitors<string, string>(LIMITS);
  desk.arrive('v1', 'a', NOW);
  desk.arrive('v2', 'a', NOW);
  t.deepEqual(desk.arrive('v3', 'a', NOW), [{ kind: 'reset', visitor: 'v3' }]);
  desk.arrive('v4', 'b', NOW);
  t.deepEqual(desk.arrive('v5', 'c', NOW), [{ kind: 'reset', visitor: 'v5' }]);
  desk.left('v3');
  t.is(desk.open, 3, 'who was reset was never counted');
  desk.left('v1');
  t.like(desk.arrive('v6', 'c', NOW), [{ kind: 'wake' }]);
});

test('a visitor whom nobody asks for in time is reset, and stays counted until he is gone', (t) => {
  const desk = new Visitors<string, string>(LIMITS);
  desk.arrive('v1', 'a', NOW);
  desk.arrive('v2', 'b', NOW + 50);
  t.deepEqual(desk.tick(NOW + 99), [{ kind: 'wake', at: NOW + 100 }]);
  t.deepEqual(desk.tick(NOW + 100), [
    { kind: 'reset', visitor: 'v1' },
    { kind: 'wake', at: NOW + 150 },
  ]);
  t.is(desk.open, 2);
  desk.left('v1');
  t.is(desk.open, 1);
  t.like(desk.ask('r1'), [{ kind: 'join', visitor: 'v2' }]);
});

test('who left or was withdrawn meets nobody', (t) => {
  const desk = new Visitors<string, string>(LIMITS);
  desk.arrive('v1', 'a', NOW);
  desk.left('v1');
  t.deepEqual(desk.ask('r1'), []);
  desk.withdraw('r1');
  t.like(desk.arrive('v2', 'a', NOW), [{ kind: 'wake' }]);
});

test('more requests than may wait are busy', (t) => {
  const desk = new Visitors<string, string>(LIMITS);
  desk.ask('r1');
  desk.ask('r2');
  t.deepEqual(desk.ask('r3'), [{ kind: 'busy', request: 'r3' }]);
  t.is(desk.waiting.requests, 2);
});

test('visitors and requests never wait beside each other, whatever happens', (t) => {
  const act = fc.tuple(
    fc.constantFrom('arrive', 'ask', 'left', 'withdraw', 'tick'),
    fc.nat({ max: 5 }),
    fc.nat(99),
  );
  fc.assert(
    fc.property(fc.array(act, { maxLength: 60 }), (acts) => {
      const desk = new Visitors<number, number>(LIMITS);
      let now = NOW;
      let id = 0;
      for (const [kind, which, later] of acts) {
        now += later;
        if (kind === 'arrive') desk.arrive(id++, `${which}`, now);
        else if (kind === 'ask') desk.ask(id++);
        else if (kind === 'tick') desk.tick(now);
        else desk[kind](Math.max(0, id - 1 - which));
        const { visitors, requests } = desk.waiting;
        t.true(visitors === 0 || requests === 0);
        t.true(visitors <= desk.open && desk.open <= LIMITS.streams && requests <= LIMITS.requests);
      }
    }),
  );
});
