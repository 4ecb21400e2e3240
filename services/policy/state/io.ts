import type { InForce, StateName } from '@allium/common/contracts/policy.ts';
import type { Refusal } from '@allium/common/unix-json/refusal.ts';
import type { Doubt } from '../model/facts.ts';
import type { Plan } from '../model/plan.ts';
import type { Policy } from '../model/policy.ts';

/** What happens to the core. Each is fed with the time in ms. */
export type Input =
  /** the process has started; the first thing is to seal */
  | { readonly kind: 'start' }
  /** somebody asks for a state, or for a policy in the state that is */
  | { readonly kind: 'request'; readonly id: number; readonly state?: StateName; readonly policy?: Policy }
  /** the policy that somebody asked for cannot be read: what was wanted is not known, so nothing may pass */
  | { readonly kind: 'unreadable-policy'; readonly id: number; readonly why: string }
  /** the answer to `apply` */
  | { readonly kind: 'applied'; readonly ticket: number; readonly digest: string }
  | {
      readonly kind: 'not-applied';
      readonly ticket: number;
      readonly doubts: readonly Doubt[];
      readonly why: string;
    }
  /** the answer to `inspect`; no doubts means: as it was meant */
  | { readonly kind: 'inspected'; readonly ticket: number; readonly doubts: readonly Doubt[] }
  /** the ruleset or an interface has changed, not by us */
  | { readonly kind: 'changed' }
  | { readonly kind: 'tick' }
  /** the process will end: nobody watches any more, so nothing may pass */
  | { readonly kind: 'stop' };

/** What the host has to do, in this order. `apply` and `inspect` are answered by their ticket. */
export type Output =
  /** compile, apply in one transaction, read back, compare */
  | { readonly kind: 'apply'; readonly ticket: number; readonly plan: Plan }
  /** read back and compare with what was applied last */
  | { readonly kind: 'inspect'; readonly ticket: number }
  | { readonly kind: 'answer'; readonly id: number; readonly answer: InForce | Refusal }
  /** ask again with a tick at this time, ms; replaces the time given before */
  | { readonly kind: 'wake'; readonly at: number }
  | {
      readonly kind: 'event';
      readonly level: 'info' | 'error';
      readonly code: EventCode;
      readonly facts: EventFacts;
    }
  | { readonly kind: 'stopped' };

export type EventCode = 'enforced' | 'sealing' | 'not-sealed' | 'refused';
export interface EventFacts {
  readonly state?: StateName;
  readonly policy?: string;
  readonly digest?: string;
  readonly doubts?: readonly Doubt[];
  readonly why?: string;
}

/** What the kernel has, as far as it was read back and found right. */
export interface Enforced {
  readonly state: StateName;
  readonly policy: string;
  readonly digest: string;
  /** ms */
  readonly since: number;
}

export interface Sealing {
  readonly doubts: readonly Doubt[];
  /** ms */
  readonly at: number;
}
