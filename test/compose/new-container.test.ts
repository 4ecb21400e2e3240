import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { type Row, TOPOLOGY } from '../../services/supervisor/observe/topology.ts';
import { breaches, composeSchema, contractOf, ROOT, readCompose } from './contract.ts';

/** Files that say how the appliance is made: words and tests aside. */
const PARTS = [
  '.ci',
  'images',
  'policies',
  'services',
  'compose.yaml',
  'compose.lan.yaml',
  'package.json',
  'tsconfig.json',
];

function files(path: string): string[] {
  const full = join(ROOT, path);
  if (statSync(full).isFile()) return [path];
  const names = readdirSync(full).filter((name) => name !== 'node_modules');
  return names.flatMap((name) => files(`${path}/${name}`));
}

/** Which files speak of a container, but its own program and words. */
function placesOf(name: string): string[] {
  const word = new RegExp(`(?<![\\w-])${name}(?![\\w-])`);
  return PARTS.flatMap(files)
    .filter((file) => !file.startsWith(`services/${name}/`) && !file.endsWith('.md'))
    .filter((file) => word.test(readFileSync(join(ROOT, file), 'utf8')))
    .toSorted();
}

test('a container stands in three places: a service of compose.yaml, a row of the topology, and its image', (t) => {
  const topology = 'services/supervisor/observe/topology.ts';
  t.deepEqual(placesOf('tor-filter'), ['compose.yaml', 'images/node/Dockerfile', topology]);
  t.deepEqual(placesOf('hostguard'), ['compose.yaml', 'images/hostguard/Dockerfile', topology]);
});

const EXTRA: Row = {
  namespace: 'none',
  loss: 'mend',
  user: 9100,
  capabilities: [],
  serves: ['extra'],
  reaches: ['tor-socks'],
  state: true,
};

function withExtra(changes: Readonly<Record<string, unknown>> = {}): unknown {
  const compose = structuredClone(composeSchema.parse(readCompose()));
  const { router } = compose.services;
  if (router === undefined) throw new Error('no router');
  const volumes = [
    'extra:/var/lib/allium/extra',
    'extra:/run/allium/extra',
    'tor-socks:/run/allium/tor-socks',
  ];
  const service = { ...router, image: 'allium-extra:0.1.0', user: '9100:9100', group_add: ['9001'], volumes };
  const services = { ...compose.services, extra: { ...service, ...changes } };
  return { ...compose, services, volumes: { ...compose.volumes, extra: null } };
}

test('a row and a service are all that the contract wants of a new one, and it holds each to the other', (t) => {
  const rows = contractOf({ ...TOPOLOGY, extra: EXTRA });
  t.deepEqual(breaches(withExtra(), rows), []);
  t.deepEqual(breaches(readCompose()), []);
  t.regex(breaches(withExtra()).join('\n'), /^services: .*"extra"/m);
  t.regex(breaches(readCompose(), rows).join('\n'), /^services: .*"extra"/m);
  t.regex(breaches(withExtra({ user: '0:0' }), rows).join('\n'), /^extra: user: /m);
  t.regex(breaches(withExtra({ network_mode: 'service:gate' }), rows).join('\n'), /^extra: network_mode: /m);
});
