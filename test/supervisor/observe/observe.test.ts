import test from 'ava';
import { observe, roleOf } from '../../../services/supervisor/observe/observe.ts';
import { JOINERS, ROLES } from '../../../services/supervisor/observe/roles.ts';
import { captured, factsOf } from '../support/captured.ts';

test('an open gateway: all run, the joiners share the gate’s namespace, the uplink is plugged', (t) => {
  const facts = factsOf('open');
  for (const role of ROLES) t.is(facts.containers[role]?.life, 'running', role);
  const gate = facts.containers.gate;
  t.regex(gate?.netns ?? '', /^net:\[\d+\]$/);
  for (const role of JOINERS) {
    t.is(facts.containers[role]?.netns, gate?.netns, role);
    t.is(facts.containers[role]?.joins, gate?.id, role);
  }
  t.deepEqual(facts.containers.gate?.networks, ['lan', 'up']);
  t.deepEqual(facts.containers.uplink?.networks.toSorted(), ['ext', 'up']);
  t.true(facts.containers.router?.networkless);
  t.not(facts.containers.router?.netns, gate?.netns);
  t.deepEqual(facts.networks, { lan: 'allium_lan', up: 'allium_up', ext: 'allium_ext' });
  t.deepEqual([facts.strangers, facts.duplicates, facts.notInternal], [[], [], []]);
  t.is(facts.policy?.state, 'open');
});

test('the private Tor network’s own containers on ext are no strangers', (t) => {
  t.true(captured('open').listed.length > ROLES.length + 1);
  t.deepEqual(factsOf('open').strangers, []);
});

test('without the plug the uplink has only its own side', (t) => {
  t.deepEqual(factsOf('unplugged').containers.uplink?.networks, ['up']);
});

test('a container that joined the gate is a stranger, and so is one on the uplink’s network', (t) => {
  t.deepEqual(factsOf('stranger-in-gate').strangers, [{ name: 'stranger-joined', where: 'gate' }]);
  t.deepEqual(factsOf('stranger-on-up').strangers, [{ name: 'stranger-up', where: 'up' }]);
});

test('a network that somebody attached is foreign', (t) => {
  t.deepEqual(factsOf('gate-foreign-network').containers.gate?.foreignNetworks, ['stranger-net']);
  t.deepEqual(factsOf('uplink-foreign-network').containers.uplink?.foreignNetworks, ['stranger-net']);
  t.deepEqual(factsOf('gate-foreign-network').policy?.doubts, ['link-foreign', 'route-foreign']);
});

test('a restarted gate keeps its id and has another namespace than its joiners', (t) => {
  const { containers } = factsOf('gate-restarted');
  t.is(containers.policy?.joins, containers.gate?.id);
  t.is(containers.policy?.life, 'running');
  t.not(containers.policy?.netns, containers.gate?.netns);
});

test('what ended has no namespace, and what is gone is not there', (t) => {
  t.is(factsOf('gate-ended').containers.gate?.life, 'ended');
  t.is(factsOf('gate-ended').containers.gate?.netns, undefined);
  t.is(factsOf('gate-missing').containers.gate, undefined);
  t.is(factsOf('forwarder-ended').containers.forwarder?.life, 'ended');
});

test('another project and a one-off container have no role', (t) => {
  const labels = { 'com.docker.compose.project': 'allium', 'com.docker.compose.service': 'gate' };
  t.is(roleOf(labels, 'allium'), 'gate');
  t.is(roleOf(labels, 'other'), undefined);
  t.is(roleOf({ ...labels, 'com.docker.compose.oneoff': 'True' }, 'allium'), undefined);
  t.is(roleOf({ ...labels, 'com.docker.compose.service': 'gate2' }, 'allium'), undefined);
});

test('two containers of one role are told', (t) => {
  const seen = captured('open');
  t.true(observe({ ...seen, inspected: [...seen.inspected, ...seen.inspected] }).duplicates.includes('gate'));
});

test('a policy service that says nonsense counts as silent', (t) => {
  for (const policy of [
    undefined,
    {},
    { state: 'wide-open', policy: 'x', digest: 'd', doubts: [] },
    'open',
  ]) {
    t.is(factsOf('open', { policy }).policy, undefined);
  }
});

test('an engine that says nonsense is refused', (t) => {
  t.throws(() => factsOf('open', { inspected: [{ Id: 'x' }] }));
  t.throws(() => factsOf('open', { listed: [{}] }));
});

test('a network outside the project can be ext', (t) => {
  const facts = factsOf('unplugged', { ext: 'allium_lan' });
  t.is(facts.networks.ext, 'allium_lan');
});
