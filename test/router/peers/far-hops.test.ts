import test from 'ava';
import { MAX_PROVEN, POOL_PROVEN } from '../../../services/router/peers/far-hops.ts';
import { NEW_PROFILE } from '../../../services/router/peers/profile.ts';
import { ProfileTable } from '../../../services/router/peers/profile-table.ts';
import { hopScore } from '../../../services/router/peers/score.ts';
import { type SelectRequest, selectHops } from '../../../services/router/peers/select.ts';
import type { RouterHash } from '../../../services/router/wire/hash.ts';
import type { RouterInfo } from '../../../services/router/wire/router-info.ts';
import { recordedEntropy } from '../../support/entropy.ts';
import { openWorld } from '../../support/hop-world.ts';
import { inShort } from '../../support/long.ts';
import { makeRouter, NOW } from '../netdb/make.ts';

const HOUR = 3_600_000;
const MINUTE = 60_000;
const RULES = { skipIpDiversity: false };
function many(count: number, prefix: string): RouterInfo[] {
  return Array.from({ length: count }, (_, i) =>
    makeRouter(`${prefix} ${i}`, { host: `${20 + (i >> 8)}.${i & 255}.1.1` }),
  );
}

/** Far hops of many tunnels, as often as they were chosen. */
function drawn(
  near: readonly RouterInfo[],
  far: readonly RouterInfo[],
  more: Partial<SelectRequest>,
  tunnels = 200,
): { counts: Map<RouterHash, number>; paths: RouterHash[][] } {
  const counts = new Map<RouterHash, number>();
  const paths: RouterHash[][] = [];
  const random = recordedEntropy('drawn');
  for (let i = 0; i < tunnels; i++) {
    const selection = selectHops(
      {
        direction: 'outbound',
        length: 3,
        purpose: 'client',
        order: 7,
        candidates: [...near, ...far],
        connected: new Set(near.map(({ hash }) => hash)),
        neighbours: new Set(near.map(({ hash }) => hash)),
        firstHops: new Map(),
        exclude: new Set(),
        profiles: new ProfileTable(),
        random,
        now: NOW,
        ...more,
      },
      RULES,
    );
    if (selection.kind === 'none') continue;
    const path = selection.hops.slice(1).map(({ hash }) => hash);
    paths.push(path);
    for (const hash of path) counts.set(hash, (counts.get(hash) ?? 0) + 1);
  }
  return { counts, paths };
}

function accepting(routers: readonly RouterInfo[], times = 2): ProfileTable {
  const profiles = new ProfileTable();
  for (let i = 0; i < times; i++) for (const { hash } of routers) profiles.record(hash, 'accepted', NOW);
  return profiles;
}

function share(counts: ReadonlyMap<RouterHash, number>, of: readonly RouterInfo[]): number {
  const all = [...counts.values()].reduce((sum, count) => sum + count, 0);
  return of.reduce((sum, { hash }) => sum + (counts.get(hash) ?? 0), 0) / all;
}

const NEAR = many(4, 'near').map((_, i) => makeRouter(`near ${i}`, { host: `9.${i}.1.1` }));
const FAR = many(300, 'far');

test('hops of clients are proven ones but for one in twenty, exploratory tunnels try out somebody in every second', (t) => {
  const proven = FAR.slice(0, 30);
  const profiles = accepting(proven);
  const client = share(drawn(NEAR, FAR, { profiles }).counts, proven);
  t.true(client > 0.91 && client < 0.99, `${client}`);
  const { paths } = drawn(NEAR, FAR, { profiles, purpose: 'exploratory' }, 400);
  const known = new Set(proven.map(({ hash }) => hash));
  const fresh = paths.map((path) => path.filter((hash) => !known.has(hash)).length);
  t.true(
    fresh.every((count) => count <= 1),
    'never two new hops, or nobody could say who failed',
  );
  const exploring = fresh.filter((count) => count === 1).length / paths.length;
  t.true(exploring > 0.4 && exploring < 0.6, `${exploring}`);
});

test('who refuses, does not answer or loses what passes it is not proven any more', (t) => {
  const proven = FAR.slice(0, 40);
  for (const stage of ['declined', 'buildTimeout', 'testFailed'] as const) {
    const profiles = accepting(proven);
    const fallen = proven.slice(0, 20);
    for (let i = 0; i < 4; i++) for (const { hash } of fallen) profiles.record(hash, stage, NOW);
    t.true(share(drawn(NEAR, FAR, { profiles }).counts, fallen) < 0.05, stage);
  }
});

test('each pool has proven hops of its own, and meets few', (t) => {
  const profiles = accepting(FAR);
  const met = (order: number): Set<RouterHash> => {
    const { counts } = drawn(NEAR, FAR, { profiles, order }, 400);
    return new Set([...counts.keys()].filter((hash) => (counts.get(hash) ?? 0) > 2));
  };
  const [a, b] = [met(1), met(0x9e3779b9)];
  t.true(a.size <= POOL_PROVEN && b.size <= POOL_PROVEN && a.size > POOL_PROVEN / 3);
  const common = [...a].filter((hash) => b.has(hash)).length;
  // two draws of 40 from the 150 have 11 in common
  t.true(common < POOL_PROVEN / 2, `${common} of ${a.size} and ${b.size}`);
  t.true(FAR.length > MAX_PROVEN);
});

test('two hops of a pool are always in the same order, in other pools perhaps in the other', (t) => {
  const far = FAR.slice(0, 12);
  const orders = (order: number): Set<string> =>
    new Set(drawn(NEAR, far, { profiles: accepting(far), order }, 400).paths.map((path) => path.join(' ')));
  const one = orders(1);
  t.true([...one].every((pair) => !one.has(pair.split(' ').toReversed().join(' '))));
  const other = orders(0x80000001);
  t.true([...other].some((pair) => one.has(pair.split(' ').toReversed().join(' '))));
});

test('load is spread: who was of use longest ago comes first', (t) => {
  const far = FAR.slice(0, 30);
  const profiles = accepting(far.slice(0, 15));
  for (const { hash } of far.slice(15)) profiles.record(hash, 'accepted', NOW - MINUTE);
  const late = drawn(NEAR, far, { profiles });
  t.true(share(late.counts, far.slice(15)) > 0.9);
});

test('neighbours are no far hops while there are strangers enough', (t) => {
  const { counts } = drawn(FAR.slice(0, 30), FAR.slice(30, 60), {});
  t.is(share(counts, FAR.slice(30, 60)), 1);
  t.is(drawn(FAR.slice(0, 4), [], {}).paths.length, 200, 'a small network has nobody else');
});

test('a RouterInfo is worth half after three hours and a tenth after twelve, unless its router did well since', (t) => {
  const aged = (hours: number): RouterInfo => makeRouter('aged', { published: NOW - hours * HOUR });
  const score = (hours: number): number => hopScore(aged(hours), NEW_PROFILE, 'client', NOW);
  t.true(Math.abs(score(3) / score(0) - 0.5) < 0.01);
  t.true(Math.abs(score(12) / score(0) - 0.1) < 0.01);
  const profiles = accepting([aged(0)]);
  const { hash } = aged(0);
  const used = (hours: number): number => hopScore(aged(hours), profiles.get(hash, NOW), 'client', NOW);
  t.is(used(12), used(0));
});

test('the less a hop has shown the more of the guilt of a lost build is its', (t) => {
  const [old, fresh] = FAR as [RouterInfo, RouterInfo];
  const profiles = accepting([old], 8);
  for (const { hash } of [old, fresh]) profiles.lost(hash, [old.hash, fresh.hash], NOW);
  const blamed = (info: RouterInfo): number => profiles.get(info.hash, NOW).counts.buildTimeout;
  t.true(blamed(fresh) > 0.8 && blamed(old) < 0.2);
  t.true(
    blamed(fresh) + blamed(old) > 0.95 && blamed(fresh) + blamed(old) < 1.05,
    'one build is lost, not two',
  );
});

for (const [known, share] of [
  [400, 'a few hundred'],
  [1_500, 'all'],
] as const) {
  test(`45 % of routers are dead and ${share} are known: clients' builds succeed at 70 % and more`, (t) => {
    t.timeout(600_000);
    const net = openWorld({ seed: `static ${known}`, known, dead: 0.45, neighbours: 24 }, inShort(3, 6));
    net.run(140 * MINUTE);
    const [first, tenth, later] = [
      [0, 10],
      [10, 30],
      [110, 140],
    ].map(([from = 0, to = 0]) => net.success(from * MINUTE, to * MINUTE)) as [number, number, number];
    const percent = (part: number): string => `${Math.round(part * 100)} %`;
    t.log(
      `${known} known, minutes 0-10: ${percent(first)}, 10-30: ${percent(tenth)}, 110-140: ${percent(later)}`,
    );
    t.true(tenth >= 0.7, `after ten minutes ${percent(tenth)}`);
    t.true(later >= 0.7, `after two hours ${percent(later)}`);
  });
}
