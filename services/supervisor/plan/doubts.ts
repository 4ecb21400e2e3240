import type { Doubt, RoleDoubt } from '@allium/common/contracts/supervisor.ts';
import type { ContainerFacts, Facts } from '../observe/facts.ts';
import { ATTACHED, isOwner, type Owner, ownerOf, ROLES, type Role } from '../observe/roles.ts';
import type { Intent } from './memory.ts';

/** Everything that is not as it must be; empty is the only thing that lets the uplink be plugged. */
export function findDoubts(facts: Facts, intent: Intent): Doubt[] {
  const doubts: Doubt[] = [];
  for (const network of ['lan', 'up', 'ext'] as const) {
    if (facts.networks[network] === undefined) doubts.push({ code: 'network-missing', network });
  }
  for (const network of facts.notInternal) doubts.push({ code: 'network-not-internal', network });
  for (const { name, where } of facts.strangers) doubts.push({ code: 'stranger', name, where });
  for (const role of facts.duplicates) doubts.push({ code: 'duplicate', role });
  for (const role of ROLES) {
    const code = containerDoubt(role, facts);
    // The router has no network: its absence lets nothing out, its presence with a network would.
    if (code !== undefined && (role !== 'router' || code === 'networks')) doubts.push({ code, role });
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
  if (role === 'router') return container.networkless && container.networks.length === 0;
  const attached = container.networks.filter((network) => !(role === 'fence' && network === 'ext'));
  // One that ended has lost its endpoints with some engines; it is not running, which says enough.
  if (container.life === 'ended' && attached.length === 0) return true;
  return attached.length === ATTACHED[role].length && ATTACHED[role].every((name) => attached.includes(name));
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
