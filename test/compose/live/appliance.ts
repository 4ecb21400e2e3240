/** The appliance brought up by `docker compose` as a person would, in front of one test network or another. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { SupervisorStatus as Status } from '@allium/common/contracts/supervisor.ts';
import { docker, run } from '../../network/docker.ts';
import { ROOT } from '../contract.ts';

export const PROJECT = 'allium';
export const PROXY = 'http://10.152.152.10:8118';

/** `open` says that the forwarder runs, not that it listens by now; where cores are scarce that takes it seconds. */
export const PATIENT_CURL = '--silent --max-time 30 --retry 15 --retry-delay 1 --retry-connrefused'.split(
  ' ',
);

export type Compose = (...args: string[]) => Promise<string>;

/** `docker compose` with the shipped file and some more; they are merged in this order. */
export function composeOf(overlays: readonly string[], env: Record<string, string> = {}): Compose {
  const files = ['compose.yaml', ...overlays].flatMap((file) => ['-f', file]);
  return (...args) => run('docker', ['compose', ...files, ...args], { cwd: ROOT, env });
}

/** With its own private Tor network. */
export const TEST_NETWORK = 'test/compose/overlay.test-network.yaml';
export const compose = composeOf([TEST_NETWORK]);

/**
 * Why the test may not run: somebody's own appliance has the same names and must not be taken down, and its volumes,
 * which outlive `docker compose down`, are identities.
 */
export async function inTheWay(): Promise<string | undefined> {
  const ours = ['--quiet', '--filter', `label=com.docker.compose.project=${PROJECT}`];
  if ((await docker('ps', '--all', ...ours)).trim() !== '')
    return 'an appliance is there already: docker compose down first';
  return (await docker('volume', 'ls', ...ours)).trim() === ''
    ? undefined
    : "an appliance's state is there: back it up, then docker compose down --volumes";
}

export function container(role: string): string {
  return `${PROJECT}-${role}-1`;
}

/** From the supervisor's socket: the `allium` command's exit code says "not ready" as well. Undefined when it is silent. */
export async function status(): Promise<Status | undefined> {
  try {
    return JSON.parse(await docker('exec', container('supervisor'), 'node', '-e', ASK)) as Status;
  } catch {
    return undefined;
  }
}
const ASK = `require('node:http').get(
  { socketPath: '/run/allium/supervisor/status.sock', path: '/status' }, (r) => r.pipe(process.stdout))`;

/** Looks until it is so; the last status seen is in the error. */
export async function until(what: (status: Status) => boolean, seconds: number): Promise<Status> {
  const end = Date.now() + seconds * 1000;
  let last: Status | undefined;
  while (Date.now() < end) {
    last = await status();
    if (last !== undefined && what(last)) return last;
    await sleep(200);
  }
  throw new Error(`not within ${seconds} s: ${JSON.stringify(last)}`);
}

/** Names of the networks that the uplink's namespace is attached to, as the engine says, not the supervisor. */
export async function uplinkNetworks(): Promise<string[]> {
  const text = await docker('inspect', '--format', '{{json .NetworkSettings.Networks}}', container('fence'));
  return Object.keys(JSON.parse(text) as object).toSorted();
}

/** Hardware address of a container in a network; undefined while it is not there. */
export async function hardwareOf(name: string, network: string): Promise<string | undefined> {
  const format = `{{with index .NetworkSettings.Networks "${network}"}}{{.MacAddress}}{{end}}`;
  const text = await docker('inspect', '--format', format, name).catch(() => '');
  return text.trim() === '' ? undefined : text.trim();
}
