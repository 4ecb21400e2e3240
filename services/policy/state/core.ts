import type { StateName } from '@allium/common/contracts/policy.ts';
import type { Doubt } from '../model/facts.ts';
import type { Plan } from '../model/plan.ts';
import type { Policy } from '../model/policy.ts';
import type { Enforced, Input, Output, Sealing } from './io.ts';

/** Time between two read-backs, ms. With the reading itself no change lives longer than 2 s. */
export const INSPECT_MS = 1_200;
/** Time until the next attempt when not even sealing works, ms. */
export const RETRY_MS = 500;
/** Requests that wait for their turn; one more is refused. */
export const MAX_WAITING = 8;

/** Doubts for which even `sealed` is loaded again. */
const RULES_ARE_WRONG: ReadonlySet<Doubt> = new Set<Doubt>(['drift', 'unreadable']);

/** What it leaves open is as it is when its turn comes. */
interface Request {
  readonly id: number;
  readonly state: StateName | undefined;
  readonly policy: Policy | undefined;
}
type Work =
  | { readonly kind: 'apply'; readonly ticket: number; readonly plan: Plan; readonly id: number | undefined }
  | { readonly kind: 'inspect'; readonly ticket: number };

/**
 * Which state is enforced. Sealed at the start, at the end and whenever anything is not as it was meant; more only on
 * request, and never by itself again. One piece of work at a time; the host does it and answers by ticket.
 */
export class PolicyCore {
  #policy: Policy;
  #generation: number;
  #enforced: Enforced | undefined;
  #doubts: readonly Doubt[] = [];
  #sealing: Sealing | undefined;
  #work: Work | undefined;
  #ticket = 0;
  #waiting: Request[] = [];
  #mustSeal = false;
  #mustInspect = false;
  #stopping = false;

  /** `generation`: any number that earlier processes did not use, so that their flows are nobody's. */
  constructor(policy: Policy, generation: number) {
    this.#policy = policy;
    this.#generation = generation;
  }

  /** Undefined while it is not known that the kernel has what was meant. */
  get enforced(): Enforced | undefined {
    return this.#enforced;
  }

  /** What is wrong now, by the last look. */
  get doubts(): readonly Doubt[] {
    return this.#doubts;
  }

  /** Why it last went to `sealed` by itself. */
  get lastSealing(): Sealing | undefined {
    return this.#sealing;
  }

  get policy(): Policy {
    return this.#policy;
  }

  step(input: Input, now: number): Output[] {
    const out: Output[] = [];
    switch (input.kind) {
      case 'start':
        this.#mustSeal = true;
        break;
      case 'request':
        this.#onRequest(input, out);
        break;
      case 'unreadable-policy':
        out.push(refusal(input.id, 'policy-invalid', input.why));
        this.#seal(['policy-invalid'], now, out);
        break;
      case 'applied':
        this.#onApplied(input.ticket, input.digest, now, out);
        break;
      case 'not-applied':
        this.#onNotApplied(input.ticket, input.doubts, input.why, now, out);
        break;
      case 'inspected':
        this.#onInspected(input.ticket, input.doubts, now, out);
        break;
      case 'changed':
      case 'tick':
        this.#mustInspect = true;
        break;
      case 'stop':
        this.#stopping = true;
        this.#mustSeal = true;
        for (const { id } of this.#waiting.splice(0)) out.push(refusal(id, 'stopping', 'the process ends'));
        break;
    }
    this.#next(out);
    return out;
  }

  #onRequest(input: Extract<Input, { kind: 'request' }>, out: Output[]): void {
    if (this.#stopping || this.#waiting.length >= MAX_WAITING) {
      out.push(refusal(input.id, this.#stopping ? 'stopping' : 'busy', 'ask again later'));
      return;
    }
    this.#waiting.push({ id: input.id, state: input.state, policy: input.policy });
  }

  #onApplied(ticket: number, digest: string, now: number, out: Output[]): void {
    const work = this.#work;
    if (work?.kind !== 'apply' || work.ticket !== ticket) return;
    this.#work = undefined;
    const { state, policy } = work.plan;
    this.#policy = policy;
    this.#enforced = { state, policy: policy.name, digest, since: now };
    if (work.id !== undefined) {
      this.#doubts = [];
      out.push({ kind: 'answer', id: work.id, answer: { ok: true, state, policy: policy.name, digest } });
    }
    out.push({
      kind: 'event',
      level: 'info',
      code: 'enforced',
      facts: { state, policy: policy.name, digest },
    });
    out.push({ kind: 'wake', at: now + INSPECT_MS });
    if (this.#stopping && state === 'sealed' && !this.#mustSeal) out.push({ kind: 'stopped' });
  }

  #onNotApplied(ticket: number, doubts: readonly Doubt[], why: string, now: number, out: Output[]): void {
    const work = this.#work;
    if (work?.kind !== 'apply' || work.ticket !== ticket) return;
    this.#work = undefined;
    if (work.id !== undefined) out.push(refusal(work.id, doubts[0] ?? 'apply-failed', why));
    if (work.plan.state !== 'sealed') {
      this.#seal(doubts, now, out);
      return;
    }
    // Not even deny-all could be loaded and read back: say so and go on trying.
    this.#enforced = undefined;
    this.#doubts = doubts;
    this.#mustSeal = true;
    out.push({ kind: 'event', level: 'error', code: 'not-sealed', facts: { doubts, why } });
    out.push({ kind: 'wake', at: now + RETRY_MS });
  }

  #onInspected(ticket: number, doubts: readonly Doubt[], now: number, out: Output[]): void {
    if (this.#work?.kind !== 'inspect' || this.#work.ticket !== ticket) return;
    this.#work = undefined;
    out.push({ kind: 'wake', at: now + INSPECT_MS });
    this.#doubts = doubts;
    if (doubts.length === 0) return;
    // Sealed already, and the rules are right: what is wrong with the structure can only be told.
    const tellOnly =
      this.#enforced?.state === 'sealed' && !doubts.some((doubt) => RULES_ARE_WRONG.has(doubt));
    if (!tellOnly) this.#seal(doubts, now, out);
  }

  /** The next thing to be done is to seal; whoever waits for more is told no. */
  #seal(doubts: readonly Doubt[], now: number, out: Output[]): void {
    this.#mustSeal = true;
    this.#enforced = undefined;
    this.#doubts = doubts;
    this.#sealing = { doubts, at: now };
    out.push({ kind: 'event', level: 'error', code: 'sealing', facts: { doubts } });
    const opens = ({ state }: Request): boolean => state !== undefined && state !== 'sealed';
    for (const { id } of this.#waiting.filter(opens)) {
      out.push(refusal(id, doubts[0] ?? 'apply-failed', 'sealed meanwhile'));
    }
    this.#waiting = this.#waiting.filter((request) => !opens(request));
  }

  #next(out: Output[]): void {
    if (this.#work !== undefined) return;
    // After a failed attempt to seal only a tick or a change starts the next one.
    if (this.#mustSeal && this.#retryIsDue(out)) {
      this.#mustSeal = false;
      this.#mustInspect = false;
      this.#apply('sealed', this.#policy, undefined, out);
      return;
    }
    if (this.#mustSeal || this.#stopping) return;
    const request = this.#waiting.shift();
    if (request !== undefined) {
      this.#mustInspect = false;
      const { state = this.#enforced?.state ?? 'sealed', policy = this.#policy, id } = request;
      this.#apply(state, policy, id, out);
    } else if (this.#mustInspect) {
      this.#mustInspect = false;
      this.#work = { kind: 'inspect', ticket: ++this.#ticket };
      out.push({ kind: 'inspect', ticket: this.#ticket });
    }
  }

  #retryIsDue(out: readonly Output[]): boolean {
    return !out.some((output) => output.kind === 'event' && output.code === 'not-sealed');
  }

  #apply(state: StateName, policy: Policy, id: number | undefined, out: Output[]): void {
    // Sealing ends a generation: no flow from before it lives again.
    if (state === 'sealed') this.#generation++;
    const plan: Plan = { state, policy, generation: this.#generation };
    this.#work = { kind: 'apply', ticket: ++this.#ticket, plan, id };
    out.push({ kind: 'apply', ticket: this.#ticket, plan });
  }
}

function refusal(id: number, code: string, why: string): Output {
  return { kind: 'answer', id, answer: { ok: false, code, why } };
}
