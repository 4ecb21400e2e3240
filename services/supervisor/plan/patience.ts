import type { Role } from '../observe/topology.ts';

/** After so long without a repair of a role, its next one is as quick as the first, ms. */
export const FORGIVEN_MS = 10 * 60_000;
/** Longest wait between two repairs of a role, ms. */
export const MAX_WAIT_MS = 5 * 60_000;

/**
 * When repairs may begin, without a clock of its own. Not while compose or a person is at work: a while without change
 * has to pass. Once begun, a repair goes on until nothing is in doubt. A role that needs one again and again gets it less
 * and less often.
 */
export class Patience {
  readonly #base: number;
  readonly #repairs = new Map<Role, { at: number; wait: number }>();
  #changed: number;
  /** since when something is wrong */
  #unwell: number | undefined;
  #repairing = false;

  /** `base`: ms without change before the first repair, and between the first two of one role */
  constructor(base: number, now: number) {
    this.#base = base;
    this.#changed = now;
  }

  /** The engine reported a change. */
  changed(now: number): void {
    this.#changed = now;
  }

  /** What a look found: is anything not as it must be? */
  found(unwell: boolean, now: number): void {
    if (!unwell) {
      this.#unwell = undefined;
      this.#repairing = false;
    } else this.#unwell ??= now;
  }

  settled(now: number): boolean {
    if (this.#unwell === undefined) return false;
    this.#repairing ||= now - Math.max(this.#changed, this.#unwell) >= this.#base;
    return this.#repairing;
  }

  /** May this role's container be taken away or made now? */
  mayTouch(role: Role, now: number): boolean {
    const last = this.#repairs.get(role);
    return last === undefined || now - last.at >= last.wait;
  }

  /** This role's container was made. */
  made(role: Role, now: number): void {
    const last = this.#repairs.get(role);
    const again = last !== undefined && now - last.at < FORGIVEN_MS;
    const wait = again ? Math.min(Math.max(last.wait, 1) * 2, MAX_WAIT_MS) : this.#base;
    this.#repairs.set(role, { at: now, wait });
  }
}
