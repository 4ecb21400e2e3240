import type { Doubt, RoleDoubt } from '@allium/common/contracts/supervisor.ts';
import type { ContainerFacts, Facts } from '../observe/facts.ts';
import { isOwner, networksOf, ownerOf, ROLES } from '../observe/roles.ts';
import { NETWORKS, type Owner, type Role, TOPOLOGY } from '../observe/topology.ts';
import type { Intent } from './memory.ts';

/** Everything that is not as it must be; empty is the only thing that lets the uplink be plugged. */
export function findDoubts(facts: Facts, intent: Intent): Doubt[] {
  const doubts: Doubt[] = [];
  for (const network of NETWORKS) {
    if (facts.networks[network] === undefined) doubts.push({ code: 'network-missing', network });
  }
  for (const network of facts.notInternal) doubts.push({ code: 'network-not-internal', network });
  for (const { name, where } of facts.strangers) doubts.push({ code: 'stranger', name, where });
  for (const role of facts.duplicates) doubts.push({ code: 'duplicate', role });
  for (const role of ROLES) {
    const code = containerDoubt(role, facts);
    if (code === undefined) continue;
    // What can let nothing out may be missing, but never be where it must not be.
    const isElsewhere = code === 'networks' || code === 'stranded';
    if (TOPOLOGY[role].loss === 'close' || isElsewhere) doubts.push({ code, role });
  }
  doubts.push(...policyDoubts(facts, intent));
  if (facts.relays === undefined || facts.relays === 0) doubts.push({ code: 'relays-unknown' });
  // One that does not run has a doubt of its own.
  else if (!facts.relaysTaken && containerDoubt('uplink', facts) === undefined)
    doubts.push({ code: 'uplink-silent' });
  return doubts;
}

/** What is wrong with the container of a role; undefined when it is as it must be. */
export function containerDoubt(role: Role, facts: Facts): RoleDoubt | undefined {
  const container = facts.containers[role];
  const owner = ownerOf(role);
  if (container === undefined) return 'missing';
  if (!isAttachedRightly(role, container, facts)) return owner === undefined ? 'networks' : 'stranded';
  if (container.life !== 'running') return 'not-running';
  if (owner !== undefined && !isIn(owner, container, facts)) return 'stranded';
  if (!isOwner(role)) return undefined;
  if (container.health === 'starting') return 'starting';
  return container.health === 'healthy' ? undefined : 'unhealthy';
}

function isAttachedRightly(role: Role, container: ContainerFacts, facts: Facts): boolean {
  if (container.foreignNetworks.length > 0) return false;
  const owner = ownerOf(role);
  if (owner !== undefined)
    return container.joins !== undefined && container.joins === facts.containers[owner]?.id;
  const { namespace, plug } = TOPOLOGY[role];
  if (namespace === 'none') return container.networkless && container.networks.length === 0;
  const attached = container.networks.filter((network) => network !== plug);
  // One that ended has lost its endpoints with some engines; it is not running, which says enough.
  if (container.life === 'ended' && attached.length === 0) return true;
  const meant = networksOf(role);
  return attached.length === meant.length && meant.every((name) => attached.includes(name));
}

/** The same namespace in the kernel, not only the same name: a restarted owner has another. */
function isIn(owner: Owner, container: ContainerFacts, facts: Facts): boolean {
  return container.netns !== undefined && container.netns === facts.containers[owner]?.netns;
}

function policyDoubts({ policy }: Facts, { asked, policy: wanted }: Intent): Doubt[] {
  if (policy === undefined) return [{ code: 'policy-silent' }];
  const doubts: Doubt[] = [];
  if (!policy.known.includes(wanted)) {
    doubts.push({ code: 'policy-unknown', policy: wanted, known: [...policy.known] });
  }
  if (policy.doubts.length > 0) doubts.push({ code: 'policy-doubts', doubts: [...policy.doubts] });
  const same =
    asked !== undefined &&
    policy.digest !== undefined &&
    policy.digest === asked.digest &&
    policy.state === asked.state &&
    policy.policy === asked.policy;
  if (!same) doubts.push({ code: 'policy-unasked' });
  return doubts;
}
