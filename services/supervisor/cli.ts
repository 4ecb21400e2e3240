#!/usr/bin/env node
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { policiesAnswer } from '@allium/common/contracts/policy.ts';
import {
  leaktestAnswer,
  newCircuitsAnswer,
  type SupervisorStatus,
  supervisorStatus,
  wantAnswer,
} from '@allium/common/contracts/supervisor.ts';
import { AskError, ask } from '@allium/common/unix-json/ask.ts';
import { LEAKTEST_MS } from './host/control.ts';
import { renderLeaktest, renderStatus } from './host/render.ts';

const USAGE = `usage: allium status [--json] [--wait SECONDS]   how far the gateway has come
       allium policy                            the policies there are
       allium policy NAME                       another one
       allium newnym                            new Tor circuits for new connections
       allium leaktest                          tries every way out, and watches what leaves
`;
const SOCKET = process.env.ALLIUM_SUPERVISOR ?? '/run/allium/supervisor/status.sock';
/** ms between two looks of --wait, and how long a new policy may take. */
const POLL_MS = 500;
const POLICY_MS = 20_000;

const out = (text: string): boolean => process.stdout.write(text);

/** Exit codes: 1 not ready, or refused; 2 wrong use; 3 the supervisor does not answer. */
async function main(): Promise<number> {
  const { command, name, json, wait } = readArguments();
  switch (command) {
    case 'status':
      return showStatus(json, wait);
    case 'policy':
      return name === undefined ? await listPolicies() : await changePolicy(name);
    case 'newnym':
      return await newCircuits();
    case 'leaktest':
      return await leaktest();
    case 'help':
      out(USAGE);
      return 0;
    default:
      return usage();
  }
}

function usage(): number {
  process.stderr.write(USAGE);
  return 2;
}

function getStatus(): Promise<SupervisorStatus> {
  return ask(SOCKET, 'GET /status', undefined, { schema: supervisorStatus });
}

/** While waiting, a person sees each change; a program gets one answer. */
async function showStatus(json: boolean, seconds: number): Promise<number> {
  const until = performance.now() + seconds * 1000;
  let shown = '';
  for (;;) {
    const status = await getStatus().catch((error: unknown) => {
      if (performance.now() >= until) throw error;
    });
    if (status === undefined) {
      await sleep(POLL_MS);
      continue;
    }
    const ready = status.stage === 'open';
    const done = ready || performance.now() >= until;
    if (json && done) out(`${JSON.stringify(status, null, 2)}\n`);
    const text = json ? '' : renderStatus(status);
    if (text !== shown) out(shown === '' ? text : `\n${text}`);
    shown = text;
    if (done) return ready ? 0 : 1;
    await sleep(POLL_MS);
  }
}

async function changePolicy(name: string): Promise<number> {
  await ask(SOCKET, 'POST /policy', { policy: name }, { schema: wantAnswer });
  const until = performance.now() + POLICY_MS;
  for (;;) {
    await sleep(POLL_MS);
    const status = await getStatus();
    if (status.policy?.name === name && status.doubts.length === 0) {
      out(`policy ${name} is in force, ${status.policy.state}\n`);
      return 0;
    }
    if (performance.now() < until) continue;
    out(renderStatus(status));
    return 1;
  }
}

async function listPolicies(): Promise<number> {
  const [{ policies }, status] = await Promise.all([
    ask(SOCKET, 'GET /policies', undefined, { schema: policiesAnswer }),
    getStatus(),
  ]);
  const width = Math.max(...policies.map(({ name }) => name.length));
  for (const { name, about, mistake } of policies) {
    const mark = name === status.policy?.name ? '*' : ' ';
    out(`${mark} ${name.padEnd(width)}  ${about ?? `cannot be used: ${mistake}`}\n`);
  }
  return 0;
}

async function newCircuits(): Promise<number> {
  const { inMs } = await ask(SOCKET, 'POST /newnym', {}, { schema: newCircuitsAnswer });
  const when = inMs === 0 ? 'now' : `in ${Math.ceil(inMs / 1000)} s (at most once in 10 s)`;
  out(`Tor takes new circuits for new connections ${when}.
Connections that are open keep theirs, Tor keeps its guard, and I2P its tunnels and Destinations.
Cookies, logins and the browser itself can still tell that it is you.
`);
  return 0;
}

async function leaktest(): Promise<number> {
  out('a workstation of our own tries every way out while we watch what leaves; half a minute\n');
  const result = await ask(SOCKET, 'POST /leaktest', {}, { schema: leaktestAnswer, ms: LEAKTEST_MS });
  out(renderLeaktest(result));
  return result.verdict === 'nothing leaked' ? 0 : 1;
}

function readArguments(): { command?: string; name?: string; json: boolean; wait: number } {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { json: { type: 'boolean', default: false }, wait: { type: 'string', default: '0' } },
    });
    const [command, name] = positionals;
    return {
      ...(command === undefined ? {} : { command }),
      ...(name === undefined ? {} : { name }),
      json: values.json,
      wait: Number(values.wait) || 0,
    };
  } catch {
    return { json: false, wait: 0 };
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof AskError)) throw error;
  const isRefused = error.detail.code === 'refused';
  process.stderr.write(
    isRefused ? `${error.message}\n` : `the supervisor does not answer (${error.message})\n`,
  );
  process.exitCode = isRefused ? 1 : 3;
}
