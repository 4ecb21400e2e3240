/** The shipped compose.yaml on the second engine, with a workstation on its lan. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SupervisorStatus as Status } from '@allium/common/contracts/supervisor.ts';
import { ROOT } from '../../compose/contract.ts';
import { container, hardwareOf, PATIENT_CURL, status } from '../../compose/live/appliance.ts';
import { sh } from '../../netns/support/machine.ts';
import { docker, run } from '../../network/docker.ts';
import { GATE } from './host-watch.ts';
import { HOST, IN_WORKSTATION, SOCKET, WORKSTATION_SIDE } from './second-engine.ts';

export const WORKSTATION = '10.152.152.11';
const FILES = ['compose.yaml', 'test/compose/overlay.test-network.yaml', 'test/leak/engine/overlay.yaml'];
/** Twenty starts and a dozen kills have to fit into minutes: repairs begin after that long, ms. */
const PATIENCE_MS = 500;

const FOLDER = '/run/allium-leak';
/** Engines before 28 make it from the address, later ones make another one at each start. */
let gateHardware = '';

/** From now on every `docker` of this process asks the second engine. */
export function useSecondEngine(): void {
  process.env.DOCKER_HOST = `unix://${SOCKET}`;
  const shipped = readFileSync(join(ROOT, 'images/supervisor/supervisor.yaml'), 'utf8');
  // Docker makes a folder of it for a container that looked for it before.
  rmSync(`${FOLDER}/supervisor.yaml`, { recursive: true, force: true });
  writeFileSync(`${FOLDER}/supervisor.yaml`, `${shipped.trimEnd()}\npatience: ${PATIENCE_MS}\n`);
}

export async function compose(...args: string[]): Promise<string> {
  const files = FILES.flatMap((file) => ['-f', file]);
  return await run('docker', ['compose', ...files, ...args], { cwd: ROOT, env: { ALLIUM_LEAK: FOLDER } });
}

export async function imagesOfAppliance(): Promise<string[]> {
  const names = (await compose('config', '--images')).trim().split('\n');
  return [...new Set([...names, 'debian:trixie-slim'])];
}

/** Puts the workstation on the lan as a VM would be, with the gate as its default route. */
export function plugWorkstation(): void {
  sh('ip', '-n', HOST, 'link', 'set', 'tap0', 'master', 'allium-lan');
  sh('ip', '-n', WORKSTATION_SIDE, 'addr', 'replace', `${WORKSTATION}/18`, 'dev', 'ws0');
  sh('ip', '-n', WORKSTATION_SIDE, 'route', 'replace', 'default', 'via', GATE);
  knowGateForGood();
}

/** A flood must not stop because the gate is away. */
function knowGateForGood(): void {
  const known = [GATE, 'lladdr', gateHardware, 'nud', 'permanent', 'dev', 'ws0'];
  sh('ip', '-n', WORKSTATION_SIDE, 'neigh', 'replace', ...known);
}

/** The hardware address of the gate on the lan, as of the last `waitFor`. */
export function gateMac(): string {
  return gateHardware;
}

/** Tells the workstation when the gate has come back with another hardware address. */
async function followGate(): Promise<void> {
  const now = await hardwareOf(container('gate'), 'allium_lan');
  if (now === undefined || now === gateHardware) return;
  const isPlugged = gateHardware !== '';
  gateHardware = now;
  if (isPlugged) knowGateForGood();
}

/** Looks every 50 ms until it is so, by the engine and by the supervisor; ms that it took. */
export async function waitFor(seconds: number, isSo: (now: Status | undefined) => boolean): Promise<number> {
  const begun = Date.now();
  let last: Status | undefined;
  while (Date.now() - begun < seconds * 1000) {
    await followGate();
    last = await status();
    if (isSo(last)) return Date.now() - begun;
    await sleep(50);
  }
  throw new Error(`not within ${seconds} s: ${JSON.stringify(last)}`);
}

export async function ready(seconds = 60): Promise<number> {
  return await waitFor(seconds, (now) => now?.stage === 'open');
}

/** A page through the gate's proxy, as a person on the workstation would read it. */
export async function page(): Promise<string> {
  const [program = '', ...rest] = [...IN_WORKSTATION, 'curl', ...PATIENT_CURL];
  return await run(program, [...rest, '--proxy', `http://${GATE}:8118`, 'http://page.test/']);
}

/** Command that enters the network namespace of a container, as root of the machine. */
export async function inContainer(role: string): Promise<string[]> {
  return ['nsenter', `--target=${await pidOf(role)}`, '--net'];
}

/**
 * Stops the services of these containers from doing anything, until `thaw`. By signal: `docker pause` gives up on cgroup v1
 * ("unable to freeze") when the machine is busy, and `docker kill` counts as a stop by hand.
 */
export async function freeze(...roles: readonly string[]): Promise<void> {
  await signal('SIGSTOP', roles);
}

export async function thaw(...roles: readonly string[]): Promise<void> {
  await signal('SIGCONT', roles);
}

async function signal(name: 'SIGSTOP' | 'SIGCONT', roles: readonly string[]): Promise<void> {
  for (const role of roles) process.kill(await pidOf(role), name);
}

async function pidOf(role: string): Promise<number> {
  const pid = Number(await docker('inspect', '--format', '{{.State.Pid}}', container(role)));
  // 0 would be this process and all its own.
  if (!(pid > 1)) throw new Error(`${role} does not run`);
  return pid;
}

/** Roles that compose has made containers for, without the test network's. */
export async function roles(): Promise<string[]> {
  const services = (await compose('ps', '--all', '--services')).trim().split('\n');
  return services.filter((name) => !/^(authority|exit|page)/.test(name));
}

/** Of the policy service's control socket. */
export async function policyCall(method: string, path: string, body?: unknown): Promise<string> {
  const script = `const [, method, path, body] = process.argv;
    require('node:http').request({ socketPath: '/run/allium/policy/control.sock', method, path },
      (r) => r.pipe(process.stdout)).end(body)`;
  const text = body === undefined ? [] : [JSON.stringify(body)];
  return await docker('exec', container('policy'), 'node', '-e', script, method, path, ...text);
}
