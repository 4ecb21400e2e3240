import type { InForce } from '@allium/common/contracts/policy.ts';
import type { Role } from '../observe/topology.ts';

/** What the policy service answered to our last request: this and nothing else may be in force. */
export type Asked = Readonly<Omit<InForce, 'ok'>>;

/** What is wanted, and what was learnt that a look at the engine does not show. */
export interface Intent {
  /** name of the policy */
  readonly policy: string;
  readonly asked: Asked | undefined;
  /** the roles that we know how to make */
  readonly known: ReadonlySet<Role>;
  /** nothing has changed for a while: whoever was at work, compose or a person, is done, and repairs may begin */
  readonly settled: boolean;
}
