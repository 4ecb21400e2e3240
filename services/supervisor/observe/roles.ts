/** The containers of the appliance but the supervisor itself; compose calls them services. */
export const ROLES = ['gate', 'policy', 'tor', 'forwarder', 'control', 'fence', 'uplink', 'router'] as const;
export type Role = (typeof ROLES)[number];

/** Those that live in the gate's network namespace, in the order in which they come up. */
export const JOINERS = ['policy', 'tor', 'forwarder', 'control'] as const;
export type Joiner = (typeof JOINERS)[number];

/** Those that own a network namespace: rules, links, and nothing else. */
export const OWNERS = ['gate', 'fence'] as const;
export type Owner = (typeof OWNERS)[number];

export const NETWORKS = ['lan', 'up', 'ext'] as const;
export type NetworkRole = (typeof NETWORKS)[number];

/** What each container is attached to when compose or we make it; `ext` comes later and from us only. */
export const ATTACHED: Readonly<Record<Role, readonly NetworkRole[]>> = {
  gate: ['lan', 'up'],
  policy: [],
  tor: [],
  forwarder: [],
  control: [],
  fence: ['up'],
  uplink: [],
  router: [],
};

/** Whose namespace a role lives in; undefined for those that have one of their own. */
export function ownerOf(role: Role): Owner | undefined {
  if (isJoiner(role)) return 'gate';
  return role === 'uplink' ? 'fence' : undefined;
}

export function isOwner(role: Role): role is Owner {
  return OWNERS.some((owner) => owner === role);
}

export function isJoiner(role: Role): role is Joiner {
  return JOINERS.some((joiner) => joiner === role);
}
