import type {
  ContainerFacts,
  Facts,
  PolicyFacts,
  Stranger,
} from '../../../services/supervisor/observe/facts.ts';
import {
  isOwner,
  joinersOf,
  networksOf,
  OWNERS,
  ownerOf,
  ROLES,
} from '../../../services/supervisor/observe/roles.ts';
import { type Network, type Role, TOPOLOGY } from '../../../services/supervisor/observe/topology.ts';
import type { Asked, Intent } from '../../../services/supervisor/plan/memory.ts';
import type { Step } from '../../../services/supervisor/plan/steps.ts';

interface Box {
  id: string;
  life: ContainerFacts['life'];
  /** number of its namespace */
  netns: number;
  joins: string | undefined;
  networks: Network[];
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
    for (const role of ROLES) this.#make(role, this.#ownerOf(role)?.id, 'running');
  }

  facts(): Facts {
    const policy = this.boxes.get('policy');
    for (const role of OWNERS) {
      const owner = this.boxes.get(role);
      if (owner?.life === 'running' && owner.ripening > 0) owner.ripening--;
    }
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
      relays: alive ? 3 : undefined,
      relaysTaken: this.boxes.get('uplink')?.life === 'running',
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
        return this.#make(step.role, step.owner, 'created');
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
        this.#make(role, this.#ownerOf(role)?.id, 'created');
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

  #make(role: Role, owner: string | undefined, life: 'created' | 'running'): void {
    const box: Box = {
      id: `${role}-${this.#next++}`,
      life: 'created',
      netns: 0,
      joins: owner,
      networks: [...networksOf(role)],
      foreign: [],
      ripening: 0,
    };
    this.boxes.set(role, box);
    if (life === 'running') this.#start(role, box);
  }

  #start(role: Role, box: Box): void {
    if (ownerOf(role) !== undefined) {
      const owner = this.#ownerOf(role);
      if (owner?.id !== box.joins || owner?.life !== 'running') throw new Error(`${role} joins nobody`);
      box.netns = owner.netns;
    } else box.netns = this.#next++;
    box.life = 'running';
    box.ripening = isOwner(role) ? 2 : 0;
  }

  #bootstrap(): void {
    const plugged = this.boxes.get('fence')?.networks.includes('ext') ?? false;
    const tor = this.boxes.get('tor');
    if (plugged && tor?.life === 'running') this.#torPercent = Math.min(100, this.#torPercent + 25);
  }

  #factsOf(role: Role, box: Box): ContainerFacts {
    const health = isOwner(role) && box.ripening > 0 ? 'starting' : 'healthy';
    return {
      id: box.id,
      name: `x-${role}-1`,
      life: box.life,
      health,
      netns: box.life === 'running' ? `net:[${box.netns}]` : undefined,
      joins: box.joins,
      networkless: TOPOLOGY[role].namespace === 'none',
      networks: [...box.networks],
      foreignNetworks: [...box.foreign],
    };
  }

  #ownerOf(role: Role): Box | undefined {
    const owner = ownerOf(role);
    return owner === undefined ? undefined : this.boxes.get(owner);
  }

  #byId(id: string): Box {
    const box = [...this.boxes.values()].find((candidate) => candidate.id === id);
    if (box === undefined) throw new Error(`no such container: ${id}`);
    return box;
  }
}

function rules(state: PolicyFacts['state'], digest: string): PolicyFacts {
  return { state, policy: 'leak-proof', digest, doubts: [], known: ['leak-proof'], doors: [] };
}

export function joinersAreIn(world: World): boolean {
  const gate = world.boxes.get('gate');
  return joinersOf('gate').every((role) => world.boxes.get(role)?.netns === gate?.netns);
}
