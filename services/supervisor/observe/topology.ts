/**
 * Every container of the appliance, one row each, in the order in which they come up. What the supervisor plans and
 * watches, what compose.yaml must say and what the images prepare are derived from it: a new container is a row here, a
 * service in compose.yaml, and its configuration in images/.
 */
export interface Row {
  /** where it lives: in a network namespace of its `own` that others join, in that of an owner, in the machine's, in none */
  readonly namespace: 'own' | 'gate' | 'fence' | 'host' | 'none';
  /** networks that it is attached to when it is made, and its address there; owners only */
  readonly networks?: Readonly<Partial<Record<Network, string>>>;
  /** the network that it is plugged into last, by the supervisor alone */
  readonly plug?: Network;
  /**
   * What it means when it is gone or not as it must be: `close` unplugs and seals before it is made anew, `mend` makes it
   * anew and closes nothing (it can let nothing out), `docker` is nobody's business but Docker's, which restarts it
   */
  readonly loss: 'close' | 'mend' | 'docker';
  /** the doubt which says that it runs and does not answer */
  readonly silence?: 'policy-silent' | 'uplink-silent';
  /** number of its user and group; root where Docker would not hand over a capability or its own socket otherwise */
  readonly user: number;
  readonly capabilities: readonly 'NET_ADMIN'[];
  /** folders of sockets below /run/allium that it makes, one volume each */
  readonly serves: readonly string[];
  /** folders of sockets of others that it may reach: it is in the group of their owner */
  readonly reaches: readonly string[];
  /** keeps what must outlive it, in /var/lib/allium/NAME */
  readonly state: boolean;
  /** holds the socket of the engine */
  readonly engine?: true;
}

export const NETWORKS = ['lan', 'up', 'ext'] as const;
export type Network = (typeof NETWORKS)[number];

const table = {
  gate: {
    namespace: 'own',
    networks: { lan: '10.152.152.10', up: '172.31.255.2' },
    loss: 'close',
    user: 0,
    capabilities: ['NET_ADMIN'],
    serves: [],
    reaches: [],
    state: false,
  },
  policy: {
    namespace: 'gate',
    loss: 'close',
    silence: 'policy-silent',
    user: 0,
    capabilities: ['NET_ADMIN'],
    serves: ['policy'],
    reaches: [],
    state: false,
  },
  tor: {
    namespace: 'gate',
    loss: 'close',
    user: 9001,
    capabilities: [],
    serves: ['tor-control', 'tor-socks'],
    reaches: [],
    state: true,
  },
  forwarder: {
    namespace: 'gate',
    loss: 'close',
    user: 9002,
    capabilities: [],
    serves: [],
    reaches: ['router-streams'],
    state: true,
  },
  'tor-filter': {
    namespace: 'gate',
    loss: 'close',
    user: 9005,
    capabilities: [],
    serves: [],
    reaches: ['tor-control'],
    state: false,
  },
  fence: {
    namespace: 'own',
    networks: { up: '172.31.255.3' },
    plug: 'ext',
    loss: 'close',
    user: 0,
    capabilities: ['NET_ADMIN'],
    serves: [],
    reaches: [],
    state: false,
  },
  uplink: {
    namespace: 'fence',
    loss: 'close',
    silence: 'uplink-silent',
    user: 9003,
    capabilities: [],
    serves: ['uplink-control'],
    reaches: [],
    state: false,
  },
  router: {
    namespace: 'none',
    loss: 'mend',
    user: 9004,
    capabilities: [],
    serves: ['router-streams', 'router-health'],
    reaches: ['tor-socks'],
    state: true,
  },
  hostguard: {
    namespace: 'host',
    loss: 'docker',
    user: 0,
    capabilities: ['NET_ADMIN'],
    serves: [],
    reaches: [],
    state: false,
  },
  supervisor: {
    namespace: 'none',
    loss: 'docker',
    user: 0,
    capabilities: [],
    serves: [],
    reaches: ['policy', 'tor-control', 'uplink-control', 'router-health'],
    state: true,
    engine: true,
  },
} as const satisfies Record<string, Row>;

type Table = typeof table;
export type ContainerName = keyof Table;
export const TOPOLOGY: Readonly<Record<ContainerName, Row>> = table;
export const CONTAINERS = Object.keys(table) as readonly ContainerName[];

/** Those that the supervisor watches and makes anew. */
export type Role = { [N in ContainerName]: Table[N]['loss'] extends 'docker' ? never : N }[ContainerName];
/** Those that own a network namespace: rules, links, and nothing else. */
export type Owner = { [N in ContainerName]: Table[N]['namespace'] extends 'own' ? N : never }[ContainerName];
