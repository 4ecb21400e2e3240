#!/usr/bin/env node
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { renderStatus } from './host/render.ts';
import type { Status } from './host/status.ts';
import { askJson } from './host/unix-http.ts';

const USAGE = `usage: allium status [--json] [--wait SECONDS]   how far the gateway has come
       allium policy NAME                       another policy: leak-proof, i2p-only, sealed, or your own
       allium newnym                            new Tor circuits for new connections
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
      return name === undefined ? usage() : await changePolicy(name);
    case 'newnym':
      return await post('/newnym', {});
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

async function getStatus(): Promise<Status> {
  return (await askJson(SOCKET, '/status')).body as Status;
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
    const ready = status.stage === 'ready';
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
  const refused = await post('/policy', { policy: name });
  if (refused !== 0) return refused;
  const until = performance.now() + POLICY_MS;
  for (;;) {
    await sleep(POLL_MS);
    const status = await getStatus();
    if (status.policy?.name === name && status.doubts.length === 0) return 0;
    if (performance.now() < until) continue;
    out(renderStatus(status));
    return 1;
  }
}

async function post(path: string, body: unknown): Promise<number> {
  const answer = await askJson(SOCKET, path, body);
  if (answer.status === 200) return 0;
  process.stderr.write(`${(answer.body as { why?: string }).why ?? `status ${answer.status}`}\n`);
  return 1;
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
  process.stderr.write(
    `the supervisor does not answer (${(error as NodeJS.ErrnoException).code ?? error})\n`,
  );
  process.exitCode = 3;
}
