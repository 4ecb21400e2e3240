/** What goes wrong, and what somebody does on purpose, all of it under a flood of 3,000 packets a second. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ExecutionContext, TestFn } from 'ava';
import { container, status } from '../../compose/live/appliance.ts';
import { docker } from '../../network/docker.ts';
import { inShort } from '../../support/long.ts';
import { nothing } from '../support/allowed.ts';
import type { Row } from '../support/verdict.ts';
import { compose, freeze, inContainer, page, ready, roles, thaw, waitFor } from './appliance.ts';
import { FOREIGN, FOREIGN_GATEWAY } from './host-watch.ts';
import { askAround } from './names.ts';
import type { Rig } from './rig.ts';

/** A change that nobody asked for is undone within this time, ms. */
const TAMPER_MS = 2_000;
/** How soon the supervisor says that the policy service is gone, ms. */
const REPORT_MS = 2_000;
const RELOADS = inShort(300, 3_000);
const COLD_STARTS = inShort(20, 100);
/** Minutes that nobody does anything; 0: not tried. */
const IDLE = inShort(0, 10);
/** Roles without which the appliance closes. */
const CLOSING = new Set(['gate', 'policy', 'tor', 'forwarder', 'tor-filter', 'fence', 'uplink']);
const PAGE = 'hello from the clearnet';
/** Less than that is no flood, packets a second. */
const LEAST_RATE = 1_500;
/** Of a flood; the gate is away for a part of each cold start. */
const LEAST_DELIVERED = 0.25;

const FOREIGN_BRIDGE = ['--gateway', FOREIGN_GATEWAY, '--opt', `com.docker.network.bridge.name=${FOREIGN}`];
const STRANGER = ['run', '--detach', '--name', 'stranger', '--network', `container:${container('gate')}`];

interface Tamper {
  readonly name: string;
  readonly prepare?: () => Promise<unknown>;
  readonly do: () => Promise<unknown>;
  readonly undo?: () => Promise<unknown>;
  /** measured while it lasts */
  readonly matrix?: boolean;
}

const TAMPERS: readonly Tamper[] = [
  {
    name: 'a rule is added',
    do: () => docker('exec', container('gate'), 'nft', 'insert', 'rule', 'inet', 'allium', 'out', 'accept'),
  },
  {
    name: 'the table is deleted',
    do: () => docker('exec', container('gate'), 'nft', 'delete', 'table', 'inet', 'allium'),
  },
  {
    name: 'a foreign network is attached to the gate',
    prepare: () => docker('network', 'create', '--subnet', '172.29.0.0/24', ...FOREIGN_BRIDGE, 'foreign'),
    do: () => docker('network', 'connect', 'foreign', container('gate')),
    undo: async () => {
      await docker('network', 'disconnect', '--force', 'foreign', container('gate')).catch(() => undefined);
      await docker('network', 'rm', 'foreign').catch(() => undefined);
    },
  },
  {
    name: 'a stranger joins the namespace of the gate',
    do: () => docker(...STRANGER, 'debian:trixie-slim', 'sleep', '600'),
    undo: () => docker('rm', '--force', 'stranger'),
    matrix: true,
  },
];

export function trouble(test: TestFn, rig: Rig, rows: Row[]): void {
  tampering(test, rig, rows);
  reloading(test, rig);
  killing(test, rig);
  starting(test, rig);
  losingTheEngine(test, rig);
  if (IDLE > 0) idling(test, rig);
}

function idling(test: TestFn, rig: Rig): void {
  test(`${IDLE} idle minutes let nothing out`, async (t) => {
    t.timeout((IDLE + 1) * 60_000);
    await ready();
    await rig.watch.take();
    await sleep(IDLE * 60_000);
    await rig.quiet(t, 'idle');
  });
}

function tampering(test: TestFn, rig: Rig, rows: Row[]): void {
  for (const tamper of TAMPERS) {
    test(`tampering: ${tamper.name}; sealed and unplugged within two seconds`, async (t) => {
      t.timeout(90_000);
      await ready();
      await rig.watch.take();
      await rig.flood();
      try {
        await tamper.prepare?.();
        const since = Date.now();
        await tamper.do();
        const done = Date.now();
        await waitUntilClosed(since + 15_000);
        const unplugged = (await unplugTime(since)) - done;
        t.log(`unplugged ${unplugged} ms after the change, which took ${done - since} ms`);
        t.true(unplugged <= TAMPER_MS, `${unplugged} ms`);
        if (tamper.matrix === true) rows.push(await rig.judge(t, 'sealed, unplugged', nothing));
        await rig.quiet(t, tamper.name);
      } finally {
        await tamper.undo?.();
        await rig.endFlood();
        await ready();
      }
    });
  }
}

/** Out of the world, and not open: as the engine says, and as the policy service does. */
async function waitUntilClosed(end: number): Promise<void> {
  while (Date.now() < end) {
    const open = (await ownerNetworks()).includes('allium_ext') || (await status())?.policy?.state === 'open';
    if (!open) return;
  }
  throw new Error('it did not close');
}

/** Networks of whoever owns the uplink's namespace. */
async function ownerNetworks(): Promise<string[]> {
  const mode = await docker('inspect', '--format', '{{.HostConfig.NetworkMode}}', container('uplink'));
  const owner = /^container:(\S+)/.exec(mode)?.[1] ?? container('uplink');
  const text = await docker('inspect', '--format', '{{json .NetworkSettings.Networks}}', owner);
  return Object.keys(JSON.parse(text) as object);
}

/** When the engine unplugged the world, by its own clock; ms. */
async function unplugTime(since: number): Promise<number> {
  const span = ['--since', String(since / 1000), '--until', String(Date.now() / 1000)];
  const which = ['--filter', 'event=disconnect', '--filter', 'network=allium_ext'];
  const text = await docker('events', ...span, ...which, '--format', '{{.TimeNano}}');
  const first = text.trim().split('\n')[0];
  if (first === undefined || first === '') throw new Error('nobody unplugged');
  return Number(BigInt(first) / 1_000_000n);
}

function reloading(test: TestFn, rig: Rig): void {
  test(`${RELOADS} reloads of the policy under a flood let nothing out`, async (t) => {
    t.timeout(inShort(120_000, 900_000));
    await rig.watch.take();
    await rig.flood();
    const script = `const { request } = require('node:http');
      const call = (policy) => new Promise((resolve, reject) => request(
        { socketPath: '/run/allium/policy/control.sock', method: 'POST', path: '/policy' },
        (r) => { r.resume(); r.on('end', () => resolve(r.statusCode)); }).on('error', reject).end(JSON.stringify({ policy })));
      (async () => { let ok = 0;
        for (let i = 0; i < ${RELOADS}; i++) if (await call(i % 2 ? 'leak-proof' : 'i2p-only') === 200) ok++;
        console.log(ok); })();`;
    // The supervisor would take each of them for somebody's tampering, and pull the plug.
    await freeze('supervisor');
    const begun = Date.now();
    const done = await docker('exec', container('policy'), 'node', '-e', script).finally(() =>
      thaw('supervisor'),
    );
    const ms = Date.now() - begun;
    t.log(`${done.trim()} reloads in ${ms} ms`);
    t.is(Number(done), RELOADS);
    await ended(t, rig, 'reloads');
    await ready();
  });
}

async function rules(): Promise<string> {
  return await docker('exec', container('gate'), 'nft', '-s', 'list', 'ruleset');
}

function killing(test: TestFn, rig: Rig): void {
  test('kill -9 of the policy service: the rules stay word for word, it is reported, and it comes back', async (t) => {
    t.timeout(120_000);
    await rig.watch.take();
    await rig.flood();
    await freeze('supervisor');
    const before = await rules();
    try {
      await kill('policy');
      await sleep(5_000);
      t.is(await rules(), before);
      t.regex(before, /table inet allium/);
    } finally {
      await thaw('supervisor');
    }
    const ms = await waitFor(10, (now) => now !== undefined && !now.plugged);
    t.log(`reported and unplugged ${ms} ms after it looked again`);
    t.true(ms <= REPORT_MS);
    await ready();
    await ended(t, rig, 'policy killed');
  });

  test('kill -9 of every container in turn, under a flood', async (t) => {
    t.timeout(200_000);
    await rig.watch.take();
    await rig.flood();
    for (const role of await roles()) {
      await docker('kill', container(role)).catch(() => undefined);
      if (CLOSING.has(role)) await waitFor(10, (now) => now !== undefined && !now.plugged);
      if (role === 'supervisor') await docker('start', container(role));
      t.log(`${role}: ready again after ${await ready()} ms`);
    }
    t.is(await page(), PAGE);
    await ended(t, rig, 'containers killed');
  });
}

/** SIGKILL from outside: to Docker it is a crash, and no wish of a person. */
async function kill(role: string): Promise<void> {
  const pid = await docker('inspect', '--format', '{{.State.Pid}}', container(role));
  process.kill(Number(pid), 'SIGKILL');
}

/** Ends the flood: it reached the gate, and nothing of it or of anybody came out. Packets sent. */
async function ended(t: ExecutionContext, rig: Rig, what: string): Promise<number> {
  const sent = await rig.endFlood();
  await rig.quiet(t, what);
  t.log(`flood: ${sent} packets, ${rig.watch.delivered} handed to the gate`);
  t.true(rig.watch.delivered > sent * LEAST_DELIVERED, what);
  return sent;
}

function starting(test: TestFn, rig: Rig): void {
  test(`${COLD_STARTS} cold starts under a flood let nothing out`, async (t) => {
    t.timeout(COLD_STARTS * 24_000);
    // Cold: no container but the test network's and the router; Docker makes the namespaces, links and rules anew.
    const cold = (await roles()).filter((role) => role !== 'router');
    await rig.watch.take();
    const begun = Date.now();
    await rig.flood();
    for (let i = 0; i < COLD_STARTS; i++) {
      await compose('rm', '--stop', '--force', ...cold);
      await compose('up', '--detach', '--no-build', 'supervisor');
      await ready();
    }
    const seconds = (Date.now() - begun) / 1000;
    t.log(`${COLD_STARTS} starts to ready in ${seconds.toFixed(0)} s`);
    const sent = await ended(t, rig, 'cold starts');
    t.true(sent / seconds > LEAST_RATE, `${sent} packets in ${seconds} s`);
  });
}

function losingTheEngine(test: TestFn, rig: Rig): void {
  test('kill -9 of Docker’s engine under a flood; the next one has a resolver on its loopback', async (t) => {
    t.timeout(180_000);
    await rig.watch.take();
    await rig.flood();
    const gate = rig.agent(await inContainer('gate'));
    await rig.engine.killEngine();
    await sleep(2_000);
    t.not(await gate.ask('127.0.0.11', 53, 500), 'answer');
    rig.engine.setResolver('loopback');
    await rig.engine.startEngine();
    await sleep(2_000);
    await compose('up', '--detach', '--no-build');
    t.log(`ready again after ${await ready(120)} ms`);
    await ended(t, rig, 'engine killed');
    const answered = (await askAround(rig)).filter(({ result }) => result === 'answer');
    t.deepEqual(answered, []);
    await rig.quiet(t, 'questions with a resolver on the loopback');
  });
}
