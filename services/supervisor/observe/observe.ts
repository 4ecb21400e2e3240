import { policyStatus } from '@allium/common/contracts/policy.ts';
import { routerStatus } from '@allium/common/contracts/router.ts';
import { z } from 'zod';
import {
  type Captured,
  type Inspected,
  inspectedSchema,
  type Listed,
  listedSchema,
  type NetworkInspected,
  networkSchema,
} from './captured.ts';
import type { ContainerFacts, Facts, PolicyFacts, RouterFacts, Stranger } from './facts.ts';
import { networksOf, OUTLETS, OWNERS, ownerOf, ROLES } from './roles.ts';
import { NETWORKS, type Network, type Role } from './topology.ts';

const PROJECT = 'com.docker.compose.project';
const SERVICE = 'com.docker.compose.service';
const ONE_OFF = 'com.docker.compose.oneoff';
/** Only containers have it; the others are on the images too that compose builds, and on what is started from them by hand. */
const NUMBER = 'com.docker.compose.container-number';
/** Label of the containers that the leak test makes for a short while. */
export const GUEST = 'allium.guest';
const NETWORK = 'com.docker.compose.network';

/** The role that compose's labels give a container; one made by `docker compose run` has none. */
export function roleOf(labels: Readonly<Record<string, string>>, project: string): Role | undefined {
  if (labels[PROJECT] !== project || labels[NUMBER] === undefined || labels[ONE_OFF] === 'True')
    return undefined;
  return ROLES.find((role) => role === labels[SERVICE]);
}

/** Throws ZodError for what the engine should never say; a service that says nonsense counts as silent. */
export function observe(captured: Captured): Facts {
  const listed = z.array(listedSchema).parse(captured.listed);
  const networks = ourNetworks(captured);
  const ours = new Map<Role, Inspected[]>();
  for (const container of z.array(inspectedSchema).parse(captured.inspected)) {
    const role = roleOf(container.Config.Labels, captured.project);
    if (role !== undefined) ours.set(role, [...(ours.get(role) ?? []), container]);
  }
  const containers: Partial<Record<Role, ContainerFacts>> = {};
  for (const [role, [first]] of ours) {
    if (first !== undefined) containers[role] = containerFacts(first, networks, captured.netns);
  }
  return {
    containers,
    duplicates: ROLES.filter((role) => (ours.get(role)?.length ?? 0) > 1),
    networks: Object.fromEntries([...networks].map(([role, network]) => [role, network.Name])),
    notInternal: [...networks]
      .filter(([role, found]) => !found.Internal && !OUTLETS.some(({ network }) => network === role))
      .map(([role]) => role),
    strangers: strangers(listed, ours, networks, captured),
    policy: policyFacts(captured.policy),
    tor: captured.tor,
    router: routerFacts(captured.router),
    relays: captured.relays,
    relaysTaken: captured.relaysTaken ?? false,
  };
}

function ourNetworks(captured: Captured): Map<Network, NetworkInspected> {
  const found = new Map<Network, NetworkInspected>();
  for (const network of z.array(networkSchema).parse(captured.networks)) {
    if (captured.ext !== undefined && network.Name === captured.ext) found.set('ext', network);
    if (network.Labels[PROJECT] !== captured.project) continue;
    const role = NETWORKS.find((name) => name === network.Labels[NETWORK]);
    if (role !== undefined && !(role === 'ext' && captured.ext !== undefined)) found.set(role, network);
  }
  return found;
}

function containerFacts(
  container: Inspected,
  networks: ReadonlyMap<Network, NetworkInspected>,
  netns: Readonly<Record<string, string>>,
): ContainerFacts {
  const { State: state, HostConfig: host } = container;
  const attached = Object.entries(container.NetworkSettings.Networks).filter(([name]) => name !== 'none');
  const known = [...networks];
  const roleOfNetwork = (id: string): Network | undefined =>
    known.find(([, network]) => network.Id === id)?.[0];
  const running = state.Running && !state.Paused && !state.Restarting;
  return {
    id: container.Id,
    name: container.Name.replace(/^\//, ''),
    life: running ? 'running' : state.Status === 'created' ? 'created' : 'ended',
    health: healthOf(state.Health?.Status),
    netns: running ? netns[container.Id] : undefined,
    joins: /^container:(.+)$/.exec(host.NetworkMode)?.[1],
    networkless: host.NetworkMode === 'none',
    networks: attached.flatMap(([name, { NetworkID }]) => byNameOrId(name, NetworkID, known) ?? []),
    foreignNetworks: attached
      .filter(([name, { NetworkID }]) => byNameOrId(name, NetworkID, known) === undefined)
      .map(([name]) => name),
  };

  /** A container that was never started knows its networks by name only. */
  function byNameOrId(
    name: string,
    id: string,
    all: readonly (readonly [Network, NetworkInspected])[],
  ): Network | undefined {
    return id === '' ? all.find(([, network]) => network.Name === name)?.[0] : roleOfNetwork(id);
  }
}

function healthOf(status: string | undefined): ContainerFacts['health'] {
  if (status === 'healthy' || status === 'starting' || status === 'unhealthy') return status;
  return 'none';
}

function strangers(
  listed: readonly Listed[],
  ours: ReadonlyMap<Role, readonly Inspected[]>,
  networks: ReadonlyMap<Network, NetworkInspected>,
  { project, guests }: Captured,
): Stranger[] {
  const found: Stranger[] = [];
  const up = networks.get('up')?.Id;
  for (const container of listed.filter(({ State }) => State === 'running' || State === 'paused')) {
    const role = roleOf(container.Labels, project);
    const name = (container.Names[0] ?? container.Id).replace(/^\//, '');
    const owner = /^container:(.+)$/.exec(container.HostConfig.NetworkMode)?.[1];
    for (const where of OWNERS) {
      const joined = ours.get(where)?.some((candidate) => isMeant(owner, candidate)) ?? false;
      const mayJoin = role === undefined ? isGuest(container, guests) : ownerOf(role) === where;
      if (joined && !mayJoin) found.push({ name, where });
    }
    const attached = Object.values(container.NetworkSettings?.Networks ?? {});
    if (up === undefined || !attached.some(({ NetworkID }) => NetworkID === up)) continue;
    if (role === undefined || !networksOf(role).includes('up')) found.push({ name, where: 'up' });
  }
  return found;
}

/** Both the id that the engine gave it and the label that we did: nobody else has these. */
function isGuest({ Id, Labels }: Listed, guests: Captured['guests']): boolean {
  return Labels[GUEST] !== undefined && guests?.get(Id) === Labels[GUEST];
}

/** Docker keeps the owner as it was written: id, short id or name. */
function isMeant(owner: string | undefined, container: Inspected): boolean {
  if (owner === undefined || owner === '') return false;
  return container.Id.startsWith(owner) || container.Name.replace(/^\//, '') === owner;
}

function policyFacts(answer: unknown): PolicyFacts | undefined {
  const parsed = policyStatus.safeParse(answer);
  if (!parsed.success) return undefined;
  const { state, policy, digest, doubts, known, doors } = parsed.data;
  return { state, policy, digest: digest ?? undefined, doubts, known, doors };
}

function routerFacts(answer: unknown): RouterFacts | undefined {
  const parsed = routerStatus.safeParse(answer);
  if (!parsed.success) return undefined;
  const { stage, sessions, netdb, reseed, tunnels } = parsed.data;
  const sides = Object.values(tunnels.pools).flatMap((pool) => [pool.inbound, pool.outbound]);
  return {
    stage,
    reseedBundles: reseed.bundles,
    routers: netdb.routers,
    peers: sessions.connected,
    tunnels: {
      alive: sides.reduce((sum, side) => sum + side.alive, 0),
      wanted: sides.reduce((sum, side) => sum + side.wanted, 0),
    },
  };
}
