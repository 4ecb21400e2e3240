import type {
  ContainerFacts,
  Facts,
  PolicyFacts,
  Stranger,
} from '../../../services/supervisor/observe/facts.ts';
import {
  ATTACHED,
  isJoiner,
  JOINERS,
  type NetworkRole,
  ROLES,
  type Role,
} from '../../../services/supervisor/observe/roles.ts';
import type { Asked, Intent } from '../../../services/supervisor/plan/memory.ts';
import type { Step } from '../../../services/supervisor/plan/steps.ts';

interface Box {
  id: string;
  life: ContainerFacts['life'];
  /** number of its namespace */
  netns: number;
  joins: string | undefined;
  networks: NetworkRole[];
  foreign: string[];
  /** looks until the gate's health check has run */
  ripening: number;
}

export const DISTURBANCES = [
  'kill',
  'restart',
  'remove',
  'foreign-network',
  'drift',
  'open-behind-our-back',
  'forget',
  'hang',
  'tor-lost',
  'compose-creates',
] as const;
export type Disturbance = { readonly kind: (typeof DISTURBANCES)[number]; readonly role: Role };

/** Docker and the policy service, as far as the planner can tell, without either. */
export class World {
  readonly boxes = new Map<Role, Box>();
  readonly strangers: Stranger[] = [];
  /** what the kernel has in each namespace: gone with it */
  readonly #rules = new Map<number, PolicyFacts>();
  asked: Asked | undefined;
  #next = 1;
  #torPercent = 0;

  constructor() {
    for (const role of ROLES) this.#make(role, this.boxes.get('gate')?.id, 'running');
  }

  facts(): Facts {
    const gate = this.boxes.get('gate');
    const policy = this.boxes.get('policy');
    if (gate?.life === 'running' && gate.ripening > 0) gate.ripening--;
    const alive = policy?.life === 'running';
    this.#bootstrap();
    return {
      containers: Object.fromEntries([...this.boxes].map(([role, box]) => [role, this.#factsOf(role, box)])),
      duplicates: [],
      networks: { lan: 'x_lan', up: 'x_up', ext: 'x_ext' },
      notInternal: [],
      strangers: [...this.strangers],
      policy: alive ? this.#rulesOf(policy.netns) : undefined,
      tor: this.boxes.get('tor')?.life === 'running' ? { percent: this.#torPercent, summary: '' } : undefined,
      router: undefined,
    };
  }

  intent(settled = true): Intent {
    return { policy: 'leak-proof', asked: this.asked, known: new Set(ROLES), settled };
  }

  /** Throws where the real engine would. */
  apply(step: Step): void {
    switch (step.kind) {
      case 'plug':
        this.#byId(step.container).networks.push('ext');
        return;
      case 'unplug':
        this.#byId(step.container).networks = this.#byId(step.container).networks.filter((n) => n !== 'ext');
        return;
      case 'set-state':
      case 'set-policy':
        return this.#ask(step);
      case 'remove':
        this.boxes.delete(step.role);
        return;
      case 'create':
        if (this.boxes.has(step.role)) throw new Error(`the name of ${step.role} is taken`);
        return this.#make(step.role, step.gate, 'created');
      case 'start': {
        const box = this.#byId(step.id);
        if (box.life !== 'created') throw new Error(`${step.role} was started twice`);
        return this.#start(step.role, box);
      }
    }
  }

  disturb({ kind, role }: Disturbance): void {
    const box = this.boxes.get(role);
    const gate = this.boxes.get('gate');
    switch (kind) {
      case 'kill':
        if (box !== undefined) box.life = 'ended';
        return;
      case 'restart':
        if (box?.life === 'running') this.#start(role, box);
        return;
      case 'remove':
        this.boxes.delete(role);
        return;
      case 'foreign-network':
        box?.foreign.push('somebody');
        return;
      case 'drift':
      case 'open-behind-our-back':
        if (gate !== undefined) this.#rules.set(gate.netns, rules('open', kind));
        return;
      case 'forget':
        this.asked = undefined;
        return;
      case 'hang':
        if (gate !== undefined) this.#rules.delete(gate.netns);
        return;
      case 'tor-lost':
        this.#torPercent = 10;
        return;
      case 'compose-creates':
        this.#make(role, gate?.id, 'created');
    }
  }

  /** A namespace without rules is what a policy service that has just started finds and seals. */
  #rulesOf(netns: number): PolicyFacts {
    const found = this.#rules.get(netns) ?? rules('sealed', `new ${netns}`);
    this.#rules.set(netns, found);
    return found;
  }

  #ask(step: Extract<Step, { kind: 'set-state' | 'set-policy' }>): void {
    const policy = this.boxes.get('policy');
    if (policy?.life !== 'running') throw new Error('the policy service does not answer');
    const before = this.#rulesOf(policy.netns);
    const state = step.kind === 'set-state' ? step.state : before.state;
    const next = {
      ...rules(state, `asked ${this.#next++}`),
      policy: 'policy' in step ? step.policy : before.policy,
    };
    this.#rules.set(policy.netns, next);
    if (next.state !== 'unknown' && next.digest !== undefined) {
      this.asked = { state: next.state, policy: next.policy, digest: next.digest };
    }
  }

  #make(role: Role, gate: string | undefined, life: 'created' | 'running'): void {
    const box: Box = {
      id: `${role}-${this.#next++}`,
      life: 'created',
      netns: 0,
      joins: isJoiner(role) ? gate : undefined,
      networks: [...ATTACHED[role]],
      foreign: [],
      ripening: 0,
    };
    this.boxes.set(role, box);
    if (life === 'running') this.#start(role, box);
  }

  #start(role: Role, box: Box): void {
    if (isJoiner(role)) {
      const gate = this.boxes.get('gate');
      if (gate?.id !== box.joins || gate?.life !== 'running') throw new Error(`${role} joins nobody`);
      box.netns = gate.netns;
    } else box.netns = this.#next++;
    box.life = 'running';
    box.ripening = role === 'gate' ? 2 : 0;
  }

  #bootstrap(): void {
    const plugged = this.boxes.get('uplink')?.networks.includes('ext') ?? false;
    const tor = this.boxes.get('tor');
    if (plugged && tor?.life === 'running') this.#torPercent = Math.min(100, this.#torPercent + 25);
  }

  #factsOf(role: Role, box: Box): ContainerFacts {
    const health = role === 'gate' && box.ripening > 0 ? 'starting' : 'healthy';
    return {
      id: box.id,
      name: `x-${role}-1`,
      life: box.life,
      health,
      netns: box.life === 'running' ? `net:[${box.netns}]` : undefined,
      joins: box.joins,
      networkless: role === 'router',
      networks: [...box.networks],
      foreignNetworks: [...box.foreign],
    };
  }

  #byId(id: string): Box {
    const box = [...this.boxes.values()].find((candidate) => candidate.id === id);
    if (box === undefined) throw new Error(`no such container: ${id}`);
    return box;
  }
}

function rules(state: PolicyFacts['state'], digest: string): PolicyFacts {
  return { state, policy: 'leak-proof', digest, doubts: [] };
}

export function joinersAreIn(world: World): boolean {
  const gate = world.boxes.get('gate');
  return JOINERS.every((role) => world.boxes.get(role)?.netns === gate?.netns);
}
