import { z } from 'zod';
import { policyName, STATES } from './policy.ts';

/** What the `allium` command asks of the supervisor, and what it says. A refusal is a 409 with code and why. */

/** What can be wrong with one container. */
export const ROLE_DOUBTS = [
  'missing',
  'not-running',
  'duplicate',
  /** lives in a network namespace that is not its owner's */
  'stranded',
  /** attached to too few, too many or other networks */
  'networks',
  'unhealthy',
  /** has just been started */
  'starting',
] as const;
export type RoleDoubt = (typeof ROLE_DOUBTS)[number];

/** Why the uplink may not be connected to the world. */
export const doubt = z.union([
  z.object({ code: z.enum(ROLE_DOUBTS), role: z.string() }),
  z.object({ code: z.literal('stranger'), name: z.string(), where: z.string() }),
  z.object({ code: z.enum(['network-missing', 'network-not-internal']), network: z.string() }),
  z.object({
    code: z.enum([
      'policy-silent',
      'policy-unasked',
      /** Tor does not say which relays it may want to reach */
      'relays-unknown',
      /** the uplink does not answer, or does not take them */
      'uplink-silent',
    ]),
  }),
  /** nobody knows what a policy of that name would allow */
  z.object({ code: z.literal('policy-unknown'), policy: z.string(), known: z.array(z.string()) }),
  z.object({ code: z.literal('policy-doubts'), doubts: z.array(z.string()) }),
]);
export type Doubt = z.output<typeof doubt>;

/** `GET /policies` is the policy service's own answer. `GET /status`: what `allium status` shows, and `--json` prints as it is. */
export const supervisorStatus = z.object({
  /** `ready` means that workstations get through to Tor; I2P comes when `router.stage` is `ready` too */
  stage: z.enum(['looking', 'blocked', 'sealed', 'tor', 'open']),
  /** is the uplink connected to the world? */
  plugged: z.boolean(),
  doubts: z.array(doubt),
  /** what is to be done next */
  next: z.array(z.string()),
  /** why the last step failed; null once a step went well */
  failure: z.string().nullable(),
  /** containers that only `docker compose up` can bring */
  needsCompose: z.array(z.string()),
  policy: z
    .object({
      state: z.enum(['unknown', ...STATES]),
      name: z.string(),
      wanted: z.string(),
      doors: z.array(z.object({ ports: z.string(), why: z.string() })),
    })
    .nullable(),
  /** relays that the uplink may reach */
  relays: z.number().nullable(),
  tor: z.object({ percent: z.number(), summary: z.string() }).nullable(),
  router: z
    .object({
      stage: z.string(),
      reseedBundles: z.number(),
      routers: z.number(),
      peers: z.number(),
      tunnels: z.object({ alive: z.number(), wanted: z.number() }),
    })
    .nullable(),
  /** how each container lives, by its name in compose */
  containers: z.record(z.string(), z.string()),
  /** the address to use */
  proxy: z.string(),
});
export type SupervisorStatus = z.output<typeof supervisorStatus>;

/** `POST /policy`: the policy that is wanted from now on; it is in force when the status says so. */
export const wantRequest = z.strictObject({ policy: policyName });
export const wantAnswer = z.object({ ok: z.literal(true) });

/** `POST /newnym`: new Tor circuits for new connections, in so many ms. */
export const newCircuitsRequest = z.strictObject({});
export const newCircuitsAnswer = z.object({ ok: z.literal(true), inMs: z.number() });

/** `POST /leaktest`: half a minute. */
export const leaktestRequest = z.strictObject({});
export const leaktestAnswer = z.object({
  /** `blind`: it could not see what it would have to see, so it says nothing */
  verdict: z.enum(['nothing leaked', 'leaked', 'blind']),
  why: z.array(z.string()),
  /** kind of probe → how many different ones */
  probes: z.record(z.string(), z.number()),
  /** frames that the workstation sent, and packets that came in at the gate */
  sent: z.number(),
  arrived: z.number(),
  /** what left the uplink: packets of each kind that is right, and each kind that is not */
  left: z.object({
    toRelays: z.number(),
    toGate: z.number(),
    arp: z.number(),
    foreign: z.array(z.string()),
  }),
});
export type LeaktestResult = z.output<typeof leaktestAnswer>;
