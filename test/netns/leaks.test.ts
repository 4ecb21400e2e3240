import type { StateName } from '@allium/common/contracts/policy.ts';
import test, { type ExecutionContext } from 'ava';
import { arp, synFrame, udpFrame } from '../leak/packets/build.ts';
import {
  type Agent,
  GATE,
  GATE_UP,
  Lab,
  OTHER_UID,
  pause,
  TOR_UID,
  UPLINK,
  UPLINK_PORT,
  WORKSTATION,
  WORLD,
} from './support/lab.ts';
import { allowed, kernelProblem, rawProblem, sh } from './support/machine.ts';
import { rawProbes, replacing, tablesOf } from './support/rules.ts';

/**
 * The rules alone. The gate of this lab has a default route and forwarding, so that nothing but the rules under test
 * keeps a packet in; what the structure does alone is in reload.test.ts.
 */

let lab: Lab | undefined;
let ws: Agent;
let tor: Agent;
let other: Agent;
let raw: readonly string[] = [];

test.before(async () => {
  if (kernelProblem() !== undefined) return;
  lab = new Lab();
  lab.twoHomed();
  lab.knowNeighbours();
  [ws, tor, other] = await Promise.all([
    lab.agent(lab.ws),
    lab.agent(lab.gate, TOR_UID),
    lab.agent(lab.gate, OTHER_UID),
  ]);
  const outside = await lab.agent(lab.outside);
  await outside.tell({ do: 'serve-tcp', port: UPLINK_PORT });
  await outside.tell({ do: 'serve-tcp', port: 80 });
  await outside.tell({ do: 'serve-udp', port: 53 });
  for (const port of [9040, 9050]) await tor.tell({ do: 'serve-tcp', port });
  await tor.tell({ do: 'serve-udp', port: 5300 });
  for (const port of [8118, 4444, 7777]) await other.tell({ do: 'serve-tcp', port });
  raw = rawProbes(lab);
});

test.after.always(() => lab?.remove());

function usable(t: ExecutionContext): Lab | undefined {
  return allowed(t, kernelProblem()) ? lab : undefined;
}

/** Packets that the gate counted in any of its drops. */
async function dropped(on: Lab): Promise<number> {
  let sum = 0;
  for (const family of ['inet', 'netdev'] as const) {
    for (const [name, { packets }] of await on.nft.counters({ family, name: 'allium' })) {
      if (
        /_(denied|invalid|cut|unasked|not_syn|fragment|options|spoofed|impostor|other_side|loopback_address|broadcast|not_host|ipv6)$/.test(
          name,
        )
      )
        sum += packets;
    }
  }
  return sum;
}

test.serial('anti-test: without rules the oracle sees what a two-homed gate lets out', async (t) => {
  const on = usable(t);
  if (on === undefined) return;
  sh('ip', 'netns', 'exec', on.gate, 'nft', 'flush', 'ruleset');
  on.forget();
  t.is(await ws.connect(WORLD, 80), 'open', 'TCP to the world');
  t.is(await ws.ask('8.8.8.8', 53), 'answer', 'DNS to the world');
  t.is(await ws.connect(GATE_UP, 8118), 'open', 'the gate answers on its other address');
  t.is(await other.connect(UPLINK, UPLINK_PORT), 'open', 'anybody in the gate may dial');
  t.true(on.unexpected() >= 3);
});

interface Expectation {
  readonly state: StateName;
  readonly policy: string;
  readonly opens: readonly string[];
}
const EXPECTATIONS: readonly Expectation[] = [
  { state: 'sealed', policy: 'leak-proof', opens: [] },
  { state: 'tor-only', policy: 'leak-proof', opens: ['tor dials the uplink', 'loopback'] },
  {
    state: 'open',
    policy: 'leak-proof',
    opens: [
      'world by TransPort',
      'dns of any server',
      'dns port',
      'proxy',
      'socks',
      'i2p proxy',
      'tor dials the uplink',
      'loopback',
    ],
  },
  { state: 'open', policy: 'i2p-only', opens: ['proxy', 'i2p proxy', 'tor dials the uplink'] },
  { state: 'open', policy: 'sealed', opens: [] },
];

/** Everything that is tried in each state; what the state does not name must fail. */
const ATTEMPTS: Record<string, () => Promise<unknown>> = {
  'world by TransPort': () => ws.connect(WORLD, 81),
  'dns of any server': () => ws.ask('8.8.8.8', 53),
  'dns port': () => ws.ask(GATE, 5300),
  proxy: () => ws.connect(GATE, 8118),
  socks: () => ws.connect(GATE, 9050),
  'i2p proxy': () => ws.connect(GATE, 4444),
  'TransPort by its number': () => ws.connect(GATE, 9040),
  'a service without a door': () => ws.connect(GATE, 7777),
  'a door on the other address': () => ws.connect(GATE_UP, 8118),
  'mail to an exit': () => ws.connect(WORLD, 25),
  'udp to the world': () => ws.ask(WORLD, 9999),
  'tor dials the uplink': () => tor.connect(UPLINK, UPLINK_PORT),
  'tor dials another port': () => tor.connect(UPLINK, 80),
  'tor dials the world': () => tor.connect(WORLD, 80),
  'tor asks for names': () => tor.ask('8.8.8.8', 53),
  'another user dials the uplink': () => other.connect(UPLINK, UPLINK_PORT),
  'another user dials the world': () => other.connect(WORLD, 80),
  'another user dials a workstation': () => other.connect(WORKSTATION, 22),
  'docker resolver': () => other.ask('127.0.0.11', 53),
  loopback: () => other.connect('127.0.0.1', 9050),
};

for (const { state, policy, opens } of EXPECTATIONS) {
  test.serial(`${state} under ${policy}: exactly what the contract says, and no frame besides`, async (t) => {
    const on = usable(t);
    if (on === undefined) return;
    const tables = tablesOf(state, policy);
    await on.nft.apply(replacing(tables));
    t.deepEqual(await on.nft.compare(tables), []);
    await pause(50);
    on.forget();
    const results = await Promise.all(
      Object.entries(ATTEMPTS).map(async ([name, attempt]) => [name, await attempt()] as const),
    );
    const passed = results
      .filter(([, result]) => result === 'open' || result === 'answer')
      .map(([name]) => name);
    t.deepEqual(passed.sort(), [...opens].sort());
    await ws.tell({ do: 'send', host: WORLD, port: 9999, size: 4_000 });
    if (rawProblem() === undefined) {
      const before = await dropped(on);
      await on.inject(on.ws, 'ws0', raw);
      await pause(100);
      const stopped = (await dropped(on)) - before;
      t.log(`${stopped} drops counted for ${raw.length} raw frames`);
      t.true(stopped > raw.length / 2, 'the gate saw them and dropped them');
      await injectFromInside(on);
    } else {
      t.log(`no raw frames: ${rawProblem()}`);
    }
    t.is(on.unexpected(), 0);
    t.is(on.fromTor() > 0, opens.includes('tor dials the uplink'));
  });
}

/** A process in the gate with a packet socket, which passes by every inet hook. */
async function injectFromInside(on: Lab): Promise<void> {
  const macs = { from: on.mac(on.gate, 'up0'), to: on.mac(on.outside, 'out0') };
  await on.inject(on.gate, 'up0', [
    udpFrame(macs, GATE_UP, WORLD, 9999),
    udpFrame(macs, WORKSTATION, WORLD, 53),
    synFrame(macs, GATE_UP, WORLD, UPLINK_PORT),
    synFrame(macs, GATE_UP, UPLINK, 80),
    synFrame(macs, WORKSTATION, UPLINK, UPLINK_PORT),
    arp(macs, 1, WORKSTATION, UPLINK),
    arp(macs, 2, '172.31.99.4', UPLINK),
  ]);
  await pause(50);
}

/** What the raw frames must at least be counted as: each is stopped where it still looks like what it is. */
const REASONS: Readonly<Record<string, number>> = {
  early_fragment: 6,
  early_options: 6,
  early_not_host: 2,
  early_loopback_address: 2,
  early_broadcast: 3,
  early_spoofed: 5,
  early_impostor: 1,
  early_other_side: 1,
  nat_in_denied: 8,
  refused_smtp: 1,
  refused_windows_shares: 2,
};

test.serial('each kind of raw frame is counted under its own reason', async (t) => {
  const on = usable(t);
  if (on === undefined || !allowed(t, rawProblem())) return;
  await on.nft.apply(replacing(tablesOf('open', 'leak-proof')));
  await on.inject(on.ws, 'ws0', raw);
  await pause(100);
  const counters = await on.nft.counters({ family: 'inet', name: 'allium' });
  for (const [name, least] of Object.entries(REASONS)) {
    const { packets } = counters.get(name) ?? { packets: 0 };
    t.true(packets >= least, `${name}: ${packets} of ${least}`);
  }
  const wire =
    (await on.nft.counters({ family: 'netdev', name: 'allium' })).get('lan_ingress_denied')?.packets ?? 0;
  t.true(wire >= 15, `${wire} frames that are neither ARP nor IPv4`);
});
