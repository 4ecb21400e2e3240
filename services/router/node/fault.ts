import type { DestinationId, LinkId, NodeInput } from './node-io.ts';

/** What brought the input that a core threw at, and so pays for it. `core`: nobody, its own timer ran. */
export type Culprit =
  | { readonly kind: 'link'; readonly link: LinkId }
  | { readonly kind: 'destination'; readonly destination: DestinationId }
  | { readonly kind: 'core' };

/** A core threw: our fault, whatever came in. The `cause` is what it threw. */
export class Fault extends Error {
  readonly culprit: Culprit;

  constructor(culprit: Culprit, cause: unknown) {
    super(`fault of a ${culprit.kind}`, { cause });
    this.culprit = culprit;
  }
}

/** Runs `work`; what it throws is blamed on `culprit`, unless somebody nearer to it was blamed already. */
export function blame<T>(culprit: Culprit, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof Fault ? error : new Fault(culprit, error);
  }
}

/** Who pays for what an input makes throw. */
export function culpritOf(input: NodeInput): Culprit {
  if ('link' in input) return { kind: 'link', link: input.link };
  return input.kind === 'stream' || input.kind === 'leaseSetSigned'
    ? { kind: 'destination', destination: input.destination }
    : { kind: 'core' };
}
