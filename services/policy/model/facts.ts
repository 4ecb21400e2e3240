import type { Subnet } from './addresses.ts';
import type { Gate, Link } from './plan.ts';
import type { LinkSettings, Settings } from './settings.ts';

/** A route of the main table; without `gateway` the network is on the link itself. */
export interface Route extends Subnet {
  readonly device: string;
  readonly gateway: boolean;
}

/** What the structure of the network namespace is right now. */
export interface Facts {
  /** every interface but the loopback, with or without address */
  readonly devices: readonly string[];
  readonly macs: ReadonlyMap<string, string>;
  readonly routes: readonly Route[];
  /** would the kernel forward packets between interfaces? */
  readonly forwarding: boolean;
}

/** Why the gate may not be more open than sealed. */
export const DOUBTS = [
  /** no interface has the network (and MAC) of the configuration */
  'link-missing',
  /** more than one has it */
  'link-ambiguous',
  /** an interface that the configuration doesn't know: somebody attached a network */
  'link-foreign',
  /** a route to anything but the two networks: structure no longer keeps packets in, only rules do */
  'route-foreign',
  /** the kernel would forward packets between the interfaces */
  'forwarding',
  /** a table that the configuration doesn't know */
  'foreign-table',
  /** the kernel's rules, or the interfaces they are made for, are not the ones that were meant */
  'drift',
  /** nft failed */
  'apply-failed',
  /** rules or facts cannot be read */
  'unreadable',
  /** the asked-for policy is not there or has an error */
  'policy-invalid',
] as const;
export type Doubt = (typeof DOUBTS)[number];

export type FoundGate =
  | { readonly ok: true; readonly gate: Gate }
  | { readonly ok: false; readonly doubts: readonly Doubt[] };

/** Finds both sides of the gate by what they are, never by what they are called, and doubts everything else. */
export function findGate(facts: Facts, settings: Settings): FoundGate {
  const doubts = new Set<Doubt>();
  const lan = findLink(facts, settings.lan, doubts);
  const up = findLink(facts, settings.up, doubts);
  const known = new Set([lan?.device, up?.device]);
  if (doubts.size === 0 && facts.devices.some((device) => !known.has(device))) doubts.add('link-foreign');
  const expected = (route: Route): boolean => isOnLink(route, settings.lan) || isOnLink(route, settings.up);
  if (!facts.routes.every(expected)) doubts.add('route-foreign');
  if (facts.forwarding) doubts.add('forwarding');
  if (doubts.size > 0 || lan === undefined || up === undefined) return { ok: false, doubts: [...doubts] };
  return { ok: true, gate: { lan, up, uplink: settings.uplink, torUid: settings.tor.uid } };
}

function findLink(facts: Facts, wanted: LinkSettings, doubts: Set<Doubt>): Link | undefined {
  const found = facts.routes.filter(
    (route) =>
      isOnLink(route, wanted) && (wanted.mac === undefined || facts.macs.get(route.device) === wanted.mac),
  );
  const devices = [...new Set(found.map((route) => route.device))];
  const [device] = devices;
  if (device === undefined) doubts.add('link-missing');
  if (devices.length > 1) doubts.add('link-ambiguous');
  if (device === undefined || devices.length > 1) return undefined;
  return { device, address: wanted.address, subnet: wanted.subnet };
}

function isOnLink(route: Route, wanted: LinkSettings): boolean {
  return !route.gateway && route.addr === wanted.subnet.addr && route.len === wanted.subnet.len;
}
