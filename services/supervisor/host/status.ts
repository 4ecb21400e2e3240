import type { SupervisorStatus } from '@allium/common/contracts/supervisor.ts';
import type { Facts } from '../observe/facts.ts';
import { ROLES } from '../observe/roles.ts';
import type { Role } from '../observe/topology.ts';
import { isPlugged, type Plan } from '../plan/plan.ts';

export interface StatusParts {
  readonly facts: Facts | undefined;
  readonly plan: Plan;
  readonly failure: string | undefined;
  readonly needsCompose: readonly Role[];
  readonly wanted: string;
  readonly proxy: string;
}

export function statusOf({
  facts,
  plan,
  failure,
  needsCompose,
  wanted,
  proxy,
}: StatusParts): SupervisorStatus {
  const plugged = facts !== undefined && isPlugged(facts);
  return {
    stage: stageOf(facts, plan, plugged),
    plugged,
    doubts: [...plan.doubts],
    next: plan.steps.map((step) => ('role' in step ? `${step.kind} ${step.role}` : step.kind)),
    failure: failure ?? null,
    needsCompose: [...needsCompose],
    policy:
      facts?.policy === undefined
        ? null
        : { state: facts.policy.state, name: facts.policy.policy, doors: [...facts.policy.doors], wanted },
    relays: facts?.relays ?? null,
    tor: facts?.tor ?? null,
    router: facts?.router ?? null,
    containers: Object.fromEntries(ROLES.map((role) => [role, lifeOf(facts, role)])),
    proxy,
  };
}

function stageOf(facts: Facts | undefined, plan: Plan, plugged: boolean): SupervisorStatus['stage'] {
  if (facts === undefined) return 'looking';
  if (plan.doubts.length > 0) return 'blocked';
  if (!plugged || facts.policy?.state === 'sealed') return 'sealed';
  return facts.policy?.state === 'open' && facts.tor?.percent === 100 ? 'open' : 'tor';
}

function lifeOf(facts: Facts | undefined, role: Role): string {
  const container = facts?.containers[role];
  if (container === undefined) return 'missing';
  return container.life === 'running' && container.health === 'unhealthy' ? 'unhealthy' : container.life;
}
