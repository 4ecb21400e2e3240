import { z } from 'zod';

/** What is asked of the policy service on its control socket, and what it says. A refusal is a 409 with code and why. */

/** What the gate enforces. There is no other state, and no state in which an unknown value means open. */
export const STATES = ['sealed', 'tor-only', 'open'] as const;
export type StateName = (typeof STATES)[number];

/** Name of a file in the folder of policies, without its ending. */
export const policyName = z.string().regex(/^[a-z][a-z0-9-]{0,30}$/, 'a name such as leak-proof');

/** `POST /state` */
export const stateRequest = z.strictObject({ state: z.enum(STATES) });
/** `POST /policy`: the file is read anew */
export const policyRequest = z.strictObject({ policy: policyName });

/** The answer to both: what is in force now, with the digest of the rules as the kernel gave them back. */
export const inForce = z.object({
  ok: z.literal(true),
  state: z.enum(STATES),
  policy: z.string(),
  digest: z.string().min(1),
});
export type InForce = z.output<typeof inForce>;

/** `GET /status` */
export const policyStatus = z.object({
  /** `unknown`: the kernel is not known to have what was meant */
  state: z.enum(['unknown', ...STATES]),
  policy: z.string(),
  /** what it opens to workstations in `open`, for a person to read */
  doors: z.array(z.object({ ports: z.string(), why: z.string() })),
  /** names of the policies that it could load */
  known: z.array(z.string()),
  /** of the rules in the kernel, read back; null when they are not what was meant */
  digest: z.string().min(1).nullable(),
  /** why it seals or will not open, as codes */
  doubts: z.array(z.string()),
  /** ISO times */
  since: z.string().nullish(),
  lastSealing: z.object({ doubts: z.array(z.string()), at: z.string() }).nullish(),
  /** per counter of the rules */
  counters: z.record(z.string(), z.object({ packets: z.number(), bytes: z.number() })).optional(),
});
export type PolicyStatus = z.output<typeof policyStatus>;

/** `GET /policies`: every policy there is, with what it is for or with its mistake. */
export const policiesAnswer = z.object({
  policies: z.array(
    z.object({ name: z.string(), about: z.string().optional(), mistake: z.string().optional() }),
  ),
});
export type KnownPolicy = z.output<typeof policiesAnswer>['policies'][number];
