import test from 'ava';
import { TOPOLOGY } from '../../services/supervisor/observe/topology.ts';
import { breaches, CONTRACT, composeSchema, readCompose } from './contract.ts';

test('compose.yaml keeps the contract', (t) => {
  t.deepEqual(breaches(readCompose()), []);
});

type Loose = Record<'services' | 'networks', Record<string, Record<string, unknown>>>;
interface Mistake {
  readonly name: string;
  readonly part: keyof Loose;
  readonly of: string;
  readonly key: string;
  /** undefined: the key is taken away */
  readonly value: unknown;
}

/** One mistake each; the contract has to notice every one of them. */
const MISTAKES: readonly Mistake[] = [
  { name: 'a published port', part: 'services', of: 'tor', key: 'ports', value: ['9050:9050'] },
  { name: 'a capability for Tor', part: 'services', of: 'tor', key: 'cap_add', value: ['NET_RAW'] },
  { name: 'capabilities that are kept', part: 'services', of: 'forwarder', key: 'cap_drop', value: [] },
  { name: 'a writable root', part: 'services', of: 'uplink', key: 'read_only', value: false },
  { name: 'new privileges', part: 'services', of: 'router', key: 'security_opt', value: [] },
  {
    name: 'a router with a network',
    part: 'services',
    of: 'router',
    key: 'network_mode',
    value: 'service:gate',
  },
  {
    name: 'a supervisor with a network',
    part: 'services',
    of: 'supervisor',
    key: 'network_mode',
    value: undefined,
  },
  {
    name: 'an uplink that compose plugs',
    part: 'services',
    of: 'fence',
    key: 'networks',
    value: ['up', 'ext'],
  },
  { name: 'a gate that Docker restarts', part: 'services', of: 'gate', key: 'restart', value: 'always' },
  { name: 'a gate with a resolver', part: 'services', of: 'gate', key: 'dns', value: '9.9.9.9' },
  { name: 'a gate that forwards', part: 'services', of: 'gate', key: 'sysctls', value: {} },
  { name: 'Tor’s user for another', part: 'services', of: 'forwarder', key: 'user', value: '9001:9001' },
  {
    name: 'Docker’s socket for another',
    part: 'services',
    of: 'router',
    key: 'volumes',
    value: ['/var/run/docker.sock:/var/run/docker.sock'],
  },
  { name: 'no memory limit', part: 'services', of: 'policy', key: 'mem_limit', value: undefined },
  { name: 'an unknown service', part: 'services', of: 'extra', key: 'image', value: 'x' },
  { name: 'the network ext in use', part: 'services', of: 'ext', key: 'deploy', value: { replicas: 1 } },
  { name: 'the host’s processes in sight', part: 'services', of: 'tor', key: 'pid', value: 'host' },
  { name: 'a LAN with a way out', part: 'networks', of: 'lan', key: 'internal', value: false },
  { name: 'an uplink network with a way out', part: 'networks', of: 'up', key: 'internal', value: undefined },
];

for (const { name, part, of, key, value } of MISTAKES) {
  test(`noticed: ${name}`, (t) => {
    const compose = structuredClone(readCompose()) as Loose;
    const changed = { ...compose[part][of], [key]: value };
    if (value === undefined) delete changed[key];
    compose[part][of] = changed;
    t.not(breaches(compose).length, 0);
  });
}

test('each socket’s folder has one owner and somebody who reaches it, and nobody reaches another', (t) => {
  const rows = Object.values(TOPOLOGY);
  const served = rows.flatMap(({ serves }) => serves);
  t.is(new Set(served).size, served.length);
  t.deepEqual([...new Set(rows.flatMap(({ reaches }) => reaches))].toSorted(), served.toSorted());
});

test('rows that contradict themselves', (t) => {
  for (const [name, row] of Object.entries(TOPOLOGY)) {
    t.is(row.networks !== undefined, row.namespace === 'own', `${name}: who has addresses owns a namespace`);
    t.true(
      row.user === 0 || row.capabilities.length === 0,
      `${name}: Docker gives capabilities to root only`,
    );
    if (row.loss === 'mend')
      t.is(row.plug, undefined, `${name}: what can let something out is not mended quietly`);
    if (row.namespace === 'gate' || row.namespace === 'fence')
      t.is(TOPOLOGY[row.namespace].namespace, 'own', name);
  }
  t.is(Object.values(TOPOLOGY).filter(({ plug }) => plug !== undefined).length, 1, 'one way out');
  t.is(Object.values(TOPOLOGY).filter(({ engine }) => engine).length, 1, 'one holder of the engine');
});

test('only those of the same container share a user, but for the four with NET_ADMIN and the supervisor', (t) => {
  const users = Object.values(TOPOLOGY).map(({ user }) => user);
  const own = users.filter((user) => user !== 0);
  t.is(new Set(own).size, own.length);
  t.is(users.length - own.length, 5);
});

test('the supervisor is started last and stopped first', (t) => {
  const { services } = composeSchema.parse(readCompose());
  const others = Object.keys(CONTRACT).filter((name) => name !== 'supervisor');
  const { depends_on: needed } = services.supervisor ?? {};
  t.deepEqual((needed as string[]).toSorted(), others.toSorted());
});
