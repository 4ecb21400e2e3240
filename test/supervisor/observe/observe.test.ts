import test from 'ava';
import { GUEST, observe, roleOf } from '../../../services/supervisor/observe/observe.ts';
import { joinersOf, ROLES } from '../../../services/supervisor/observe/roles.ts';
import { captured, factsOf } from '../support/captured.ts';

test('an open gateway: all run, the joiners share the gate’s namespace, the fence is plugged', (t) => {
  const facts = factsOf('open');
  for (const role of ROLES) t.is(facts.containers[role]?.life, 'running', role);
  const gate = facts.containers.gate;
  t.regex(gate?.netns ?? '', /^net:\[\d+\]$/);
  for (const role of joinersOf('gate')) {
    t.is(facts.containers[role]?.netns, gate?.netns, role);
    t.is(facts.containers[role]?.joins, gate?.id, role);
  }
  t.deepEqual(facts.containers.gate?.networks, ['lan', 'up']);
  t.deepEqual(facts.containers.fence?.networks.toSorted(), ['ext', 'up']);
  t.is(facts.containers.uplink?.netns, facts.containers.fence?.netns);
  t.is(facts.containers.uplink?.joins, facts.containers.fence?.id);
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

test('without the plug the fence has only its own side', (t) => {
  t.deepEqual(factsOf('unplugged').containers.fence?.networks, ['up']);
});

test('a container that joined the gate is a stranger, and so is one on the uplink’s network', (t) => {
  t.deepEqual(factsOf('stranger-in-gate').strangers, [{ name: 'stranger-joined', where: 'gate' }]);
  t.deepEqual(factsOf('stranger-on-up').strangers, [{ name: 'stranger-up', where: 'up' }]);
});

test('a network that somebody attached is foreign', (t) => {
  t.deepEqual(factsOf('gate-foreign-network').containers.gate?.foreignNetworks, ['stranger-net']);
  t.deepEqual(factsOf('fence-foreign-network').containers.fence?.foreignNetworks, ['stranger-net']);
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

test('another project, a one-off container and one started by hand from our image have no role', (t) => {
  const image = { 'com.docker.compose.project': 'allium', 'com.docker.compose.service': 'gate' };
  const labels = { ...image, 'com.docker.compose.container-number': '1' };
  t.is(roleOf(image, 'allium'), undefined);
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

test('in the fence only the uplink is no stranger, and a guest by both its id and its label', (t) => {
  const seen = captured('open');
  const fence = factsOf('open').containers.fence?.id ?? '';
  const guest = {
    Id: 'guest-1',
    Names: ['/somebody'],
    State: 'running',
    Labels: { [GUEST]: 'secret' },
    HostConfig: { NetworkMode: `container:${fence}` },
    NetworkSettings: { Networks: {} },
  };
  const strangers = (guests?: ReadonlyMap<string, string>) =>
    factsOf('open', { listed: [...seen.listed, guest], guests }).strangers;
  const told = [{ name: 'somebody', where: 'fence' as const }];
  t.deepEqual(strangers(), told);
  t.deepEqual(strangers(new Map([['guest-2', 'secret']])), told);
  t.deepEqual(strangers(new Map([['guest-1', 'other']])), told);
  t.deepEqual(strangers(new Map([['guest-1', 'secret']])), []);
});
