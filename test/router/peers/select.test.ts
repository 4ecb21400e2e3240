import test from 'ava';
import fc from 'fast-check';
import { assumedPortShare } from '../../../services/router/peers/exit-policy.ts';
import { peerFacts } from '../../../services/router/peers/peer-facts.ts';
import { NEW_PROFILE, recorded } from '../../../services/router/peers/profile.ts';
import { ProfileTable } from '../../../services/router/peers/profile-table.ts';
import { hopScore } from '../../../services/router/peers/score.ts';
import {
  ENOUGH_STRANGERS,
  MIN_PER_FIRST_HOP,
  type Selection,
  type SelectRequest,
  selectHops,
} from '../../../services/router/peers/select.ts';
import type { RouterHash } from '../../../services/router/wire/hash.ts';
import type { RouterInfo } from '../../../services/router/wire/router-info.ts';
import { recordedEntropy } from '../../support/entropy.ts';
import { makeRouter, NOW, type RouterFacts } from '../netdb/make.ts';

const STRICT = { skipIpDiversity: false };
const LOOSE = { skipIpDiversity: true };

function many(count: number, facts: RouterFacts = {}, prefix = 'm'): RouterInfo[] {
  return Array.from({ length: count }, (_, i) =>
    makeRouter(`${prefix} ${i}`, { host: `${20 + i}.${i}.1.1`, ...facts }),
  );
}

function hashes(routers: readonly RouterInfo[]): Set<RouterHash> {
  return new Set(routers.map(({ hash }) => hash));
}

function choose(
  candidates: readonly RouterInfo[],
  more: Partial<SelectRequest> = {},
  rules = STRICT,
  seed = 'select',
): Selection {
  return selectHops(
    {
      direction: 'inbound',
      length: 3,
      purpose: 'client',
      order: 1,
      candidates,
      connected: hashes(candidates),
      neighbours: new Set(),
      firstHops: new Map(),
      exclude: new Set(),
      profiles: new ProfileTable(),
      random: recordedEntropy(seed),
      now: NOW,
      ...more,
    },
    rules,
  );
}

/** How often each router was chosen in `runs` draws, by place. */
function tally(
  candidates: readonly RouterInfo[],
  more: Partial<SelectRequest>,
  place: (hops: readonly RouterInfo[]) => RouterInfo | undefined,
  runs = 200,
): Map<string, number> {
  const counts = new Map<string, number>();
  const random = recordedEntropy('tally');
  for (let i = 0; i < runs; i++) {
    const selection = choose(candidates, { random, ...more });
    const hash = selection.kind === 'hops' ? place(selection.hops)?.hash : undefined;
    if (hash !== undefined) counts.set(hash, (counts.get(hash) ?? 0) + 1);
  }
  return counts;
}

const usable: [string, RouterFacts, boolean][] = [
  ['an ordinary router', {}, true],
  ['a floodfill', { caps: 'XfR' }, true],
  ['a busy router (E)', { caps: 'ORE' }, true],
  ['no bandwidth letter', { caps: 'R' }, false],
  ['no caps', { caps: '' }, false],
  ['a hidden router', { caps: 'OHR' }, false],
  ['an old version', { version: '0.9.58' }, false],
  ['the floor version', { version: '0.9.59' }, true],
  ['a version that is none', { version: 'new' }, false],
];
for (const [name, facts, expected] of usable) {
  test(`${name} is ${expected ? '' : 'not '}taken into tunnels`, (t) => {
    const router = makeRouter('usable', facts);
    t.is(choose([router], { length: 1 }).kind, expected ? 'hops' : 'none');
  });
}

test('a router that refuses all tunnels (G) is never taken, a hop or a first hop', (t) => {
  t.deepEqual(choose([makeRouter('g', { caps: 'ORG' })], { length: 1 }), {
    kind: 'none',
    missing: 'adjacent',
  });
  t.is(hopScore(makeRouter('g', { caps: 'ORG' }), NEW_PROFILE, 'client', NOW), 0);
});

const adjacent: [string, RouterFacts, boolean][] = [
  ['host, port, s and i', {}, true],
  ['only an SSU2 address', { transport: 'SSU2' }, false],
  ['no published address', { listening: false }, false],
  ['a host name', { host: 'router.example' }, false],
  ['port 0', { port: '0' }, false],
  ['an overlay address', { host: '201:2::3' }, false],
  ['an IPv6 address', { host: '2a01:4f8::2' }, true],
  ['U instead of R', { caps: 'OU' }, true],
];
for (const [name, facts, expected] of adjacent) {
  test(`a hop next to us with ${name} is ${expected ? 'fit' : 'unfit'}`, (t) => {
    const near = makeRouter('near', facts);
    const selection = choose([near, ...many(6)], { connected: hashes([near]) });
    t.is(selection.kind === 'hops' && selection.hops[2]?.hash === near.hash, expected);
    if (!expected) t.deepEqual(selection, { kind: 'none', missing: 'adjacent' });
  });
}

const far: [string, RouterFacts, boolean][] = [
  ['R and NTCP2 over IPv4', {}, true],
  ['R and SSU2 over IPv4', { transport: 'SSU2' }, true],
  ['U', { caps: 'OU' }, false],
  ['neither R nor U', { caps: 'O' }, false],
  ['R without an address', { listening: false }, false],
  ['R over IPv6 only', { host: '2a01:4f8::2' }, false],
];
for (const [name, facts, expected] of far) {
  test(`a far hop or gateway with ${name} is ${expected ? 'fit' : 'unfit'}`, (t) => {
    const near = makeRouter('near', { host: '9.9.9.9' });
    const other = makeRouter('other', facts);
    const selection = choose([near, other], { connected: hashes([near]), length: 2 });
    t.is(selection.kind, expected ? 'hops' : 'none');
    if (selection.kind === 'hops')
      t.deepEqual(
        selection.hops.map(({ hash }) => hash),
        [other.hash, near.hash],
      );
    else t.is(selection.missing, 'gateway');
  });
}

test('a one-hop tunnel needs a hop that is connected and reachable at once', (t) => {
  const near = makeRouter('near', { caps: 'OU' });
  t.is(choose([near], { length: 1 }).kind, 'none');
  t.is(choose([near, ...many(2)], { length: 1, connected: hashes([near]) }).kind, 'none');
});

test('tunnels of both directions begin at connected first hops, and nowhere else', (t) => {
  const all = many(8);
  const one = all.slice(0, 1);
  for (const direction of ['inbound', 'outbound'] as const) {
    t.deepEqual(choose(all, { direction, connected: new Set() }), { kind: 'none', missing: 'adjacent' });
    for (let i = 0; i < 20; i++) {
      const found = choose(all, { direction, connected: hashes(one) }, STRICT, `${i}`);
      const near = found.kind === 'hops' && (direction === 'inbound' ? found.hops[2] : found.hops[0]);
      t.is(near, one[0]);
    }
  }
});

test('neighbours are no far hops, unless too few others are left', (t) => {
  const all = many(ENOUGH_STRANGERS + 12);
  const near = all.slice(0, 12);
  const chosen = (candidates: readonly RouterInfo[]): Set<string> => {
    const counts = new Set<string>();
    const random = recordedEntropy('far');
    for (let i = 0; i < 120; i++) {
      const found = choose(candidates, {
        connected: hashes(near.slice(0, 3)),
        neighbours: hashes(near),
        random,
      });
      for (const { hash } of found.kind === 'hops' ? found.hops.slice(0, 2) : []) counts.add(hash);
    }
    return counts;
  };
  const far = chosen(all);
  t.deepEqual(
    near.filter(({ hash }) => far.has(hash)),
    [],
  );
  t.is(far.size, ENOUGH_STRANGERS, 'all others');
  t.true(
    near.some(({ hash }) => chosen(all.slice(0, -1)).has(hash)),
    'one router fewer, and all are taken',
  );
});

test('any selection keeps every rule', (t) => {
  const facts = fc.record({
    caps: fc.constantFrom('OR', 'XfR', 'LU', 'ORD', 'NRE', 'PRG', 'R', 'OHR', 'KR'),
    host: fc.nat(11).map((n) => `${30 + (n % 6)}.${n % 4}.3.${n}`),
    family: fc.constantFrom(undefined, 'red', 'blue'),
    version: fc.constantFrom('0.9.67', '0.9.59', '0.9.57'),
    connected: fc.boolean(),
  });
  let built = 0;
  fc.assert(
    fc.property(
      fc.array(facts, { minLength: 1, maxLength: 16 }),
      fc.integer({ min: 1, max: 4 }),
      fc.constantFrom('inbound', 'outbound') as fc.Arbitrary<'inbound' | 'outbound'>,
      (specs, length, direction) => {
        const routers = specs.map(({ family, connected: _, ...spec }, i) =>
          makeRouter(`any ${i}`, family === undefined ? spec : { ...spec, family }),
        );
        const connected = hashes(routers.filter((_, i) => specs[i]?.connected));
        const selection = choose(routers, { length, direction, connected });
        if (selection.kind === 'none') return;
        built++;
        const { hops } = selection;
        t.is(hops.length, length);
        t.is(new Set(hops).size, length);
        const near = direction === 'inbound' ? hops[length - 1] : hops[0];
        for (const hop of hops) {
          const { usable: fit, congestion, reachable, dialable } = peerFacts(hop);
          t.true(fit && congestion !== 'G');
          t.true(hop === near ? dialable.length > 0 : reachable);
        }
        t.true(near !== undefined && connected.has(near.hash));
        const networks = hops.flatMap((hop) => peerFacts(hop).networks);
        t.is(new Set(networks).size, networks.length);
        const families = hops.flatMap((hop) => peerFacts(hop).family ?? []);
        t.is(new Set(families).size, families.length);
      },
    ),
    { numRuns: 150 },
  );
  t.true(built > 20);
});

test('eight routers on one /16 build three hops with skipIpDiversity, and nothing without it', (t) => {
  const all = Array.from({ length: 8 }, (_, i) =>
    makeRouter(`lan ${i}`, { host: '127.0.0.1', port: `${9000 + i}`, caps: 'XfR' }),
  );
  const connected = hashes(all.slice(0, 2));
  for (const direction of ['inbound', 'outbound'] as const) {
    for (const length of [1, 2, 3]) {
      for (let i = 0; i < 30; i++) {
        t.is(choose(all, { direction, length, connected }, LOOSE, `${i}`).kind, 'hops');
      }
    }
    t.is(choose(all, { direction, connected }, STRICT).kind, 'none');
  }
});

test('one connected peer of eight is enough for tunnel after tunnel', (t) => {
  const all = Array.from({ length: 8 }, (_, i) =>
    makeRouter(`lan ${i}`, { host: '127.0.0.1', port: `${9000 + i}` }),
  );
  const [only] = all as [RouterInfo];
  const firstHops = new Map([[only.hash, 12]]);
  t.is(choose(all, { connected: hashes([only]), firstHops }, LOOSE).kind, 'hops');
});

test('a first hop over its share is passed over while others can be taken', (t) => {
  const all = many(10);
  const [busy, ...others] = all as [RouterInfo, ...RouterInfo[]];
  const near = hashes(all.slice(0, 3));
  const firstHops = new Map([
    [busy.hash, 5],
    [(others[0] as RouterInfo).hash, 1],
    [(others[1] as RouterInfo).hash, 1],
  ]);
  const counts = tally(all, { connected: near, firstHops }, (hops) => hops.at(-1));
  t.is(counts.get(busy.hash), undefined);
  t.is(counts.size, 2);
});

test('over many tunnels no first hop gets much more than a third', (t) => {
  const all = many(12);
  const connected = hashes(all.slice(0, 5));
  const firstHops = new Map<RouterHash, number>();
  const random = recordedEntropy('share');
  const profiles = new ProfileTable();
  // one peer looks far better than the rest
  for (let i = 0; i < 40; i++) profiles.record((all[0] as RouterInfo).hash, 'accepted', NOW);
  for (let i = 0; i < 60; i++) {
    const selection = choose(all, { connected, firstHops, random, profiles });
    const hash = selection.kind === 'hops' ? selection.hops.at(-1)?.hash : undefined;
    if (hash !== undefined) firstHops.set(hash, (firstHops.get(hash) ?? 0) + 1);
  }
  t.is(
    [...firstHops.values()].reduce((a, b) => a + b),
    60,
  );
  t.true(Math.max(...firstHops.values()) <= Math.max(MIN_PER_FIRST_HOP, 21));
});

test('routers to be excluded are not taken anywhere', (t) => {
  const all = many(6);
  const exclude = hashes(all.slice(0, 3));
  const counts = tally(all, { exclude }, (hops) => hops.find(({ hash }) => exclude.has(hash)));
  t.is(counts.size, 0);
  t.is(choose(all, { exclude: hashes(all.slice(0, 4)) }).kind, 'none');
});

test('floodfills are weighed down for client tunnels and not for exploratory ones', (t) => {
  const all = [
    ...many(6, { caps: 'OfR' }, 'ff'),
    ...many(6, { caps: 'OR' }, 'plain').map((_, i) => makeRouter(`plain ${i}`, { host: `${60 + i}.1.1.1` })),
  ];
  const share = (purpose: 'client' | 'exploratory'): number => {
    const counts = tally(all, { purpose, length: 1 }, (hops) => hops[0], 600);
    return all.slice(0, 6).reduce((sum, { hash }) => sum + (counts.get(hash) ?? 0), 0) / 600;
  };
  t.true(share('client') < 0.38 && share('client') > 0.15);
  t.true(share('exploratory') > 0.42);
});

test('congested routers are taken less: E less than D less than none', (t) => {
  const score = (caps: string): number => hopScore(makeRouter('c', { caps }), NEW_PROFILE, 'client', NOW);
  t.true(score('OR') > score('ORD') && score('ORD') > score('ORE') && score('ORE') > 0);
});

test('declines weigh less than lost builds, and both fade', (t) => {
  const router = makeRouter('p');
  const after = (stage: 'declined' | 'buildTimeout'): number => {
    let profile = NEW_PROFILE;
    for (let i = 0; i < 5; i++) profile = recorded(profile, stage, NOW);
    return hopScore(router, profile, 'client', NOW);
  };
  const fresh = hopScore(router, NEW_PROFILE, 'client', NOW);
  t.true(after('buildTimeout') < after('declined') && after('declined') < fresh);
  const profiles = new ProfileTable();
  for (let i = 0; i < 5; i++) profiles.record(router.hash, 'buildTimeout', NOW);
  t.true(hopScore(router, profiles.get(router.hash, NOW + 48 * 3_600_000), 'client', NOW) > fresh * 0.95);
});

const ports: [number, 'high' | 'middle' | 'low'][] = [
  [443, 'high'],
  [80, 'high'],
  [9999, 'high'],
  [64738, 'high'],
  [9001, 'middle'],
  [24680, 'middle'],
  [25, 'low'],
  [6999, 'low'],
  [4662, 'low'],
  [563, 'low'],
];
test('ports are likely, possible or closed at exits', (t) => {
  const level = (share: number): string => (share > 0.9 ? 'high' : share > 0.1 ? 'middle' : 'low');
  t.deepEqual(
    ports.map(([port]) => [port, level(assumedPortShare(port))]),
    ports,
  );
});

test('more than seven hops or none are our own mistake', (t) => {
  for (const length of [0, 8, 1.5 + Number.NaN]) {
    t.throws(() => choose(many(3), { length }), { instanceOf: RangeError });
  }
});
