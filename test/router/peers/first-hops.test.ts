import { firstHopWeight } from '@allium/router/peers/first-hop-weight.ts';
import {
  FEW_CANDIDATES,
  FirstHops,
  LIVE_FIRST_HOPS,
  SAMPLED,
  SHORT_STAY,
  STAY,
  type Surroundings,
  UNLISTED_FOR,
} from '@allium/router/peers/first-hops.ts';
import { NEW_PROFILE, type Profile, recorded } from '@allium/router/peers/profile.ts';
import { ProfileTable } from '@allium/router/peers/profile-table.ts';
import type { RouterHash } from '@allium/router/wire/hash.ts';
import type { RouterInfo } from '@allium/router/wire/router-info.ts';
import test from 'ava';
import { recordedEntropy } from '../../support/entropy.ts';
import { makeRouter, NOW, type RouterFacts, someHash } from '../netdb/make.ts';

const DAY = 24 * 3_600_000;
const many = Array.from({ length: FEW_CANDIDATES + 40 }, (_, i) =>
  makeRouter(`first ${i}`, { host: `${20 + (i >> 7)}.${i & 0x7f}.1.1` }),
);

/** First hops among what is known, and who of them answers. */
class World {
  readonly hops: FirstHops;
  readonly known: Map<RouterHash, RouterInfo>;
  readonly connected = new Set<RouterHash>();
  readonly resting = new Set<RouterHash>();

  constructor(routers: readonly RouterInfo[] = many, skipIpDiversity = false, seed = 'first hops') {
    this.known = new Map(routers.map((info) => [info.hash, info]));
    const random = recordedEntropy(seed);
    this.hops = new FirstHops({ random, profiles: new ProfileTable(), skipIpDiversity });
  }

  around(now: number): Surroundings {
    return {
      known: (hash) => this.known.get(hash),
      candidates: this.known.values(),
      connected: this.connected,
      exclude: new Set(),
      mayDial: (hash) => !this.resting.has(hash),
      now,
    };
  }

  live(now = NOW): RouterHash[] {
    this.hops.refresh(this.around(now));
    return this.hops.live(this.around(now)).map(({ hash }) => hash);
  }

  connect(hashes: readonly RouterHash[], now = NOW): void {
    for (const hash of hashes) {
      this.connected.add(hash);
      this.hops.proven(hash, now);
    }
  }

  /** What the host's table holds after this step. */
  stored(table = new Map<string, Uint8Array>()): Map<string, Uint8Array> {
    for (const { key, value } of this.hops.takeRows()) {
      if (value) table.set(key, value);
      else table.delete(key);
    }
    return table;
  }
}

test('sixty are drawn of hundreds, and the first 24 of them are wanted, the same every time', (t) => {
  const world = new World();
  const live = world.live();
  t.is(world.hops.all.size, SAMPLED);
  t.is(live.length, LIVE_FIRST_HOPS);
  for (let i = 1; i < 50; i++) t.deepEqual(world.live(NOW + i * 60_000), live);
  t.notDeepEqual(new World(many, false, 'another').live(), live);
});

test('the longest proven comes first, whatever the lot said', (t) => {
  const world = new World();
  const live = world.live();
  const [last, before] = [live.at(-1), live.at(-2)] as [RouterHash, RouterHash];
  world.connect([last], NOW + 1);
  world.connect([before], NOW + 2);
  world.connect(live.slice(0, 2), NOW + 3);
  t.deepEqual(world.live().slice(0, 2), [last, before]);
  world.connect([before], NOW + 4);
  t.deepEqual(world.live().slice(0, 2), [last, before], 'later sessions change nothing');
});

test('who never answered makes room at once; who did comes back to its place after its rest', (t) => {
  const world = new World();
  const live = world.live();
  const [proven, never] = live as [RouterHash, RouterHash];
  world.connect([proven]);
  world.connected.clear();
  world.resting.add(proven).add(never);
  const without = world.live();
  t.false(without.includes(proven) || without.includes(never));
  t.is(without.length, LIVE_FIRST_HOPS);
  t.deepEqual([world.hops.all.has(proven), world.hops.all.has(never)], [true, false]);
  world.resting.clear();
  t.is(world.live()[0], proven);
  t.false(world.live().includes(never));
});

test('proven ones that rest do not keep others from being drawn', (t) => {
  const world = new World();
  for (let round = 0; round < 2; round++) {
    for (const hash of world.live()) world.connect([hash]);
    world.connect([...world.hops.all]);
    for (const hash of world.connected) world.resting.add(hash);
    world.connected.clear();
  }
  t.is(world.hops.all.size, 2 * SAMPLED);
  world.live();
  t.is(world.hops.all.size, 2 * SAMPLED, 'and no more than that');
});

test('everybody is replaced after 30 to 60 days, each at its own time', (t) => {
  const world = new World();
  world.connect(world.live());
  world.connect([...world.hops.all]);
  const first = world.hops.all;
  const left = (now: number): number => {
    for (const [hash, info] of world.known)
      world.known.set(hash, { ...info, published: now - 3_600_000 } as RouterInfo);
    world.live(now);
    return [...world.hops.all].filter((hash) => first.has(hash)).length;
  };
  t.is(left(NOW + STAY - 1), SAMPLED);
  const half = left(NOW + 1.5 * STAY);
  t.true(half > 0.3 * SAMPLED && half < 0.8 * SAMPLED, `${half}`);
});

test('drawn from few candidates, which others may have chosen for us, they stay a day or two', (t) => {
  const world = new World(many.slice(0, FEW_CANDIDATES - 1));
  world.connect(world.live());
  const rows = world.stored();
  world.live(NOW + 2 * SHORT_STAY);
  const later = world.stored(new Map(rows));
  t.is([...rows].filter(([key, value]) => later.get(key) === value).length, 0);
});

test('unlisted for a week they are given up, unlisted for less they are not, nor while they are connected', (t) => {
  const world = new World();
  const [gone, back, present] = world.live() as [RouterHash, RouterHash, RouterHash];
  world.connect([gone, back, present]);
  world.connected.delete(gone);
  world.connected.delete(back);
  const republish = (now: number): void => {
    for (const [hash, info] of world.known)
      world.known.set(hash, { ...info, published: now - 3_600_000 } as RouterInfo);
  };
  const backInfo = world.known.get(back) as RouterInfo;
  for (const hash of [gone, back, present]) world.known.delete(hash);
  for (let day = 0; day <= 7; day++) {
    const now = NOW + day * DAY;
    if (day === 5) world.known.set(back, backInfo);
    republish(now);
    world.live(now);
    t.is(world.hops.all.has(gone), now < NOW + UNLISTED_FOR, `day ${day}`);
    t.true(world.hops.all.has(back) && world.hops.all.has(present), `day ${day}`);
  }
});

test('one of each network and family, unless private networks are allowed', (t) => {
  const lan = Array.from({ length: 8 }, (_, i) =>
    makeRouter(`lan ${i}`, { host: '127.0.0.1', port: `${9000 + i}`, caps: 'XfR' }),
  );
  t.is(new World(lan).live().length, 1);
  t.is(new World(lan, true).live().length, 8);
  const kin = Array.from({ length: 8 }, (_, i) =>
    makeRouter(`kin ${i}`, { host: `${30 + i}.1.1.1`, family: 'kin' }),
  );
  t.is(new World(kin).live().length, 1);
  const six = Array.from({ length: 8 }, (_, i) => makeRouter(`six ${i}`, { host: `2a01:4f8::${i + 1}` }));
  t.is(new World(six).live().length, 1);
});

test('a first hop that moves into the network of another is left out', (t) => {
  const world = new World();
  const [first, second] = world.live() as [RouterHash, RouterHash];
  world.connect([first], NOW);
  world.connect([second], NOW + 1);
  const seed = `first ${many.findIndex(({ hash }) => hash === second)}`;
  const [network = ''] = (world.known.get(first) as RouterInfo).addresses.map(({ options }) =>
    options.get('host'),
  );
  world.known.set(second, makeRouter(seed, { host: `${network.split('.').slice(0, 2).join('.')}.200.200` }));
  t.false(world.live().includes(second));
  t.true(world.live().includes(first));
});

test('unusable routers, those without an address for us, and the excluded are never drawn', (t) => {
  const unfit: RouterFacts[] = [
    { listening: false },
    { caps: 'ORG' },
    { version: '0.9.50' },
    { transport: 'SSU2' },
    { caps: 'OHR' },
  ];
  const world = new World(unfit.map((facts, i) => makeRouter(`unfit ${i}`, facts)));
  t.deepEqual(world.live(), []);
  const [only] = many as [RouterInfo];
  const self = new World([only]);
  self.hops.refresh({ ...self.around(NOW), exclude: new Set([only.hash]) });
  t.is(self.hops.all.size, 0);
});

test('they are the same after a restart, and after the clock was moved', (t) => {
  const world = new World();
  world.connect(world.live().slice(5, 9));
  const live = world.live();
  const by = -7_200_000;
  world.hops.shift(by);
  const rows = world.stored();
  t.is(rows.size, SAMPLED);
  t.deepEqual(world.hops.takeRows(), []);
  const again = new World(many, false, 'after');
  again.hops.load(
    [...rows].map(([key, value]) => ({ key, value })),
    NOW + by,
  );
  t.deepEqual(again.live(NOW + by), live);
  t.deepEqual(again.hops.takeRows(), []);
});

test('rows that are damaged, of the future or too many are forgotten on disk too', (t) => {
  const world = new World();
  world.live();
  const [[key, value]] = [...world.stored()] as [[string, Uint8Array]];
  const fresh = new World([]);
  const bad = [
    { key: someHash('short'), value: Buffer.of(1, 2, 3) },
    { key: someHash('version'), value: Uint8Array.from(value, (byte, i) => (i === 0 ? 9 : byte)) },
    { key: 'no hash', value },
  ];
  fresh.hops.load(bad, NOW);
  fresh.hops.load([{ key, value }], NOW - 1);
  t.is(fresh.hops.all.size, 0);
  t.deepEqual(
    new Set(fresh.hops.takeRows().map((row) => row.key)),
    new Set([...bad.map((row) => row.key), key]),
  );
});

test('what a router claims gains it half at most, and what was seen of it nothing', (t) => {
  const weight = (facts: RouterFacts, profile: Profile = NEW_PROFILE): number =>
    firstHopWeight(makeRouter('weight', facts), profile, NOW);
  const claims = ['80', '443', '8080', '14567', '24680'].flatMap((port) =>
    [3, 9, 14].flatMap((cost) =>
      ['X', 'P', 'O', 'N', 'M'].map((letter) => weight({ port, cost, caps: `${letter}R` })),
    ),
  );
  t.true(Math.max(...claims) / Math.min(...claims) <= 1.5, `${Math.max(...claims) / Math.min(...claims)}`);
  let good = NEW_PROFILE;
  let bad = NEW_PROFILE;
  for (let i = 0; i < 9; i++) {
    good = recorded(recorded(good, 'established', NOW), 'accepted', NOW);
    bad = recorded(bad, 'handshakeFailed', NOW);
  }
  t.true(weight({}, good) <= weight({}));
  t.true(weight({}, bad) < 0.2 * weight({}));
  t.true(weight({ port: '6881' }) < 0.1 * weight({}), 'no exit reaches it');
  t.is(weight({ listening: false }), 0);
});
