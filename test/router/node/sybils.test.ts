import { MAX_DIALS } from '@allium/router/peers/dial.ts';
import type { RouterHash } from '@allium/router/wire/hash.ts';
import type { RouterInfo } from '@allium/router/wire/router-info.ts';
import test from 'ava';
import { makeRouter, NOW, type RouterFacts } from '../netdb/make.ts';
import { Rig } from './peering-rig.ts';

const HONEST = 1_500;
const WANTED = 24;

/** As in the live network: half i2pd's and half Java's, ports anywhere, bandwidths of every class. */
function honest(n: number): RouterFacts {
  return {
    host: `${20 + (n >> 7)}.${n & 0x7f}.1.1`,
    cost: n % 2 === 0 ? 3 : 10,
    port: String(9_111 + ((n * 7_919) % 21_666)),
    caps: ['XR', 'PR', 'OR', 'LR'][n % 4] ?? '',
  };
}

type Made = readonly [string, RouterFacts, RouterInfo];

/** Whoever is most inviting to dial: a port that every exit allows, i2pd's cost, the largest bandwidth. */
function inviting(seed: string, host: string, n: number): Made {
  const facts = { host, port: ['80', '443', '8080'][n % 3] ?? '', cost: 3, caps: 'XR' };
  return [seed, facts, makeRouter(seed, facts)];
}

const population: Made[] = Array.from({ length: HONEST }, (_, n) => {
  const facts = honest(n);
  return [`honest ${n}`, facts, makeRouter(`honest ${n}`, facts)];
});

interface Met {
  readonly rig: Rig;
  readonly sessions: readonly RouterHash[];
}

/** Everybody accepts; the router dials until it wants no more. */
function meet(seed: string, sybils: readonly Made[]): Met {
  const rig = new Rig(seed);
  for (const [name, facts, info] of [...population, ...sybils]) rig.meet(name, facts, info);
  for (let round = 0; round < 3 * (WANTED / MAX_DIALS); round++) {
    const planned = rig.plan();
    if (planned.length === 0) break;
    rig.connect(...planned.flatMap((hash) => rig.store.get(hash) ?? []));
  }
  return { rig, sessions: rig.office.sessions.connected() };
}

/** Share of the tunnels that begin at one of `sybils`. */
function tunnelsAt({ rig }: Met, sybils: ReadonlySet<RouterHash>, tunnels = 60): number {
  let caught = 0;
  for (let n = 0; n < tunnels; n++) {
    const request = { direction: 'inbound', length: 3, exclude: [], pool: 1, order: 1 } as const;
    const next = rig.peering.chooseHops(request, rig.office.sessions, NOW)?.at(-1)?.hash;
    if (next !== undefined && sybils.has(next)) caught++;
  }
  return caught / tunnels;
}

const SEEDS = Array.from({ length: 6 }, (_, n) => `sybils ${n}`);

function caught(sybils: readonly Made[]): { sessions: number[]; tunnels: number } {
  const hashes = new Set(sybils.map(([, , { hash }]) => hash));
  let tunnels = 0;
  const sessions = SEEDS.map((seed) => {
    const met = meet(seed, sybils);
    tunnels += tunnelsAt(met, hashes) / SEEDS.length;
    return met.sessions.filter((hash) => hashes.has(hash)).length;
  });
  return { sessions, tunnels };
}

test('48 inviting routers on one address get one session of 24 at most', (t) => {
  const sybils = Array.from({ length: 48 }, (_, n) => inviting(`one ${n}`, '166.66.6.6', n));
  const { sessions, tunnels } = caught(sybils);
  t.log(`sessions ${sessions.join(' ')} of ${WANTED}; ${(100 * tunnels).toFixed(1)} % of tunnels`);
  t.true(Math.max(...sessions) <= 1);
  t.true(tunnels <= 0.1);
});

test('5 % of all routers, inviting ones on one /16, are at most 5 % of the first hops', (t) => {
  const sybils = Array.from({ length: 75 }, (_, n) => inviting(`sixteen ${n}`, `166.66.${n}.6`, n));
  const { sessions, tunnels } = caught(sybils);
  t.log(`sessions ${sessions.join(' ')} of ${WANTED}; ${(100 * tunnels).toFixed(1)} % of tunnels`);
  t.true(Math.max(...sessions) <= 0.05 * WANTED);
  t.true(tunnels <= 0.1);
});

test('5 % of all routers, inviting ones of one family, are one first hop at most', (t) => {
  const sybils = Array.from({ length: 75 }, (_, n): Made => {
    const [seed, facts] = inviting(`kin ${n}`, `17${n % 10}.${n}.1.6`, n);
    const kin = { ...facts, family: 'kin' };
    return [seed, kin, makeRouter(seed, kin)];
  });
  const { sessions } = caught(sybils);
  t.log(`sessions ${sessions.join(' ')} of ${WANTED}`);
  t.true(Math.max(...sessions) <= 1);
});

test('5 % of all routers, inviting ones on a /16 each, gain half of their share and no more', (t) => {
  const sybils = Array.from({ length: 75 }, (_, n) => inviting(`wide ${n}`, `17${n % 10}.${n}.1.6`, n));
  const { sessions } = caught(sybils);
  const mean = sessions.reduce((sum, n) => sum + n, 0) / sessions.length;
  t.log(`sessions ${sessions.join(' ')}, mean ${mean.toFixed(1)} of ${WANTED}`);
  // 24 x 5 % x 1.5, and chance over six routers
  t.true(mean <= 0.13 * WANTED, `${mean}`);
});
