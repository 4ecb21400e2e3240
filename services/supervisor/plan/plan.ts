import type { Doubt } from '@allium/common/contracts/supervisor.ts';
import type { Facts } from '../observe/facts.ts';
import { joinersOf, OUTLETS, OWNERS, ownerOf, ROLES } from '../observe/roles.ts';
import { type Owner, type Role, TOPOLOGY } from '../observe/topology.ts';
import { containerDoubt, findDoubts } from './doubts.ts';
import type { Intent } from './memory.ts';
import type { Step } from './steps.ts';

export interface Plan {
  readonly doubts: readonly Doubt[];
  /** in order; empty when there is nothing to do, or nothing that we can or may do */
  readonly steps: readonly Step[];
}

/**
 * What to do about what is. On any doubt the plug comes out first, then the gate is sealed, then, once nobody else is at
 * work, what is broken is made anew in the order of the topology. Only without a doubt is anything opened.
 */
export function plan(facts: Facts, intent: Intent): Plan {
  const doubts = findDoubts(facts, intent);
  if (doubts.length === 0)
    return { doubts, steps: [...openUp(facts, intent), ...mendQuietly(facts, intent)] };
  const steps: Step[] = [...unplug(facts), ...seal(facts, intent)];
  if (intent.settled) steps.push(...repair(facts, intent, doubts), ...mendQuietly(facts, intent));
  return { doubts, steps };
}

/** Is there anything to be mended, now or as soon as that is allowed? */
export function isUnwell(facts: Facts, { doubts }: Plan): boolean {
  return doubts.length > 0 || ROLES.some((role) => containerDoubt(role, facts) !== undefined);
}

export function isPlugged(facts: Facts): boolean {
  return OUTLETS.some(({ role, network }) => facts.containers[role]?.networks.includes(network));
}

/** Takes the link to the world away, where there is one. */
export function unplug(facts: Facts): Extract<Step, { kind: 'unplug' }>[] {
  return isPlugged(facts) ? outlets(facts).map((outlet) => ({ kind: 'unplug', ...outlet })) : [];
}

/** What can be plugged: the network and the container, by what the engine calls them. */
function outlets(facts: Facts): { network: string; container: string }[] {
  return OUTLETS.flatMap(({ role, network: name }) => {
    const container = facts.containers[role]?.id;
    const network = facts.networks[name];
    return container === undefined || network === undefined ? [] : [{ network, container }];
  });
}

/** Asks for `sealed` unless just that is in force; a policy that does not answer is dealt with by making it anew. */
function seal(facts: Facts, intent: Intent): Step[] {
  const { policy } = facts;
  if (policy === undefined) return [];
  const sealed = policy.state === 'sealed' && policy.digest !== undefined;
  const asked = intent.asked?.state === 'sealed' && intent.asked.digest === policy.digest;
  return sealed && asked && policy.policy === intent.asked?.policy
    ? []
    : [{ kind: 'set-state', state: 'sealed' }];
}

/** Nothing is in doubt: one step further towards the wanted policy in `open`. */
function openUp(facts: Facts, intent: Intent): Step[] {
  const { policy, tor } = facts;
  if (policy === undefined) return [];
  if (policy.policy !== intent.policy) return [{ kind: 'set-policy', policy: intent.policy }];
  if (policy.state === 'sealed') {
    // Sealed and yet plugged: the link goes before anything else does.
    return isPlugged(facts) ? unplug(facts) : [{ kind: 'set-state', state: 'tor-only' }];
  }
  if (!isPlugged(facts)) {
    return outlets(facts).map((outlet) => ({ kind: 'plug', ...outlet }));
  }
  return policy.state === 'tor-only' && tor?.percent === 100 ? [{ kind: 'set-state', state: 'open' }] : [];
}

/** Doubts of the policy service that only a new namespace ends: sealing again would find the same. */
const STRUCTURE = [
  'link-missing',
  'link-ambiguous',
  'link-foreign',
  'route-foreign',
  'forwarding',
  'foreign-table',
];

function repair(facts: Facts, intent: Intent, doubts: readonly Doubt[]): Step[] {
  return OWNERS.flatMap((owner) => mendNamespace(owner, facts, intent, doubts));
}

function mendNamespace(owner: Owner, facts: Facts, intent: Intent, doubts: readonly Doubt[]): Step[] {
  if (containerDoubt(owner, facts) !== undefined) return mendOwner(owner, facts, intent);
  // Strangers share the namespace with whatever we put there: they have to go first, and only a person may send them.
  if (facts.strangers.some(({ where }) => where === owner)) return [];
  const spoilt = doubts.some(
    (doubt) => doubt.code === 'policy-doubts' && doubt.doubts.some((name) => STRUCTURE.includes(name)),
  );
  if (spoilt && owner === ownerOf('policy')) return rebuild(owner, facts, intent);
  return mendJoiners(owner, facts, intent, doubts);
}

/** One that never ran is started, one that has just been started is waited for, any other is made anew. */
function mendOwner(role: Owner, facts: Facts, intent: Intent): Step[] {
  const owner = facts.containers[role];
  const doubt = containerDoubt(role, facts);
  if (owner?.life === 'created' && doubt === 'not-running') return [{ kind: 'start', role, id: owner.id }];
  return doubt === 'starting' ? [] : rebuild(role, facts, intent);
}

/** A namespace without its owner is lost, and so is who lives there: out with all, then a new owner. */
function rebuild(role: Owner, facts: Facts, intent: Intent): Step[] {
  // Without knowing how to make it again, taking it away would only make matters worse.
  if (!intent.known.has(role)) return [];
  const steps: Step[] = [];
  for (const joiner of joinersOf(role).toReversed()) {
    const found = facts.containers[joiner];
    if (found !== undefined && intent.known.has(joiner))
      steps.push({ kind: 'remove', role: joiner, id: found.id });
  }
  const owner = facts.containers[role];
  if (owner !== undefined) steps.push({ kind: 'remove', role, id: owner.id });
  return [...steps, { kind: 'create', role, owner: undefined }];
}

/** The first joiner that is not as it must be; those behind it wait for it. */
function mendJoiners(owner: Owner, facts: Facts, intent: Intent, doubts: readonly Doubt[]): Step[] {
  for (const role of joinersOf(owner)) {
    if (containerDoubt(role, facts) !== undefined) return mend(role, facts, intent);
    // Nobody joins a namespace whose firewall does not answer.
    const { silence } = TOPOLOGY[role];
    if (doubts.some(({ code }) => code === silence)) return replaceIfHung(role, facts, intent);
  }
  return [];
}

function replaceIfHung(role: Role, facts: Facts, intent: Intent): Step[] {
  const found = facts.containers[role];
  return found?.health === 'unhealthy' && intent.known.has(role)
    ? [{ kind: 'remove', role, id: found.id }]
    : [];
}

/** Those that are made anew without closing anything. */
function mendQuietly(facts: Facts, intent: Intent): Step[] {
  const broken = ROLES.filter(
    (role) => TOPOLOGY[role].loss === 'mend' && containerDoubt(role, facts) !== undefined,
  );
  return intent.settled ? broken.flatMap((role) => mend(role, facts, intent)) : [];
}

function mend(role: Role, facts: Facts, intent: Intent): Step[] {
  const container = facts.containers[role];
  const ownerRole = ownerOf(role);
  const owner = ownerRole === undefined ? undefined : facts.containers[ownerRole]?.id;
  if (container?.life === 'created' && containerDoubt(role, facts) === 'not-running')
    return [{ kind: 'start', role, id: container.id }];
  if (!intent.known.has(role)) return [];
  const create: Step = { kind: 'create', role, owner };
  return container === undefined ? [create] : [{ kind: 'remove', role, id: container.id }, create];
}

/** Roles that are missing and that we do not know how to make: a person has to run compose. */
export function needsCompose(facts: Facts, intent: Intent): Role[] {
  return ROLES.filter((role) => facts.containers[role] === undefined && !intent.known.has(role));
}
