import type { DestHash } from '@allium/router/wire/hash.ts';
import { SimFetch, SimSite } from '../support/sim-apps.ts';
import { SimNetwork, type SimOptions } from '../support/sim-network.ts';
import type { SimRouter } from '../support/sim-router.ts';

/** The Destinations that the two have. */
export const PROXY = 1;
export const SITE = 2;
/** One more, of whoever a test adds. */
export const OTHER = 3;

/** ms of virtual time in which a router with working peers must have tunnels. */
export const READY_WITHIN = 30_000;

export interface Rig {
  readonly net: SimNetwork;
  readonly client: SimRouter;
  readonly server: SimRouter;
  readonly site: SimSite;
  readonly to: DestHash;
  /** a fetch from the site by the client, under way */
  fetch(download: number, options?: { upload?: number; seed?: number }): SimFetch;
}

/** A network with a client and a published server, both behind Tor, ready to talk. */
export function rig(options: Partial<SimOptions> & { seed: string }): Rig {
  const net = new SimNetwork({ routers: 22, floodfills: 5, ...options });
  const client = net.addClient('client');
  const server = net.addClient('server');
  const { hash: to } = net.openDestination(server, SITE, true).destination;
  net.openDestination(client, PROXY, false);
  const ready = (): boolean => client.ready.has(PROXY) && server.ready.has(SITE);
  if (!net.run(120_000, ready)) throw new Error(`not ready: ${JSON.stringify(client.status)}`);
  const site = new SimSite(server, SITE);
  const published = (): boolean => counted(server.status.counters, /^lease-set-published$/) > 0;
  if (!net.run(60_000, published)) throw new Error(`not published: ${JSON.stringify(server.status)}`);
  // and from the one that said so to the others
  net.run(6_000);
  const fetch = (download: number, { upload = 0, seed = 1 } = {}): SimFetch =>
    new SimFetch({ from: client, destination: PROXY, to, download, upload, seed });
  return { net, client, server, site, to, fetch };
}

/** Runs until all are over, at most `forMs`; tells what became of each. */
export function outcomes(net: SimNetwork, fetches: readonly SimFetch[], forMs: number): string[] {
  net.run(forMs, () => fetches.every(({ over }) => over));
  return fetches.map(outcome);
}

/** `whole`, or what went wrong. */
export function outcome(fetch: SimFetch): string {
  if (fetch.intact) return 'whole';
  if (fetch.state === 'complete') return `wrong: ${fetch.received} bytes`;
  return `${fetch.state} ${fetch.reason} after ${fetch.received} bytes`;
}

/** The sum of all counters whose name matches. */
export function counted(counters: object, name: RegExp): number {
  return Object.entries(counters)
    .filter(([key]) => name.test(key))
    .reduce((sum, [, value]) => sum + Number(value), 0);
}
