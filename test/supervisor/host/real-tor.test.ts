/** What a real Tor says of whom it may want to reach, without any network, and that the uplink takes it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { TorControl } from '../../../services/supervisor/host/tor-control.ts';
import { decideConnect } from '../../../services/uplink/connect/decide.ts';
import { parseRelayList } from '../../../services/uplink/connect/relay-list.ts';
import { allowed } from '../../netns/support/machine.ts';
import { missing } from '../../support/debian.ts';

const problem = missing('tor');

async function tor(t: ExecutionContext, ...lines: string[]): Promise<TorControl> {
  const folder = await mkdtemp(join(tmpdir(), 'allium-tor-'));
  const control = join(folder, 'control');
  const own = [
    `DataDirectory ${folder}`,
    `ControlSocket unix:${control}`,
    'SocksPort 0',
    'DisableNetwork 1',
    'Log err stdout',
  ];
  await writeFile(join(folder, 'torrc'), `${[...own, ...lines].join('\n')}\n`);
  const child: ChildProcess = spawn(
    '/usr/sbin/tor',
    ['-f', join(folder, 'torrc'), '--defaults-torrc', '/dev/null'],
    { stdio: 'ignore' },
  );
  const client = new TorControl(control);
  t.teardown(async () => {
    client.stop();
    child.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  });
  for (let tries = 0; tries < 100 && !existsSync(control); tries++) await sleep(100);
  return client;
}

test('before its first consensus it names its authorities and fallbacks, all public', async (t) => {
  if (!allowed(t, problem)) return;
  const list = (await (await tor(t)).relays()).split('\n');
  t.true(list.length > 50, `${list.length}`);
  const relays = parseRelayList(list.join('\n'));
  t.is(relays.size, list.length);
  for (const line of list) {
    t.is(decideConnect(line, { allowPrivateAddresses: false, relays }).kind, 'connect', line);
  }
});

test('with bridges it names these and nobody else', async (t) => {
  if (!allowed(t, problem)) return;
  const client = await tor(
    t,
    'UseBridges 1',
    'ClientTransportPlugin obfs4 exec /bin/true',
    'Bridge obfs4 1.2.3.4:443 0123456789012345678901234567890123456789 cert=abc iat-mode=0',
    'Bridge 5.6.7.8:9001',
  );
  t.is(await client.relays(), '1.2.3.4:443\n5.6.7.8:9001');
});

test('NEWNYM is heeded at once, and put off when it comes again', async (t) => {
  if (!allowed(t, problem)) return;
  const client = await tor(t);
  t.is(await client.newCircuits(), 0);
  const second = await client.newCircuits();
  t.true(second > 8_000 && second <= 10_000, `${second}`);
});
