/**
 * Every probe in every state, on a real kernel without Docker: first with nothing in its way, which must be seen to
 * leak; then the rules alone on a gate that has a default route and forwards; then the gate as it is shipped, with the
 * real policy service; then that gate without any rule.
 */
import test, { type ExecutionContext } from 'ava';
import { composeSchema, readCompose } from '../../compose/contract.ts';
import {
  type Agent,
  GATE,
  GATE_UP,
  Lab,
  pause,
  TOR_UID,
  UPLINK,
  UPLINK_PORT,
  WORKSTATION,
} from '../../netns/support/lab.ts';
import { allowed, kernelProblem, rawProblem, sh } from '../../netns/support/machine.ts';
import { replacing, tablesOf } from '../../netns/support/rules.ts';
import { RunningService } from '../../netns/support/running-service.ts';
import { type Allow, nothing, towardsWorkstation } from '../support/allowed.ts';
import { doorsOf } from '../support/doors.ts';
import { type Row, seenProbes, verdictTable } from '../support/verdict.ts';
import { Range } from './range.ts';

/** Probes that must exist, and that must be seen to leak when nothing stops them. */
const LEAST_PROBES = 128;
const LEAST_SEEN = 70;

const problem = kernelProblem() ?? rawProblem();
const rows: Row[] = [];

let bare: Range | undefined;
let shipped: Range | undefined;
let policy: RunningService | undefined;
let ws: Agent;
let tor: Agent;

test.before(async () => {
  if (problem !== undefined) return;
  const open = new Lab();
  open.twoHomed();
  open.knowNeighbours();
  bare = new Range(open);
  const closed = new Lab();
  shipped = new Range(closed);
  const { sysctls } = composeSchema.parse(readCompose()).services.gate ?? {};
  for (const [key, value] of Object.entries(sysctls ?? {})) {
    closed.sysctl(closed.gate, key.replaceAll('.', '/'), value);
  }
  closed.knowNeighbours();
  await Promise.all([bare.ready(), shipped.ready(), serve(open), serve(closed)]);
  ws = await closed.agent(closed.ws);
  tor = await closed.agent(closed.gate, TOR_UID);
});

test.after.always(() => {
  policy?.remove();
  bare?.remove();
  shipped?.remove();
  if (rows.length > 0) console.log(verdictTable('probes in namespaces', rows));
});

/** Somebody behind every door, and behind some that must stay shut. */
async function serve(lab: Lab): Promise<void> {
  const other = await lab.agent(lab.gate);
  for (const port of [9040, 9050, 9051, 9052, 8118, 4444, 3128, 22])
    await other.tell({ do: 'serve-tcp', port });
  for (const port of [5300, 53, 67, 9999]) await other.tell({ do: 'serve-udp', port });
  const outside = await lab.agent(lab.outside);
  await outside.tell({ do: 'serve-tcp', port: UPLINK_PORT });
}

function usable(t: ExecutionContext, range: Range | undefined): Range | undefined {
  return allowed(t, problem) ? range : undefined;
}

function answersUnder(name: string): Allow {
  return towardsWorkstation({ gate: GATE, gateUp: GATE_UP, workstation: WORKSTATION }, doorsOf(name));
}

test.serial('anti-test: a two-homed gate without rules is seen to leak', async (t) => {
  const on = usable(t, bare);
  if (on === undefined) return;
  const { lab } = on;
  for (const key of ['all', 'lan0', 'up0']) lab.sysctl(lab.gate, `net/ipv6/conf/${key}/disable_ipv6`, '0');
  lab.sysctl(lab.gate, 'net/ipv6/conf/all/forwarding', '1');
  sh('ip', '-n', lab.gate, '-6', 'addr', 'add', 'fd19:c33d:88bc::10/64', 'dev', 'lan0', 'nodad');
  sh('ip', '-n', lab.gate, '-6', 'route', 'add', 'default', 'dev', 'up0');
  const via = lab.mac(lab.outside, 'out0');
  sh(
    'ip',
    '-n',
    lab.gate,
    '-6',
    'neigh',
    'add',
    '2001:db8::1',
    'lladdr',
    via,
    'nud',
    'permanent',
    'dev',
    'up0',
  );
  await pause(100);
  const ours = await on.fire();
  const theirs = await on.fireFromOutside();
  const out = seenProbes(ours.out, on.probes);
  const seen = seenProbes([...ours.out, ...ours.lan], on.probes);
  const seenOutside = seenProbes([...theirs.out, ...theirs.lan], on.fromOutside);
  const names = (numbers: ReadonlySet<number>, which: boolean): string =>
    on.probes
      .filter(({ number }) => numbers.has(number) === which)
      .map(({ name }) => name)
      .join(', ');
  t.log(`${out.size} of ${on.probes.length} came out, ${seen.size} came out or were answered`);
  t.log(`${seenOutside.size} of ${on.fromOutside.length} from the outside were answered or came in`);
  t.log(`not observable even so: ${names(seen, false)}`);
  // Whom the gate still looks for by ARP would look like an answer in the next state.
  sh('ip', '-n', lab.gate, 'neigh', 'flush', 'dev', 'lan0');
  rows.push({
    state: 'anti-test: two-homed, no rules',
    probes: on.probes.length + on.fromOutside.length,
    seen: seen.size + seenOutside.size,
    leaked: out.size,
    answered: ours.lan.length,
  });
  t.true(on.probes.length >= LEAST_PROBES);
  t.true(out.size >= LEAST_SEEN, names(out, true));
  t.true(seenOutside.size >= 8, 'the outside gets answers from such a gate');
});

const STATES = [
  { state: 'sealed', policy: 'leak-proof' },
  { state: 'tor-only', policy: 'leak-proof' },
  { state: 'open', policy: 'leak-proof' },
  { state: 'open', policy: 'i2p-only' },
  { state: 'open', policy: 'sealed' },
] as const;

for (const { state, policy: name } of STATES) {
  test.serial(
    `the rules alone, ${state} under ${name}: nothing comes out, nothing else is answered`,
    async (t) => {
      const on = usable(t, bare);
      if (on === undefined) return;
      await on.lab.nft.apply(replacing(tablesOf(state, name)));
      const answers = state === 'open' && name !== 'sealed' ? answersUnder(name) : nothing;
      rows.push(await on.judge(t, `rules alone: ${state}, ${name}`, answers));
    },
  );
}

for (const { state, policy: name } of STATES) {
  test.serial(
    `as shipped, ${state} under ${name}: nothing comes out, nothing else is answered`,
    async (t) => {
      const on = usable(t, shipped);
      if (on === undefined) return;
      const service = await started(t, on.lab);
      t.is((await service.call('POST', '/policy', { policy: name })).code, 200);
      t.is((await service.call('POST', '/state', { state })).code, 200);
      const torGetsOut = state !== 'sealed' && name !== 'sealed';
      const connected = await tor.connect(UPLINK, UPLINK_PORT, 2_000);
      t.is(connected === 'open', torGetsOut, 'and Tor gets through exactly where it should');
      const answers = state === 'open' && name !== 'sealed' ? answersUnder(name) : nothing;
      if (answers !== nothing) t.is(await ws.connect(GATE, 8118, 2_000), 'open', 'and the door is open');
      rows.push(await on.judge(t, `as shipped: ${state}, ${name}`, answers));
      t.is((await service.status()).state, state, 'no probe moved the policy service');
    },
  );
}

async function started(t: ExecutionContext, lab: Lab): Promise<RunningService> {
  if (policy !== undefined) return policy;
  policy = new RunningService(lab);
  policy.start();
  await policy.until(t, 'starts', ({ state, doubts }) => state === 'sealed' && doubts.length === 0);
  return policy;
}

test.serial('as shipped but without any rule: the structure alone lets nothing out', async (t) => {
  const on = usable(t, shipped);
  if (on === undefined) return;
  policy?.kill();
  await pause(100);
  sh('ip', 'netns', 'exec', on.lab.gate, 'nft', 'flush', 'ruleset');
  const ours = await on.fire();
  const theirs = await on.fireFromOutside();
  const arps = ours.lan.filter(({ bytes }) => bytes.readUInt16BE(12) === 0x0806);
  const fromGate = theirs.out;
  t.log(`${ours.lan.length} answers to the workstation, ${fromGate.length} to the uplink's side`);
  t.is(ours.out.length, 0, 'nothing of a workstation comes out');
  t.is(theirs.lan.length, 0, 'nothing of the outside comes in');
  t.is(arps.length, 0, 'and the gate answers for no other address');
  rows.push({
    state: 'as shipped, rules flushed',
    probes: on.probes.length + on.fromOutside.length,
    seen: seenProbes(ours.lan, on.probes).size,
    leaked: ours.out.length + theirs.lan.length,
    answered: arps.length,
  });
});
