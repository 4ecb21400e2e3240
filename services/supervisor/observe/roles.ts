/** The containers of the appliance but the supervisor itself; compose calls them services. */
export const ROLES = ['gate', 'policy', 'tor', 'forwarder', 'uplink', 'router'] as const;
export type Role = (typeof ROLES)[number];

/** Those that live in the gate's network namespace, in the order in which they come up. */
export const JOINERS = ['policy', 'tor', 'forwarder'] as const;
export type Joiner = (typeof JOINERS)[number];

export const NETWORKS = ['lan', 'up', 'ext'] as const;
export type NetworkRole = (typeof NETWORKS)[number];

/** What each container is attached to when compose or we make it; `ext` comes later and from us only. */
export const ATTACHED: Readonly<Record<Role, readonly NetworkRole[]>> = {
  gate: ['lan', 'up'],
  policy: [],
  tor: [],
  forwarder: [],
  uplink: ['up'],
  router: [],
};

export function isJoiner(role: Role): role is Joiner {
  return JOINERS.some((joiner) => joiner === role);
}
