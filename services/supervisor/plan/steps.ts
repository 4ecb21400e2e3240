import type { StateName } from '@allium/common/contracts/policy.ts';
import type { Role } from '../observe/topology.ts';

/** One thing to do. After each the world is looked at again, so a step may assume nothing about the one before. */
export type Step =
  /** takes the fence's link to the world away */
  | { readonly kind: 'unplug'; readonly network: string; readonly container: string }
  | { readonly kind: 'plug'; readonly network: string; readonly container: string }
  /** asks the policy service for a state; what it answers is what must be in force from then on */
  | { readonly kind: 'set-state'; readonly state: StateName }
  | { readonly kind: 'set-policy'; readonly policy: string }
  | { readonly kind: 'remove'; readonly role: Role; readonly id: string }
  /** makes a container as compose made it; joiners join `owner`, the id of their namespace's owner as it is now */
  | { readonly kind: 'create'; readonly role: Role; readonly owner: string | undefined }
  /** starts what was created and never ran; nothing is ever started twice */
  | { readonly kind: 'start'; readonly role: Role; readonly id: string };
export type StepKind = Step['kind'];
