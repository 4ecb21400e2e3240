import test, { type ExecutionContext } from 'ava';
import { Transaction } from 'nftables-ts/transaction.ts';
import { arp } from '../leak/packets/build.ts';
import { type Agent, GATE, GATE_UP, Lab, pause, WORKSTATION, WORLD } from './support/lab.ts';
import { allowed, kernelProblem, rawProblem, sh } from './support/machine.ts';
import { rawProbes, replacing, tablesOf } from './support/rules.ts';

/** Rules that change under traffic, and a gate without any; again in a lab whose structure keeps nothing in. */

let lab: Lab | undefined;
let ws: Agent;
let raw: readonly string[] = [];

test.before(async () => {
  if (kernelProblem() !== undefined) return;
  lab = new Lab();
  lab.twoHomed();
  lab.knowNeighbours();
  ws = await lab.agent(lab.ws);
  raw = rawProbes(lab);
});

test.after.always(() => lab?.remove());

function usable(t: ExecutionContext): Lab | undefined {
  return allowed(t, kernelProblem()) ? lab : undefined;
}

test.serial('the gate does not say that it has another address', async (t) => {
  const on = usable(t);
  if (on === undefined || !allowed(t, rawProblem())) return;
  await on.nft.apply(replacing(tablesOf('open', 'leak-proof')));
  sh('ip', 'netns', 'exec', on.ws, 'nft', 'add table netdev watch');
  sh('ip', 'netns', 'exec', on.ws, 'nft', 'add counter netdev watch replies');
  sh(
    'ip',
    'netns',
    'exec',
    on.ws,
    'nft',
    'add chain netdev watch in { type filter hook ingress device "ws0" priority 0; }',
  );
  sh(
    'ip',
    'netns',
    'exec',
    on.ws,
    'nft',
    'add rule netdev watch in arp operation reply counter name replies',
  );
  const replies = (): string =>
    sh('ip', 'netns', 'exec', on.ws, 'nft', 'list', 'counter', 'netdev', 'watch', 'replies');
  const macs = { from: on.mac(on.ws, 'ws0'), to: on.mac(on.gate, 'lan0') };
  await on.inject(on.ws, 'ws0', [
    arp(macs, 1, WORKSTATION, GATE_UP),
    arp(macs, 1, GATE, GATE),
    arp(macs, 2, GATE, GATE),
  ]);
  await pause(100);
  t.regex(replies(), /packets 0 /);
  await on.inject(on.ws, 'ws0', [arp(macs, 1, WORKSTATION, GATE)]);
  await pause(100);
  t.regex(replies(), /packets 1 /, 'for its own address it answers');
});

test.serial('300 reloads under a flood let nothing out; loading in two steps does', async (t) => {
  const on = usable(t);
  if (on === undefined) return;
  const plans = [
    tablesOf('open', 'leak-proof'),
    tablesOf('tor-only', 'leak-proof'),
    tablesOf('open', 'i2p-only'),
  ].map(replacing);
  await on.nft.apply(plans[0] ?? new Transaction());
  await ws.tell({ do: 'flood', host: WORLD, port: 9999 });
  on.forget();
  for (let i = 0; i < 300; i++) await on.nft.apply(plans[i % plans.length] ?? new Transaction());
  const leaked = on.unexpected();
  for (let i = 0; i < 10; i++) {
    sh('ip', 'netns', 'exec', on.gate, 'nft', 'flush', 'ruleset');
    await on.nft.apply(plans[0] ?? new Transaction());
  }
  const control = on.unexpected() - leaked;
  const sent = await ws.tell({ do: 'end-flood' });
  t.log(`${sent} datagrams; 300 reloads let out ${leaked}, 10 reloads in two steps ${control}`);
  t.is(leaked, 0);
  t.true(control > 0, 'the flood was there to be seen');
  t.true(Number(sent) > 1_000);
});

test.serial('without any rule the structure alone keeps every packet in', async (t) => {
  const on = usable(t);
  if (on === undefined) return;
  sh('ip', 'netns', 'exec', on.gate, 'nft', 'flush', 'ruleset');
  sh('ip', '-n', on.gate, 'route', 'del', 'default');
  for (const key of ['all', 'lan0', 'up0']) on.sysctl(on.gate, `net/ipv6/conf/${key}/disable_ipv6`, '1');
  await pause(50);
  on.forget();
  t.not(await ws.connect(WORLD, 80), 'open');
  t.not(await ws.ask('8.8.8.8', 53), 'answer');
  // Frames to the uplink's own network would be forwarded by a kernel that forwards: that is the other half.
  on.sysctl(on.gate, 'net/ipv4/ip_forward', '0');
  await on.inject(on.ws, 'ws0', raw);
  await pause(100);
  t.is(on.unexpected(), 0);
});
