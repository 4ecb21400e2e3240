import {
  ALL_SILENT,
  BENCH,
  Blame,
  DOUBTFUL_VERDICT_AFTER,
  SILENT_AFTER,
  VERDICT_AFTER,
} from '@allium/router/peers/blame.ts';
import type { RouterHash } from '@allium/router/wire/hash.ts';
import test from 'ava';
import { NOW, someHash } from '../netdb/make.ts';

const [NEAR, OTHER] = [someHash('near'), someHash('other')];

function build(
  n: number,
  neighbour = NEAR,
  started = NOW,
): { neighbour: RouterHash; hops: RouterHash[]; started: number } {
  return { neighbour, hops: [neighbour, someHash(`x ${n}`), someHash(`y ${n}`)], started };
}

/** What is known when `rate` of 20 builds through another neighbour was answered. */
function knowing(rate: number): Blame {
  const blame = new Blame();
  for (let i = 0; i < 20; i++) {
    if (i < 20 * rate) blame.answered(OTHER, NOW);
    else blame.lost(build(i, OTHER, NOW - 1), NOW);
  }
  return blame;
}

test('a build that is lost while its neighbour answers others is held against those behind it, at once', (t) => {
  const blame = new Blame();
  blame.answered(NEAR, NOW + 5_000);
  const lost = build(1);
  t.deepEqual(blame.lost(lost, NOW + 30_000), [{ guilty: lost.hops.slice(1) }]);
  const bootstrap = { ...lost, hops: [NEAR] };
  t.deepEqual(
    blame.lost(bootstrap, NOW + 30_000),
    [{ guilty: [NEAR] }],
    'in a tunnel of one hop it was that',
  );
});

test('otherwise the verdict waits for the next answer', (t) => {
  const blame = new Blame();
  const lost = [build(1), build(2)];
  for (const one of lost) t.deepEqual(blame.lost(one, NOW + 30_000), []);
  t.deepEqual(blame.answered(OTHER, NOW + 31_000), [], 'not for that of another');
  t.deepEqual(
    blame.answered(NEAR, NOW + 32_000),
    lost.map(({ hops }) => ({ guilty: hops.slice(1) })),
  );
  t.deepEqual(blame.answered(NEAR, NOW + 33_000), []);
});

test('a neighbour of whom nothing more is heard shares the guilt after a minute', (t) => {
  const blame = new Blame();
  const lost = build(1);
  blame.lost(lost, NOW);
  t.deepEqual(blame.overdue(NOW + VERDICT_AFTER - 1), []);
  t.deepEqual(blame.overdue(NOW + VERDICT_AFTER), [{ guilty: lost.hops }]);
  t.deepEqual(blame.overdue(NOW + 2 * VERDICT_AFTER), []);
});

for (const [rate, inRow] of [
  [0.95, SILENT_AFTER],
  [0.5, 5],
  [0.3, 9],
] as const) {
  test(`where others answer ${100 * rate} % of builds, ${inRow} lost in a row are the neighbour's`, (t) => {
    const blame = knowing(rate);
    for (let i = 1; i < inRow; i++) t.deepEqual(blame.lost(build(i), NOW + 1), [], `${i}`);
    t.false(blame.benched(NEAR, NOW + 1));
    t.deepEqual(blame.lost(build(inRow), NOW + 1), [{ guilty: [NEAR], silent: NEAR }]);
    t.true(blame.benched(NEAR, NOW + BENCH));
    t.false(blame.benched(NEAR, NOW + 1 + BENCH));
    t.deepEqual(blame.answered(NEAR, NOW + 2), [], 'those behind it never hear of it');
    t.false(blame.benched(NEAR, NOW + 2), 'who answers is not left out');
  });
}

test('what was lost over a session that is gone is held against nobody', (t) => {
  const blame = knowing(0.95);
  for (let i = 1; i < SILENT_AFTER; i++) blame.lost(build(i), NOW + 1);
  t.is(blame.unanswered(NEAR), 0, 'of no account while others answer');
  for (let i = 0; i < ALL_SILENT; i++) blame.lost(build(i, OTHER, NOW - 1), NOW + 1);
  t.is(blame.unanswered(NEAR), SILENT_AFTER - 1);
  blame.renewed(NEAR);
  t.is(blame.unanswered(NEAR), 0);
  t.deepEqual(blame.lost(build(9), NOW + 2), []);
  t.is(blame.answered(NEAR, NOW + 3).length, 1, 'only what was lost since');
});

test('where nobody answers, no neighbour is singled out, and all are blamed in the end', (t) => {
  const blame = knowing(0);
  blame.overdue(NOW + VERDICT_AFTER);
  for (let i = 0; i < 10; i++) t.deepEqual(blame.lost(build(i), NOW + i), [], `${i}`);
  t.false(blame.benched(NEAR, NOW + 10));
  t.deepEqual(blame.overdue(NOW + DOUBTFUL_VERDICT_AFTER - 1), []);
  t.is(
    blame.overdue(NOW + DOUBTFUL_VERDICT_AFTER + 10).filter(({ guilty }) => guilty.includes(NEAR)).length,
    10,
  );
});

test('one that loses half more than the others is left out for a while, though it answers now and then', (t) => {
  const blame = knowing(0.8);
  for (let i = 0; i < 20; i++) {
    if (i % 4 === 0) blame.answered(NEAR, NOW + i);
    else blame.lost(build(i, NEAR, NOW + i - 10), NOW + i);
  }
  t.true(blame.benched(NEAR, NOW + 20));
  t.false(blame.benched(OTHER, NOW + 20));
  blame.clear();
  t.false(blame.benched(NEAR, NOW + 20));
});
