import type { Network, Owner, Role } from './topology.ts';

export interface ContainerFacts {
  readonly id: string;
  readonly name: string;
  readonly life: 'created' | 'running' | 'ended';
  readonly health: 'healthy' | 'starting' | 'unhealthy' | 'none';
  /** identity of its network namespace; undefined when it does not run or would not tell */
  readonly netns: string | undefined;
  /** the container whose namespace it was made to join */
  readonly joins: string | undefined;
  /** made without any network */
  readonly networkless: boolean;
  /** attached networks that are ours */
  readonly networks: readonly Network[];
  /** names of attached networks that are not */
  readonly foreignNetworks: readonly string[];
}

/** A running container that is where only ours may be. */
export interface Stranger {
  readonly name: string;
  readonly where: Owner | 'up';
}

export interface PolicyFacts {
  readonly state: 'unknown' | 'sealed' | 'tor-only' | 'open';
  readonly policy: string;
  /** of the rules in the kernel, read back; undefined when they are not what was meant */
  readonly digest: string | undefined;
  readonly doubts: readonly string[];
  /** names of the policies that it could load */
  readonly known: readonly string[];
  /** what it opens to workstations in `open`, for a person to read */
  readonly doors: readonly { readonly ports: string; readonly why: string }[];
}

export interface RouterFacts {
  readonly stage: string;
  readonly reseedBundles: number;
  readonly routers: number;
  readonly peers: number;
  readonly tunnels: { readonly alive: number; readonly wanted: number };
}

/** What is, without any judgement. */
export interface Facts {
  readonly containers: Readonly<Partial<Record<Role, ContainerFacts>>>;
  /** roles with more than one container; `containers` holds the first */
  readonly duplicates: readonly Role[];
  /** name in the engine of each of our networks that is there */
  readonly networks: Readonly<Partial<Record<Network, string>>>;
  /** networks that should not reach the host's other networks and do */
  readonly notInternal: readonly Network[];
  readonly strangers: readonly Stranger[];
  readonly policy: PolicyFacts | undefined;
  readonly tor: { readonly percent: number; readonly summary: string } | undefined;
  readonly router: RouterFacts | undefined;
  /** how many relays Tor knows of; undefined when it has not said so for a while */
  readonly relays: number | undefined;
  /** the uplink answers and has the list of just these */
  readonly relaysTaken: boolean;
}
