import type { Facts, PolicyFacts } from '../observe/facts.ts';
import { ROLES, type Role } from '../observe/roles.ts';
import type { Doubt } from '../plan/doubts.ts';
import { isPlugged, type Plan } from '../plan/plan.ts';

/** What the `allium` command shows, and `--json` prints as it is. */
export interface Status {
  /** `ready` means that workstations get through to Tor; I2P comes when `router.stage` is `ready` too */
  readonly stage: 'looking' | 'blocked' | 'sealed' | 'tor' | 'ready';
  /** is the uplink connected to the world? */
  readonly plugged: boolean;
  readonly doubts: readonly Doubt[];
  /** what is to be done next */
  readonly next: readonly string[];
  /** why the last step failed; null once a step went well */
  readonly failure: string | null;
  /** roles that only `docker compose up` can bring */
  readonly needsCompose: readonly Role[];
  readonly policy:
    | (Pick<PolicyFacts, 'state' | 'doors'> & { readonly name: string; readonly wanted: string })
    | null;
  /** relays that the uplink may reach */
  readonly relays: number | null;
  readonly tor: NonNullable<Facts['tor']> | null;
  readonly router: NonNullable<Facts['router']> | null;
  readonly containers: Readonly<Record<Role, string>>;
  readonly proxy: string;
}

export interface StatusParts {
  readonly facts: Facts | undefined;
  readonly plan: Plan;
  readonly failure: string | undefined;
  readonly needsCompose: readonly Role[];
  readonly wanted: string;
  readonly proxy: string;
}

export function statusOf({ facts, plan, failure, needsCompose, wanted, proxy }: StatusParts): Status {
  const plugged = facts !== undefined && isPlugged(facts);
  return {
    stage: stageOf(facts, plan, plugged),
    plugged,
    doubts: plan.doubts,
    next: plan.steps.map((step) => ('role' in step ? `${step.kind} ${step.role}` : step.kind)),
    failure: failure ?? null,
    needsCompose,
    policy:
      facts?.policy === undefined
        ? null
        : { state: facts.policy.state, name: facts.policy.policy, doors: facts.policy.doors, wanted },
    relays: facts?.relays ?? null,
    tor: facts?.tor ?? null,
    router: facts?.router ?? null,
    containers: Object.fromEntries(ROLES.map((role) => [role, lifeOf(facts, role)])) as Record<Role, string>,
    proxy,
  };
}

function stageOf(facts: Facts | undefined, plan: Plan, plugged: boolean): Status['stage'] {
  if (facts === undefined) return 'looking';
  if (plan.doubts.length > 0) return 'blocked';
  if (!plugged || facts.policy?.state === 'sealed') return 'sealed';
  return facts.policy?.state === 'open' && facts.tor?.percent === 100 ? 'ready' : 'tor';
}

function lifeOf(facts: Facts | undefined, role: Role): string {
  const container = facts?.containers[role];
  if (container === undefined) return 'missing';
  return container.life === 'running' && container.health === 'unhealthy' ? 'unhealthy' : container.life;
}
