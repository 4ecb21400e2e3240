/** What the gate's container does before there is a policy service: its entrypoint on a real kernel. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import anyTest, { type TestFn } from 'ava';
import { denyAll } from '../../../services/policy/host/seal.ts';
import { GATE, Lab, pause, WORKSTATION } from '../../netns/support/lab.ts';
import { allowed, ENV, kernelProblem, rawProblem, sh } from '../../netns/support/machine.ts';
import { eventually } from '../../support/eventually.ts';
import { arp } from '../packets/build.ts';
import { nothing } from '../support/allowed.ts';
import { Injector } from '../support/injector.ts';
import { Range } from './range.ts';

const IMAGE = join(import.meta.dirname, '../../../images/gate');
const START_MS = 5_000;

const test = anyTest.serial as TestFn;
const problem = kernelProblem() ?? rawProblem();
const folder = mkdtempSync(join(tmpdir(), 'allium-gate-'));
const lab = problem === undefined ? new Lab() : undefined;
const range = lab === undefined ? undefined : new Range(lab);
let gate: ChildProcess | undefined;

anyTest.before(() => range?.ready());
anyTest.after.always(() => {
  gate?.kill('SIGKILL');
  range?.remove();
  rmSync(folder, { recursive: true });
});

/** Frames that came to the workstation after somebody with a packet socket in the gate announced its address. */
async function announce(on: Range): Promise<number> {
  const inGate = ['ip', 'netns', 'exec', on.lab.gate];
  const injector = new Injector(inGate, 'lan0');
  const macs = { from: on.lab.mac(on.lab.gate, 'lan0'), to: on.lab.mac(on.lab.ws, 'ws0') };
  await on.lan();
  await injector.send([arp(macs, 1, GATE, GATE)]);
  await pause(100);
  injector.end();
  return (await on.lan()).length;
}

test('anti-test: without it the gate answers ARP and announces itself', async (t) => {
  if (!allowed(t, problem) || range === undefined) return;
  const { lan } = await range.fire();
  t.true(lan.length > 0, `nothing came back to ${WORKSTATION}`);
  t.is(await announce(range), 1);
});

test('from its first moment on it neither asks, answers nor announces by ARP, and nothing else passes', async (t) => {
  if (!allowed(t, problem) || lab === undefined || range === undefined) return;
  writeFileSync(join(folder, 'sealed.json'), JSON.stringify(denyAll([])));
  const env = { ...ENV, PATH: `${IMAGE}:${ENV.PATH}` };
  const command = ['netns', 'exec', lab.gate, 'sh', join(IMAGE, 'entrypoint.sh'), folder];
  gate = spawn('ip', command, { env, stdio: ['ignore', 'ignore', 'inherit'] });
  await eventually('the gate is sealed', START_MS, () =>
    sh('ip', 'netns', 'exec', lab.gate, 'nft', 'list', 'chain', 'netdev', 'allium', 'up0_egress'),
  );
  await range.judge(t, 'sealed by the entrypoint', nothing);
  t.is(await announce(range), 0);
});
