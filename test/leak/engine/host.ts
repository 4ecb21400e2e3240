/** The machine that runs the engine: nobody reaches its services, and it is no way around the gate. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ExecutionContext, TestFn } from 'ava';
import type { Agent } from '../../netns/support/lab.ts';
import { sh } from '../../netns/support/machine.ts';
import { read } from '../packets/read.ts';
import { probesOfWorkstation } from '../probes/table.ts';
import type { Row } from '../support/verdict.ts';
import { inContainer } from './appliance.ts';
import { GATE, GATE_UP, type Leak } from './host-watch.ts';
import { HOST_ADDRESSES, type Rig, tellLeaks } from './rig.ts';
import { HOST, IN_HOST } from './second-engine.ts';

const PORT = 2222;
/** Longer than an answer on one machine takes, ms. */
const PATIENCE_MS = 700;

async function reached(from: Agent, addresses: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const address of addresses) {
    if ((await from.connect(address, PORT, PATIENCE_MS)) === 'open') found.push(`tcp ${address}`);
    if ((await from.ask(address, PORT, PATIENCE_MS)) === 'answer') found.push(`udp ${address}`);
  }
  return found;
}

async function serve(rig: Rig): Promise<void> {
  const host = rig.agent(IN_HOST);
  await host.tell({ do: 'serve-tcp', port: PORT });
  await host.tell({ do: 'serve-udp', port: PORT });
}

function routeIpv6(): void {
  for (const key of ['all', 'default', 'allium-lan', 'world0']) {
    sh(...IN_HOST, 'sh', '-c', `echo 0 > /proc/sys/net/ipv6/conf/${key}/disable_ipv6`);
  }
  sh(...IN_HOST, 'sh', '-c', 'echo 1 > /proc/sys/net/ipv6/conf/all/forwarding');
  sh('ip', '-n', HOST, '-6', 'route', 'add', 'default', 'dev', 'world0');
  const router = ['lladdr', '02:00:00:00:00:01', 'nud', 'permanent', 'dev', 'world0'];
  sh('ip', '-n', HOST, '-6', 'neigh', 'replace', '2001:db8::1', ...router);
}

const anything = (_: Leak): boolean => true;

/** Not what a host with IPv6 says for itself on its links. */
function isRouted({ frame }: Leak): boolean {
  const packet = read(frame.bytes);
  return packet?.kind !== 'ipv6' || packet.dst.startsWith('2001');
}

/** Every probe, sent to the host's own end of the workstations' bridge instead of the gate. */
async function fireAtBridge(
  t: ExecutionContext,
  rig: Rig,
  rows: Row[],
  state: string,
  counts = anything,
): Promise<void> {
  const mac = sh(...IN_HOST, 'cat', '/sys/class/net/allium-lan/address').trim();
  const probes = probesOfWorkstation(rig.aim({ mac, lan: GATE, up: GATE_UP }));
  await rig.watch.take();
  await rig.fire(probes);
  const leaks = (await rig.watch.leaks()).filter(counts);
  rows.push({ state, probes: probes.length, seen: 0, leaked: leaks.length, answered: 0 });
  t.is(tellLeaks(leaks), '');
}

export function host(test: TestFn, rig: Rig, rows: Row[]): void {
  test('the host: its services answer no container', async (t) => {
    t.timeout(60_000);
    await serve(rig);
    t.is((await reached(rig.agent(IN_HOST), HOST_ADDRESSES)).length, 6, 'the host itself reaches them');
    for (const role of ['gate', 'uplink', 'router']) {
      t.deepEqual(await reached(rig.agent(await inContainer(role)), HOST_ADDRESSES), [], role);
    }
  });

  test('the host: its services do not answer the workstation', async (t) => {
    t.timeout(60_000);
    // TransPort answers for other addresses; only the one on the workstation's own network can be the host itself.
    t.deepEqual(await reached(rig.workstation, HOST_ADDRESSES.slice(0, 1)), []);
  });

  test('the host is no way around the gate: probes to its own hardware address bring nothing out', async (t) => {
    t.timeout(60_000);
    await fireAtBridge(t, rig, rows, "open, at the host's bridge");
  });

  test('a host that routes IPv6 is no way around the gate', async (t) => {
    t.timeout(60_000);
    routeIpv6();
    // Its new addresses are not used for a second or two.
    await sleep(3_000);
    await fireAtBridge(t, rig, rows, "host routes IPv6, at the host's bridge", isRouted);
  });

  test('the rules of the host are flushed: it is no way around the gate even then', async (t) => {
    t.timeout(60_000);
    // Docker's rules for internal networks are there no more, as after `nft flush ruleset` or a firewall's reload.
    sh(...IN_HOST, 'iptables', '--policy', 'FORWARD', 'ACCEPT');
    sh(...IN_HOST, 'iptables', '--flush');
    await fireAtBridge(t, rig, rows, "host flushed, at the host's bridge");
  });
}
