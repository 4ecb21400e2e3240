/** The stages between started containers and a network that carries pages. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Container } from './docker.ts';
import { fetchThroughProxy, fetchThroughSocks } from './fetching.ts';
import {
  ADDRESSES,
  CLEARNET_URL,
  endpoint,
  netDirectory,
  PORTS,
  ROUTERS,
  type Role,
  SHARED,
} from './layout.ts';
import { type PublishedRouter, readRouter, writeReseedFolder } from './router-infos.ts';
import { CLEARNET_TEXT, siteBytes } from './site-content.ts';
import { type Look, pass, type Say, type Stage } from './stages.ts';
import { bootstrapPhase } from './tor-control.ts';

// Deadlines in ms. On two free cores: keys 3 s, Tor 15 s, tunnels 20 s, pages 20 s, reachability 60 s. CI shares its cores.
const KEYS_DEADLINE_MS = 60_000;
const TOR_DEADLINE_MS = 180_000;
const TUNNELS_DEADLINE_MS = 180_000;
const PAGE_DEADLINE_MS = 240_000;
const REACHABLE_DEADLINE_MS = 300_000;
/** A network that was used before may just be building new tunnels: less than making a new one takes. */
const ALIVE_DEADLINE_MS = 25_000;
/** One try of a page, in ms: i2pd itself gives up on an unknown LeaseSet after about 10 s. */
const PAGE_TRY_MS = 15_000;
/**
 * Routers that must know themselves reachable: our inbound gateways are chosen among them. i2pd learns it by a peer test
 * with a router it has no session with; in a network this small there are few, and some wait a minute for the next try.
 */
const REACHABLE_WANTED = 7;
/** In ms; each look runs a program in every router's container. */
const REACHABLE_INTERVAL_MS = 4_000;
/** Client tunnels of an i2pd that has something to do: it wants 5 in and 5 out for each Destination. */
const TUNNELS_WANTED = 4;

/** Waits for every part, writes the reseed folder, and returns the eepsite's name. Throws StageError. */
export async function awaitReadiness(
  containers: readonly Container[],
  say: Say,
  signal?: AbortSignal,
): Promise<string> {
  const passed = <T>(stage: Stage<T>): Promise<T> => pass(stage, say, signal);
  const b32 = await passed(seeded());
  await Promise.all([
    passed(torBootstrapped()).then(() => passed(clearnetPage())),
    passed(tunnels('i2pd-eepsite')),
    passed(tunnels('i2pd-reader')).then(() => passed(eepsitePage('i2pd-reader', b32))),
    passed(tunnels('i2pd-client')).then(() => passed(eepsitePage('i2pd-client', b32))),
    passed(reachable(containers)),
  ]);
  // Read once more: since then other routers have learned that they are reachable.
  const { look } = reachable(containers);
  const found = await look();
  if ('done' in found) await writeReseedFolder(join(netDirectory(), SHARED.reseed), found.done);
  return b32;
}

/** Whether pages still pass through the parts, within ALIVE_DEADLINE_MS. */
export async function isAlive(b32: string): Promise<boolean> {
  const stages = [clearnetPage(), eepsitePage('i2pd-reader', b32)];
  const silent: Say = () => {};
  const passed = stages.map((stage) => pass({ ...stage, deadline: ALIVE_DEADLINE_MS }, silent));
  return (await Promise.allSettled(passed)).every((one) => one.status === 'fulfilled');
}

function seeded(): Stage<string> {
  return {
    name: `keys made, ${ROUTERS.length} RouterInfos exchanged`,
    deadline: KEYS_DEADLINE_MS,
    look: async () => {
      const seeds = (await readdir(join(netDirectory(), SHARED.seed))).filter((name) =>
        name.endsWith('.dat'),
      );
      if (seeds.length < ROUTERS.length)
        return { notYet: `${seeds.length} of ${ROUTERS.length} RouterInfos` };
      return { done: (await readFile(join(netDirectory(), SHARED.b32), 'utf8')).trim() };
    },
  };
}

function torBootstrapped(): Stage<void> {
  return {
    name: 'Tor client bootstrapped',
    deadline: TOR_DEADLINE_MS,
    look: async () => {
      const { percent, summary } = await bootstrapPhase(join(netDirectory(), SHARED.tor, 'control'));
      return percent === 100 ? { done: undefined } : { notYet: `${percent} %: ${summary}` };
    },
  };
}

function clearnetPage(): Stage<void> {
  return {
    name: 'clearnet page through a Tor exit',
    deadline: PAGE_DEADLINE_MS,
    look: async () => {
      const socks = join(netDirectory(), SHARED.tor, 'socks');
      const { status, text } = await fetchThroughSocks(socks, CLEARNET_URL, PAGE_TRY_MS);
      return expected(status, text.includes(CLEARNET_TEXT));
    },
  };
}

function tunnels(role: Role): Stage<void> {
  return {
    name: `${role} has tunnels`,
    deadline: TUNNELS_DEADLINE_MS,
    look: async () => {
      const page = await fetch(`http://${ADDRESSES[role]}:${PORTS.console}/`, {
        signal: AbortSignal.timeout(5_000),
      });
      const count = Number(/Client Tunnels:<\/b>\s*(\d+)/.exec(await page.text())?.[1] ?? 0);
      return count >= TUNNELS_WANTED ? { done: undefined } : { notYet: `${count} tunnels` };
    },
  };
}

function eepsitePage(role: Role, b32: string): Stage<void> {
  return {
    name: `eepsite's page through ${role}`,
    deadline: PAGE_DEADLINE_MS,
    look: async () => {
      const { status, text } = await fetchThroughProxy(
        endpoint(role, 'httpProxy'),
        `http://${b32}/`,
        PAGE_TRY_MS,
      );
      return expected(status, text === Buffer.from(siteBytes('/')).toString());
    },
  };
}

function reachable(containers: readonly Container[]): Stage<PublishedRouter[]> {
  const routers = containers.filter((one) => ROUTERS.some((role) => role === one.role));
  return {
    name: `${REACHABLE_WANTED} of ${ROUTERS.length} routers publish R`,
    deadline: REACHABLE_DEADLINE_MS,
    interval: REACHABLE_INTERVAL_MS,
    look: async () => {
      const published = await Promise.all(routers.map(readRouter));
      const found = published.filter((router) => router.caps.includes('R')).length;
      return found >= REACHABLE_WANTED ? { done: published } : { notYet: `only ${found} do` };
    },
  };
}

function expected(status: number, rightText: boolean): Look<void> {
  if (status !== 200) return { notYet: `HTTP ${status}` };
  return rightText ? { done: undefined } : { notYet: 'another text than expected' };
}
