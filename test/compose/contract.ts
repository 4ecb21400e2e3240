/** The containers' contract as one table, and what in a compose file breaks it. Reads parsed YAML, needs no engine. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { type Row, TOPOLOGY } from '../../services/supervisor/observe/topology.ts';

export const ROOT = join(import.meta.dirname, '../..');

const strings = z.array(z.string());
const service = z.looseObject({
  image: z.string(),
  build: z.object({ dockerfile: z.string(), args: z.record(z.string(), z.string()).optional() }).optional(),
  user: z.string().optional(),
  cap_add: strings.default([]),
  cap_drop: strings.default([]),
  security_opt: strings.default([]),
  read_only: z.boolean().default(false),
  restart: z.string().optional(),
  network_mode: z.string().optional(),
  networks: z.union([strings, z.record(z.string(), z.object({ ipv4_address: z.string() }))]).optional(),
  dns: z.string().optional(),
  sysctls: z.record(z.string(), z.string()).default({}),
  group_add: strings.default([]),
  volumes: strings.default([]),
  tmpfs: strings.default([]),
  mem_limit: z.string().optional(),
  pids_limit: z.number().optional(),
  depends_on: z.unknown().optional(),
  deploy: z.object({ replicas: z.number() }).optional(),
});
const network = z.looseObject({
  internal: z.boolean().default(false),
  driver_opts: z.record(z.string(), z.string()).default({}),
});
export const composeSchema = z.object({
  services: z.record(z.string(), service),
  networks: z.record(z.string(), network),
  volumes: z.record(z.string(), z.unknown()),
});
export type Compose = z.output<typeof composeSchema>;
type Service = Compose['services'][string];

export function readCompose(): unknown {
  return parse(readFileSync(join(ROOT, 'compose.yaml'), 'utf8'), { merge: true });
}

interface Contract {
  readonly user: string;
  /** whose namespace it lives in, or its own addresses */
  readonly net: Row['namespace'] | Readonly<Record<string, string>>;
  readonly caps: readonly string[];
  readonly groups: readonly string[];
  /** mounted volumes; there may be no other */
  readonly volumes: readonly string[];
  /** Docker restarts only what owns no namespace and lives in nobody's */
  readonly restart: 'no' | 'unless-stopped';
}

/** What compose.yaml has to say, from the rows of the topology. */
export const CONTRACT = contractOf(TOPOLOGY);

export function contractOf(rows: Readonly<Record<string, Row>>): Readonly<Record<string, Contract>> {
  return Object.fromEntries(Object.entries(rows).map(([name, row]) => [name, rowContract(name, row, rows)]));
}

function rowContract(name: string, row: Row, rows: Readonly<Record<string, Row>>): Contract {
  const groups = row.reaches
    .map((folder) => ownerOfFolder(folder, rows)?.user ?? 0)
    .filter((user) => user !== 0);
  return {
    user: `${row.user}:${row.user}`,
    net: row.networks ?? row.namespace,
    caps: row.capabilities,
    groups: [...new Set(groups)].map(String),
    volumes: [
      ...(row.engine === true ? ['/var/run/docker.sock:/var/run/docker.sock'] : []),
      ...(row.state ? [`${name}:/var/lib/allium/${name}`] : []),
      ...[...row.serves, ...row.reaches].map((folder) => `${folder}:/run/allium/${folder}`),
    ],
    restart: row.loss === 'docker' ? 'unless-stopped' : 'no',
  };
}

export function ownerOfFolder(
  folder: string,
  rows: Readonly<Record<string, Row>> = TOPOLOGY,
): Row | undefined {
  return Object.values(rows).find(({ serves }) => serves.includes(folder));
}

/** Keys that would open what the table closes; none may appear, with any value. */
const FORBIDDEN = [
  'ports',
  'expose',
  'privileged',
  'devices',
  'device_cgroup_rules',
  'pid',
  'ipc',
  'uts',
  'userns_mode',
  'cgroup',
  'extra_hosts',
  'links',
  'external_links',
  'volumes_from',
  'env_file',
  'environment',
  'mac_address',
  'cgroup_parent',
  'runtime',
];

/** What a namespace with links must not inherit from a Docker host. */
const SYSCTLS: Readonly<Record<string, string>> = {
  'net.ipv4.ip_forward': '0',
  'net.ipv6.conf.all.forwarding': '0',
  'net.ipv6.conf.all.disable_ipv6': '1',
  'net.ipv6.conf.default.disable_ipv6': '1',
  'net.ipv4.conf.all.rp_filter': '1',
  'net.ipv4.conf.all.arp_ignore': '2',
  'net.ipv4.conf.all.accept_redirects': '0',
  'net.ipv4.conf.all.route_localnet': '0',
  'net.ipv4.conf.all.proxy_arp': '0',
  'net.ipv4.tcp_timestamps': '0',
};

/** Every breach of the contract, as text; empty for a file that keeps it. */
export function breaches(input: unknown, contracts = CONTRACT): string[] {
  const parsed = composeSchema.safeParse(input);
  if (!parsed.success) return parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  const { services, networks, volumes } = parsed.data;
  const found: string[] = [];
  const running = Object.entries(services).filter(([, { deploy }]) => deploy?.replicas !== 0);
  const names = running.map(([name]) => name).toSorted();
  check(found, names, Object.keys(contracts).toSorted(), 'services');
  for (const [name, contract] of Object.entries(contracts)) {
    const service = services[name];
    if (service !== undefined) found.push(...serviceBreaches(name, service, contract));
  }
  check(found, Object.keys(networks).toSorted(), ['ext', 'lan', 'up'], 'networks');
  for (const name of ['lan', 'up']) {
    if (networks[name]?.internal !== true) found.push(`network ${name}: not internal`);
  }
  for (const name of ['lan', 'up', 'ext']) {
    const silent = networks[name]?.driver_opts['com.docker.network.advertise_addr_nmsgs'] === '0';
    if (!silent) found.push(`network ${name}: the engine announces what it plugs in`);
  }
  const mounted = new Set(Object.values(contracts).flatMap(({ volumes: all }) => all.map(volumeName)));
  mounted.delete('/var/run/docker.sock');
  check(found, Object.keys(volumes).toSorted(), [...mounted].toSorted(), 'volumes');
  return found;
}

function serviceBreaches(name: string, service: Service, contract: Contract): string[] {
  const found: string[] = [];
  const is = (actual: unknown, wanted: unknown, what: string): void =>
    check(found, actual, wanted, `${name}: ${what}`);
  is(service.user, contract.user, 'user');
  is(service.cap_drop, ['ALL'], 'cap_drop');
  is(service.cap_add, contract.caps, 'cap_add');
  is(service.security_opt, ['no-new-privileges:true'], 'security_opt');
  is(service.read_only, true, 'read_only');
  is(service.restart, contract.restart, 'restart');
  is(service.group_add.toSorted(), contract.groups.toSorted(), 'group_add');
  is(service.volumes.toSorted(), contract.volumes.toSorted(), 'volumes');
  is(/^\d+m$/.test(service.mem_limit ?? ''), true, 'mem_limit');
  is(service.pids_limit !== undefined && service.pids_limit <= 64, true, 'pids_limit');
  for (const key of FORBIDDEN) if (key in service) found.push(`${name}: ${key}`);
  if (typeof contract.net === 'string') {
    const own = contract.net === 'none' || contract.net === 'host';
    is(service.network_mode, own ? contract.net : `service:${contract.net}`, 'network_mode');
    is(service.networks, undefined, 'networks');
    return found;
  }
  const addresses = Object.fromEntries(
    Object.entries(contract.net).map(([network, ipv4]) => [network, { ipv4_address: ipv4 }]),
  );
  is(service.networks, addresses, 'networks');
  is(service.dns, '127.0.0.1', 'dns');
  for (const [key, value] of Object.entries(SYSCTLS)) is(service.sysctls[key], value, key);
  return found;
}

/** The address of a container in one of its networks. */
export function addressOf(name: string, network: string): string | undefined {
  const net = CONTRACT[name]?.net;
  return typeof net === 'object' ? net[network] : undefined;
}

export function volumeName(mount: string): string {
  return mount.split(':')[0] ?? '';
}

function check(found: string[], actual: unknown, wanted: unknown, what: string): void {
  if (JSON.stringify(actual) !== JSON.stringify(wanted)) {
    found.push(`${what}: ${JSON.stringify(actual)} instead of ${JSON.stringify(wanted)}`);
  }
}
