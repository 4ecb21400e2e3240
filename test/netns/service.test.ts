import test, { type ExecutionContext } from 'ava';
import {
  type Agent,
  GATE,
  Lab,
  OTHER_UID,
  pause,
  TOR_UID,
  UPLINK,
  UPLINK_PORT,
  WORLD,
} from './support/lab.ts';
import { allowed, kernelProblem } from './support/machine.ts';
import { RunningService } from './support/running-service.ts';

/** After a sealed state a neighbour asks for the hardware address again: that takes more than a second, ms. */
const PATIENCE_MS = 4_000;

let lab: Lab | undefined;
let policy: RunningService;
let ws: Agent;
let tor: Agent;

test.before(async () => {
  if (kernelProblem() !== undefined) return;
  lab = new Lab();
  policy = new RunningService(lab);
  ws = await lab.agent(lab.ws);
  tor = await lab.agent(lab.gate, TOR_UID);
  const other = await lab.agent(lab.gate, OTHER_UID);
  const outside = await lab.agent(lab.outside);
  await outside.tell({ do: 'serve-tcp', port: UPLINK_PORT });
  await other.tell({ do: 'serve-tcp', port: 8118 });
  await tor.tell({ do: 'serve-tcp', port: 9040 });
  policy.start();
});

test.after.always(() => {
  if (lab === undefined) return;
  policy.remove();
  lab.remove();
});

function usable(t: ExecutionContext): Lab | undefined {
  return allowed(t, kernelProblem()) ? lab : undefined;
}

test.serial('it seals first, opens on request, and says what it enforces', async (t) => {
  const on = usable(t);
  if (on === undefined) return;
  await policy.until(t, 'starts', ({ state }) => state === 'sealed');
  t.not(await ws.connect(GATE, 8118), 'open');
  t.is((await policy.call('POST', '/state', { state: 'tor-only' })).code, 200);
  t.is(await tor.connect(UPLINK, UPLINK_PORT, PATIENCE_MS), 'open');
  t.not(await ws.connect(GATE, 8118), 'open');
  await policy.open(t);
  t.is(await ws.connect(GATE, 8118, PATIENCE_MS), 'open');
  t.is(await ws.connect(WORLD, 80, PATIENCE_MS), 'open', 'captured by TransPort');
  await pause(1_600);
  const { state, policy: name, digest, counters } = await policy.status();
  t.deepEqual([state, name], ['open', 'leak-proof']);
  t.regex(digest ?? '', /^[0-9a-f]{64}$/);
  t.true((counters.door_proxy?.packets ?? 0) >= 1);
  t.true((counters.capture_tcp_turned?.packets ?? 0) >= 1);
});

test.serial('what is not a request changes nothing', async (t) => {
  if (usable(t) === undefined) return;
  await policy.open(t);
  for (const [code, path, body] of [
    [400, '/state', { state: 'opne' }],
    [400, '/state', { state: 'open', force: true }],
    [400, '/state', '{'],
    [413, '/state', { state: 'x'.repeat(5_000) }],
    [400, '/policy', { policy: '../leak-proof' }],
  ] as const) {
    t.is((await policy.call('POST', path, body)).code, code, JSON.stringify(body).slice(0, 60));
  }
  t.is((await policy.call('DELETE', '/state')).code, 404);
  t.is((await policy.status()).state, 'open');
});

test.serial('a policy that cannot be read seals', async (t) => {
  if (usable(t) === undefined) return;
  await policy.open(t);
  policy.writePolicy('broken', 'version: 1\nname: broken\nabout: with a typo in a key\ndors: []\n');
  const answer = await policy.call('POST', '/policy', { policy: 'broken' });
  t.is(answer.code, 409);
  t.regex(String(answer.body.why), /broken\.yaml:4:1: dors: unknown key/);
  await policy.until(
    t,
    'seals',
    ({ state, lastSealing }) => state === 'sealed' && lastSealing?.doubts[0] === 'policy-invalid',
  );
  policy.removePolicy('broken');
});

test.serial('tightening cuts a live flow within a second, and only what was taken away', async (t) => {
  if (usable(t) === undefined) return;
  await policy.open(t);
  t.is(await ws.tell({ do: 'hold', host: GATE, port: 8118 }), 'echo');
  t.is(await tor.tell({ do: 'hold', host: UPLINK, port: UPLINK_PORT }), 'echo');
  await pause(200);
  t.is((await policy.call('POST', '/policy', { policy: 'leak-proof' })).code, 200);
  await pause(300);
  const reloaded = Date.now();
  t.true(
    reloaded - Number(await ws.tell({ do: 'last-echo' })) < 250,
    'a reload of the same policy cuts nothing',
  );
  t.is((await policy.call('POST', '/state', { state: 'tor-only' })).code, 200);
  const tightened = Date.now();
  await pause(1_200);
  const last = Number(await ws.tell({ do: 'last-echo' })) - tightened;
  t.log(`last byte of the workstation ${last} ms after the answer`);
  t.true(last < 1_000);
  t.true(Date.now() - Number(await tor.tell({ do: 'last-echo' })) < 500, "Tor's own flow goes on");
  t.is((await policy.call('POST', '/state', { state: 'sealed' })).code, 200);
  await pause(1_200);
  t.true(Date.now() - Number(await tor.tell({ do: 'last-echo' })) > 1_000, 'sealed cuts Tor too');
  await policy.open(t);
  await pause(2_500);
  t.true(Date.now() - Number(await tor.tell({ do: 'last-echo' })) > 3_000, 'a sealed flow never lives again');
});

test.serial('kill -9 leaves the rules where they are; the next process seals', async (t) => {
  const on = usable(t);
  if (on === undefined) return;
  await policy.until(t, 'quiet', ({ doubts }) => doubts.length === 0);
  await policy.open(t);
  const before = policy.rules();
  policy.kill();
  on.forget();
  await ws.tell({ do: 'flood', host: WORLD, port: 9999 });
  await pause(1_000);
  t.is(policy.rules(), before);
  t.is(await ws.connect(GATE, 8118, PATIENCE_MS), 'open');
  await ws.tell({ do: 'end-flood' });
  t.is(on.unexpected(), 0);
  policy.start();
  await policy.until(t, 'seals', ({ state }) => state === 'sealed');
  t.not(await ws.connect(GATE, 8118), 'open');
});

test.serial('a process that cannot read its policies seals before it gives up', async (t) => {
  const on = usable(t);
  if (on === undefined) return;
  await policy.open(t);
  policy.kill();
  policy.writePolicy('broken', 'version: 2\n');
  t.is(await policy.startAndFail(), 1);
  t.notRegex(policy.rules(), /accept/);
  t.regex(policy.rules(), /hook input priority filter; policy drop/);
  policy.removePolicy('broken');
});

test.serial('an orderly end seals', async (t) => {
  const on = usable(t);
  if (on === undefined) return;
  policy.start();
  await pause(200);
  await policy.open(t);
  t.is(await policy.end(), 0);
  t.notRegex(policy.rules(), /accept/);
});
