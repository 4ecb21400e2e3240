import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { policiesAnswer } from '@allium/common/contracts/policy.ts';
import {
  leaktestAnswer,
  newCircuitsAnswer,
  type SupervisorStatus,
  supervisorStatus,
  wantAnswer,
} from '@allium/common/contracts/supervisor.ts';
import { AskError, ask } from '@allium/common/unix-json/ask.ts';
import test, { type ExecutionContext } from 'ava';
import { z } from 'zod';
import { type Steerable, serveControl } from '../../../services/supervisor/host/control.ts';
import { LeaktestError } from '../../../services/supervisor/host/leaktest.ts';
import { NotebookFile } from '../../../services/supervisor/host/notebook-file.ts';
import { PolicyNameError } from '../../../services/supervisor/host/policy-client.ts';
import { renderStatus } from '../../../services/supervisor/host/render.ts';
import { loadSettings } from '../../../services/supervisor/host/settings.ts';
import { statusOf } from '../../../services/supervisor/host/status.ts';
import { TorControl } from '../../../services/supervisor/host/tor-control.ts';
import { plan } from '../../../services/supervisor/plan/plan.ts';
import { askedFor, factsOf, intent } from '../support/captured.ts';

async function folder(t: ExecutionContext): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'allium-supervisor-'));
  t.teardown(() => rm(made, { recursive: true, force: true }));
  return made;
}

function statusFor(name: string, asked = askedFor(name)): SupervisorStatus {
  const facts = factsOf(name);
  return statusOf({
    facts,
    plan: plan(facts, intent({ asked })),
    failure: undefined,
    needsCompose: [],
    wanted: 'leak-proof',
    proxy: 'http://10.152.152.10:8118',
  });
}

test('the status says ready with the address to use only when everything is open', (t) => {
  const ready = statusFor('open');
  t.is(ready.stage, 'open');
  t.true(ready.plugged);
  t.regex(renderStatus(ready), /use +HTTP proxy http:\/\/10\.152\.152\.10:8118/);
  for (const name of ['gate-ended', 'stranger-in-gate', 'forwarder-ended', 'gate-foreign-network']) {
    const status = statusFor(name);
    t.is(status.stage, 'blocked', name);
    t.notRegex(renderStatus(status), /HTTP proxy/, name);
  }
});

test('a person is told what is wrong and who has to go', (t) => {
  t.regex(renderStatus(statusFor('stranger-in-gate')), /stranger-joined is where only our own/);
  t.regex(renderStatus(statusFor('gate-ended')), /gate: does not run/);
});

test('without a look there is no claim', (t) => {
  const status = statusOf({
    facts: undefined,
    plan: { doubts: [], steps: [] },
    failure: 'look: no engine',
    needsCompose: [],
    wanted: 'x',
    proxy: '',
  });
  t.is(status.stage, 'looking');
  t.false(status.plugged);
  t.regex(renderStatus(status), /no engine/);
});

test('the control socket tells, takes a policy and asks for new circuits', async (t) => {
  const path = join(await folder(t), 's.sock');
  const heard: string[] = [];
  const steerable: Steerable = {
    ready: () => true,
    status: () => statusFor('open'),
    wantPolicy: async (name) => {
      if (name === 'unknown') throw new PolicyNameError({ code: 'no-such-policy' }, 'there are: leak-proof');
      heard.push(name);
    },
    policies: async () => [{ name: 'leak-proof', about: 'all through Tor' }],
    leaktest: async () => {
      throw new LeaktestError({ code: 'not-open' }, 'not open');
    },
    newCircuits: async () => heard.push('newnym'),
  };
  const { stop } = await serveControl(path, steerable);
  t.teardown(stop);
  const said = <S extends z.ZodType>(route: string, schema: S, body?: unknown) =>
    ask(path, route, body, { schema });
  const refused = async (route: string, body: unknown) =>
    (await t.throwsAsync(said(route, z.unknown(), body), { instanceOf: AskError }))?.detail;
  t.deepEqual(await said('GET /health', z.unknown()), { ready: true });
  t.deepEqual(await said('GET /status', supervisorStatus), statusFor('open'), 'nothing is lost on the way');
  t.deepEqual(await said('POST /policy', wantAnswer, { policy: 'i2p-only' }), { ok: true });
  t.is((await said('POST /newnym', newCircuitsAnswer, {})).inMs, 2);
  t.deepEqual(heard, ['i2p-only', 'newnym']);
  t.is((await said('GET /policies', policiesAnswer)).policies.length, 1);
  const unknown = said('POST /policy', z.unknown(), { policy: 'unknown' });
  const why = await t.throwsAsync(unknown, { instanceOf: AskError, message: 'there are: leak-proof' });
  t.like(why?.detail, { status: 409, reason: 'no-such-policy' });
  t.like(await refused('POST /leaktest', {}), { status: 409, reason: 'not-open' });
  t.is(leaktestAnswer.safeParse({ verdict: 'clean' }).success, false);
  for (const wrong of [{ policy: '../x' }, { policy: 'a', extra: 1 }, {}, 'x']) {
    t.like(await refused('POST /policy', wrong), { status: 400 });
  }
  t.like(await refused('GET /nothing', undefined), { status: 404 });
  t.is(heard.length, 2);
});

/** Answers as Tor does, in two pieces; `ends` closes after so many commands. */
async function fakeTor(t: ExecutionContext, ends = Number.POSITIVE_INFINITY) {
  const path = join(await folder(t), 'control');
  const commands: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('data', (bytes: Buffer) => {
      const command = bytes.toString().trim();
      commands.push(command);
      if (commands.length >= ends) return void socket.destroy();
      if (!command.startsWith('GETINFO')) return void socket.write('250 OK\r\n');
      socket.write('250-status/bootstrap-phase=NOTICE BOOTSTRAP PROGRESS=75 TAG=x SUMM');
      setTimeout(() => socket.write('ARY="Loading 250 OK"\r\n250 OK\r\n'), 5);
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { path, commands, sockets };
}

test('Tor is asked over one connection', async (t) => {
  const { path, commands, sockets } = await fakeTor(t);
  const tor = new TorControl(path);
  const both = await Promise.all([tor.progress(), tor.progress()]);
  t.deepEqual(both, [
    { percent: 75, summary: 'Loading 250 OK' },
    { percent: 75, summary: 'Loading 250 OK' },
  ]);
  await tor.newCircuits();
  await tor.reconnect();
  t.deepEqual(commands, [
    'AUTHENTICATE',
    'GETINFO status/bootstrap-phase',
    'GETINFO status/bootstrap-phase',
    'SIGNAL NEWNYM',
    'SETCONF DisableNetwork=1',
    'SETCONF DisableNetwork=0',
  ]);
  t.is(sockets.size, 1);
  tor.stop();
});

test('a Tor that goes away is asked anew over a new connection', async (t) => {
  const { path, sockets } = await fakeTor(t, 2);
  const tor = new TorControl(path);
  t.is(await tor.progress(), undefined);
  t.is(await tor.progress(), undefined);
  t.is(sockets.size, 2);
  t.is(await new TorControl(`${path}-nobody`).progress(), undefined);
  await t.throwsAsync(new TorControl(`${path}-nobody`).newCircuits());
  tor.stop();
});

test('the notebook keeps the wanted policy, and not what was asked for', async (t) => {
  const memory = await folder(t);
  const notebook = new NotebookFile(memory, 'leak-proof');
  t.is(notebook.policy, 'leak-proof');
  notebook.policy = 'i2p-only';
  notebook.asked = { state: 'open', policy: 'i2p-only', digest: 'd' };
  const again = new NotebookFile(memory, 'leak-proof');
  t.is(again.policy, 'i2p-only');
  t.is(again.asked, undefined);
});

test('a spoilt notebook counts as none', async (t) => {
  const memory = await folder(t);
  for (const text of [
    '',
    '{',
    '{"policy":"x","blueprints":{"gate":{}}}',
    '{"policy":"../../x","blueprints":{}}',
  ]) {
    await writeFile(join(memory, 'notebook.json'), text);
    const notebook = new NotebookFile(memory, 'leak-proof');
    t.is(notebook.policy, 'leak-proof');
    t.is(notebook.known.size, 0);
  }
});

test('the shipped configuration is valid, and an unknown key stops the start', async (t) => {
  const shipped = join(import.meta.dirname, '../../../images/supervisor/supervisor.yaml');
  t.is(loadSettings(shipped).defaultPolicy, 'leak-proof');
  const file = join(await folder(t), 'x.yaml');
  await writeFile(
    file,
    'listen: /a\nmemory: /b\npolicy: /c\ntorControl: /d\nuplink: /f\nrouterStatus: /e\nfallback: open\n',
  );
  t.throws(() => loadSettings(file), { message: /:7:1: fallback: unknown key/ });
});
