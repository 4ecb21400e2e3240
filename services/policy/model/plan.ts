import type { StateName } from '@allium/common/contracts/policy.ts';
import type { Subnet } from './addresses.ts';
import type { Policy } from './policy.ts';

/** One side of the gate, found on this machine. */
export interface Link {
  readonly device: string;
  readonly address: string;
  readonly subnet: Subnet;
}

/** What the rules need to know of the machine. */
export interface Gate {
  readonly lan: Link;
  readonly up: Link;
  readonly uplink: { readonly address: string; readonly port: number };
  readonly torUid: number;
}

/** What is to be enforced; `generation` changes with every sealing, and with it the mark of every flow. */
export interface Plan {
  readonly state: StateName;
  readonly policy: Policy;
  readonly generation: number;
}

/** Everything that the compiler turns into rules. `sealed` needs nothing but the names of the interfaces. */
export type Site =
  | { readonly state: 'sealed'; readonly devices: readonly string[] }
  | {
      readonly state: 'tor-only' | 'open';
      readonly policy: Policy;
      readonly generation: number;
      readonly gate: Gate;
    };
