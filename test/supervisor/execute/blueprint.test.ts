import test from 'ava';
import {
  type Blueprint,
  blueprintOf,
  blueprintSchema,
  createRequest,
} from '../../../services/supervisor/execute/blueprint.ts';
import { captured } from '../support/captured.ts';

interface Inspected {
  readonly Id: string;
  readonly Name: string;
  readonly Config: { readonly Labels: Readonly<Record<string, string>>; readonly Hostname: string };
  readonly HostConfig: Readonly<Record<string, unknown>>;
}

function inspected(role: string): Inspected {
  const all = captured('open').inspected as readonly Inspected[];
  const found = all.find(({ Config }) => Config.Labels['com.docker.compose.service'] === role);
  if (found === undefined) throw new Error(`captured without ${role}`);
  return found;
}

test('a joiner is made with the labels, name and limits of compose, for the gate as it is now', (t) => {
  const tor = inspected('tor');
  const { create, connect } = createRequest(blueprintOf(tor, []), 'new-gate', 'allium-tor:0.1.0');
  t.is(create.name, 'allium-tor-1');
  t.deepEqual(create.Labels, tor.Config.Labels);
  t.deepEqual(create.HostConfig, { ...tor.HostConfig, NetworkMode: 'container:new-gate' });
  // Docker refuses a host name and networks where a namespace is joined.
  t.false('Hostname' in create);
  t.false('NetworkingConfig' in create);
  t.deepEqual(connect, []);
});

test('the gate gets its two networks with their addresses, one at creation and one before the start', (t) => {
  const blueprint = blueprintOf(inspected('gate'), ['allium_lan', 'allium_up']);
  const { create, connect } = createRequest(blueprint, undefined, 'allium-gate:0.1.0');
  const aliases = ['allium-gate-1', 'gate'];
  t.deepEqual(create.NetworkingConfig, {
    EndpointsConfig: { allium_lan: { IPAMConfig: { IPv4Address: '10.152.152.10' }, Aliases: aliases } },
  });
  t.deepEqual(connect, [
    { network: 'allium_up', endpoint: { IPAMConfig: { IPv4Address: '172.31.255.2' }, Aliases: aliases } },
  ]);
  t.false('Hostname' in create);
});

test('the plug is no part of how a fence is made', (t) => {
  const { networks } = blueprintOf(inspected('fence'), ['allium_up']);
  t.deepEqual(Object.keys(networks), ['allium_up']);
});

test('what the shipped compose.yaml takes away stays away in what is made again', (t) => {
  for (const role of ['gate', 'policy', 'tor', 'forwarder', 'fence', 'uplink', 'router']) {
    const { create } = createRequest(
      blueprintOf(inspected(role), ['allium_lan', 'allium_up']),
      'gate',
      'image',
    );
    const host = create.HostConfig as Record<string, unknown>;
    t.deepEqual(host.CapDrop, ['ALL'], role);
    t.is(host.ReadonlyRootfs, true, role);
    t.deepEqual(host.SecurityOpt, ['no-new-privileges:true'], role);
    t.true(Number(host.Memory) > 0, role);
    t.is((host.RestartPolicy as { Name: string }).Name, 'no', role);
  }
});

test('a joiner without a gate is refused', (t) => {
  t.throws(() => createRequest(blueprintOf(inspected('tor'), []), undefined, 'x'), {
    instanceOf: RangeError,
  });
});

test('a blueprint survives the notebook', (t) => {
  const blueprint: Blueprint = blueprintOf(inspected('gate'), ['allium_lan', 'allium_up']);
  t.deepEqual(blueprintSchema.parse(JSON.parse(JSON.stringify(blueprint))), blueprint);
});

test('a host name that somebody chose is kept', (t) => {
  const router = inspected('router');
  const named = { ...router, Config: { ...router.Config, Hostname: 'chosen' } };
  t.is(createRequest(blueprintOf(named, []), undefined, 'x').create.Hostname, 'chosen');
});
