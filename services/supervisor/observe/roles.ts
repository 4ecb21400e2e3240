import { CONTAINERS, type ContainerName, type Network, type Owner, type Role, TOPOLOGY } from './topology.ts';

export type { Owner, Role } from './topology.ts';

/** The containers that are watched, in the order in which they come up; compose calls them services. */
export const ROLES: readonly Role[] = CONTAINERS.filter(isRole);

export const OWNERS: readonly Owner[] = ROLES.filter(isOwner);

/** Those that are plugged into a network last, and by us alone. */
export const OUTLETS: readonly { readonly role: Role; readonly network: Network }[] = ROLES.flatMap(
  (role) => {
    const network = TOPOLOGY[role].plug;
    return network === undefined ? [] : [{ role, network }];
  },
);

/** What a container is attached to when compose or we make it. */
export function networksOf(role: Role): readonly Network[] {
  return Object.keys(TOPOLOGY[role].networks ?? {}) as Network[];
}

/** Whose namespace a role lives in; undefined for those that have one of their own, or none. */
export function ownerOf(role: Role): Owner | undefined {
  return OWNERS.find((owner) => owner === TOPOLOGY[role].namespace);
}

/** Those that live in an owner's namespace, in the order in which they come up. */
export function joinersOf(owner: Owner): readonly Role[] {
  return ROLES.filter((role) => ownerOf(role) === owner);
}

export function isOwner(name: ContainerName): name is Owner {
  return TOPOLOGY[name].namespace === 'own';
}

function isRole(name: ContainerName): name is Role {
  return TOPOLOGY[name].loss !== 'docker';
}
