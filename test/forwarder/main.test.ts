import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { freePort } from '../support/free-port.ts';
import { get } from './support/fixture.ts';
import { writeFiles } from './support/proxies.ts';
import { probe, statusOf } from './support/raw-client.ts';
import { RecordingParent } from './support/recording-parent.ts';

const MAIN = join(import.meta.dirname, '../../services/forwarder/main.ts');

interface Run {
  readonly child: ChildProcess;
  output: string;
  readonly exit: Promise<number | null>;
}

function start(t: ExecutionContext, ...args: readonly string[]): Run {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const exit = new Promise<number | null>((resolve) => child.once('close', resolve));
  const run: Run = { child, output: '', exit };
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk) => {
      run.output += chunk.toString();
    });
  }
  t.teardown(() => void child.kill('SIGKILL'));
  return run;
}

async function said(run: Run, what: RegExp): Promise<void> {
  for (let round = 0; round < 300 && !what.test(run.output); round++)
    await new Promise((next) => setTimeout(next, 50));
}

function files(t: ExecutionContext, config: string, more: Readonly<Record<string, string>> = {}): string {
  const folder = writeFiles(config, more);
  t.teardown(() => rmSync(folder, { recursive: true }));
  return folder;
}

test('the program serves, tells its health, keeps names out of the log, and stops on SIGTERM', async (t) => {
  const parent = await RecordingParent.start();
  t.teardown(() => parent.stop());
  const [port, health] = [await freePort(), await freePort()];
  const config = `listen-address 127.0.0.1:${port}\nforward .i2p 127.0.0.1:${parent.port}\ndebug 1\ndebug 1024\nallium-health 127.0.0.1:${health}\n`;
  const run = start(t, '--config', join(files(t, config), 'config'));
  await said(run, /"started"/);
  t.is(statusOf(await probe(port, get('http://a-secret-name.i2p/path'))), '200');
  t.is(statusOf(await probe(port, get('http://another-secret.example/'))), '403');
  t.regex(
    (await probe(health, 'GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')).text,
    /200[\s\S]*ready/,
  );
  const status = await probe(health, 'GET /status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  t.regex(status.text, /"forwarded": 1/);
  run.child.kill('SIGTERM');
  t.is(await run.exit, 0);
  t.notRegex(run.output + status.text, /secret/);
  t.regex(run.output, /asks for names of visited sites/);
});

test('SIGHUP reads the configuration again and cuts what was open under the old one; with a mistake it ends', async (t) => {
  const parent = await RecordingParent.start();
  t.teardown(() => parent.stop());
  const [port, other, socks] = [await freePort(), await freePort(), await freePort()];
  const folder = files(t, `listen-address 127.0.0.1:${port}\nforward .i2p 127.0.0.1:${parent.port}\n`);
  const run = start(t, '--config', join(folder, 'config'));
  const rewrite = (text: string): void => {
    writeFileSync(join(folder, 'config'), text);
    run.child.kill('SIGHUP');
  };
  await said(run, /"started"/);
  t.is(statusOf(await probe(port, get('http://x.i2p/'))), '200');
  const open = connect(port, '127.0.0.1');
  await once(open, 'connect');
  const cut = once(open.resume(), 'close');
  rewrite(
    `listen-address 127.0.0.1:${other}\nforward .i2p 127.0.0.1:${parent.port}\nactionsfile a.action\nallium-router unix:/nowhere/s unix:/nowhere/n\nallium-socks 127.0.0.1:${socks} .\n`,
  );
  // The action file is missing: the first mistake there is.
  t.is(await run.exit, 1);
  await cut;
  t.regex(run.output, /config:3: .*a\.action cannot be read \(ENOENT\)/);

  writeFileSync(join(folder, 'a.action'), '{+block{no}}\nblocked.i2p\n');
  writeFileSync(
    join(folder, 'config'),
    `listen-address 127.0.0.1:${port}\nforward .i2p 127.0.0.1:${parent.port}\n`,
  );
  const second = start(t, '--config', join(folder, 'config'));
  await said(second, /"started"/);
  t.is(statusOf(await probe(port, get('http://blocked.i2p/'))), '200');
  writeFileSync(
    join(folder, 'config'),
    `listen-address 127.0.0.1:${port}\nlisten-address 127.0.0.1:${other}\nforward .i2p 127.0.0.1:${parent.port}\nactionsfile a.action\n`,
  );
  second.child.kill('SIGHUP');
  await said(second, /"started"[\s\S]*"started"/);
  t.is(statusOf(await probe(port, get('http://blocked.i2p/'))), '403');
  t.is(statusOf(await probe(other, get('http://x.i2p/'))), '200');
  second.child.kill('SIGTERM');
  t.is(await second.exit, 0);
});

test('a wrong configuration ends the start with every file and line', async (t) => {
  const folder = files(
    t,
    'listen-address 127.0.0.1:8118\nforward .i2p\n\nforward-socks4 / tor:9050 .\nactionsfile a.action\ntoggle 2\n',
    { 'a.action': '{+block{x}}\nx.i2p\n{+nosuch}\n' },
  );
  const run = start(t, '--config', join(folder, 'config'));
  t.is(await run.exit, 1);
  t.deepEqual(run.output.trim().split('\n'), [
    `${folder}/config:2: forward needs exactly 2 words, not 1; write "forward .i2p 127.0.0.1:4444"`,
    `${folder}/config:4: forward-socks4 is not allowed: SOCKS 4 resolves names locally, which leaks them; write "forward-socks4a / tor:9050 ."`,
    `${folder}/config:6: toggle needs 0 or 1`,
    `${folder}/a.action:3: unknown action or alias "+nosuch"`,
  ]);
});

test('a missing file, a missing option and an address in use are said plainly', async (t) => {
  const missing = start(t, '--config', '/nonexistent/config');
  t.is(await missing.exit, 1);
  t.is(missing.output, '/nonexistent/config:1: /nonexistent/config cannot be read (ENOENT)\n');
  const none = start(t);
  t.is(await none.exit, 2);
  t.regex(none.output, /--config FILE/);
  const parent = await RecordingParent.start();
  t.teardown(() => parent.stop());
  const used = start(t, '--config', join(files(t, `listen-address 127.0.0.1:${parent.port}\n`), 'config'));
  t.is(await used.exit, 1);
  t.regex(used.output, new RegExp(`^(?:\\{.*\\}\\n)*127\\.0\\.0\\.1:${parent.port} is in use\\n$`));
});

test('--check prints what would be ignored, and listens nowhere', async (t) => {
  const folder = files(t, 'allium-router unix:/s unix:/n\nforward .i2p 127.0.0.1:4444\nlogfile x\n');
  const run = start(t, '--config', join(folder, 'config'), '--check');
  t.is(await run.exit, 0);
  t.is(run.output, `${folder}/config:3: logfile is ignored: the log goes to standard error\n`);
});
