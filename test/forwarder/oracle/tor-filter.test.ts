import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { ExecutionContext } from 'ava';
import { LIMITS } from '../../../services/tor-filter/host/door.ts';
import { TorFilter } from '../../../services/tor-filter/host/tor-filter.ts';
import { eventually, must } from '../../support/eventually.ts';
import { RealTor, torTest } from '../support/real-tor.ts';

const test = torTest('python3', '/usr/lib/python3/dist-packages/stem/__init__.py');

interface Rig {
  readonly tor: RealTor;
  readonly service: TorFilter;
  readonly port: number;
}

async function rig(t: ExecutionContext): Promise<Rig> {
  const tor = await RealTor.start();
  t.teardown(() => tor.stop());
  const service = new TorFilter({ listen: { host: '127.0.0.1', port: 0 }, tor: tor.control });
  await service.start();
  t.teardown(() => service.stop());
  const address = service.door.address;
  return { tor, service, port: typeof address === 'object' && address !== null ? address.port : 0 };
}

/** A reset is as good an end as any. */
function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => void socket.once('close', () => resolve()));
}

/** Sends lines and returns all that came until the connection ended. */
async function talk(port: number, lines: readonly string[], from = '127.0.0.1'): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', localAddress: from });
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
  });
  socket.on('error', () => {});
  socket.write(`${[...lines, 'QUIT'].join('\r\n')}\r\n`);
  await closed(socket);
  return text.replace(/250 closing connection\r\n$/, '');
}

test("the real Tor's answers reach the client in Tor's own form", async (t) => {
  const { port } = await rig(t);
  const version = /^250-version=([\d.]+)\r\n250 OK\r\n$/.exec(await talk(port, ['GETINFO version']))?.[1];
  t.truthy(version);
  const info = await talk(port, ['PROTOCOLINFO 1', 'AUTHENTICATE', 'GETINFO status/circuit-established']);
  t.is(
    info,
    [
      '250-PROTOCOLINFO 1',
      '250-AUTH METHODS=NULL',
      `250-VERSION Tor="${version}"`,
      '250 OK',
      '250 OK',
      '250-status/circuit-established=0',
      '250 OK',
      '',
    ].join('\r\n'),
  );
  for (const key of ['valid-after', 'valid-until', 'fresh-until']) {
    t.is(await talk(port, [`GETINFO consensus/${key}`]), `250-consensus/${key}=\r\n250 OK\r\n`);
  }
});

test('NEWNYM reaches Tor: once for many who ask at the same moment, again for one who asks later', async (t) => {
  const { tor, port } = await rig(t);
  const watch = await tor.watch();
  t.teardown(() => watch.end());
  const ask = (): Promise<string> => talk(port, ['SIGNAL NEWNYM']);
  const signals = (): number => watch.text.match(/650 SIGNAL NEWNYM/g)?.length ?? 0;
  t.is(await ask(), '250 OK\r\n');
  t.deepEqual(await Promise.all([ask(), ask(), ask()]), Array(3).fill('250 OK\r\n'));
  // Tor itself waits ten seconds between two of them.
  await eventually('a second NEWNYM', 15_000, () => must(signals() === 2, watch.text));
});

test('what would tell or change anything is filtered, and the real Tor would have done it', async (t) => {
  const { tor, port } = await rig(t);
  const lines = [
    'GETINFO config-file',
    'GETCONF SocksPort',
    'SETCONF MaxCircuitDirtiness=60',
    'SETEVENTS CIRC',
  ];
  t.is(await talk(port, lines), `${'510 Command filtered\r\n'.repeat(3)}250 OK\r\n`);
  t.regex(await directly(tor, 'GETCONF MaxCircuitDirtiness'), /MaxCircuitDirtiness=600\r\n/);
  t.regex(await directly(tor, 'GETINFO config-file'), /config-file=\/.*torrc/);
  t.regex(await directly(tor, 'SETCONF MaxCircuitDirtiness=60'), /^250 OK/m);
  t.regex(await directly(tor, 'GETCONF MaxCircuitDirtiness'), /MaxCircuitDirtiness=60\r\n/);
});

async function directly(tor: RealTor, command: string): Promise<string> {
  const socket = connect(tor.control);
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
  });
  socket.write(`AUTHENTICATE\r\n${command}\r\nQUIT\r\n`);
  await closed(socket);
  return text;
}

test('without Tor it says so, and it finds a new one', async (t) => {
  const { tor, service, port } = await rig(t);
  t.regex(await talk(port, ['GETINFO version']), /^250-version/);
  await tor.stop();
  await sleep(1_100);
  t.is(await talk(port, ['GETINFO version', 'SIGNAL NEWNYM']), '551 Tor does not answer\r\n'.repeat(2));
  t.is(
    await talk(port, ['GETINFO net/listeners/socks']),
    '250-net/listeners/socks="127.0.0.1:9150"\r\n250 OK\r\n',
  );
  await eventually('no client left', 2_000, () =>
    must(service.door.clients === 0, `${service.door.clients}`),
  );
});

test('one client address has its places, and others have theirs', async (t) => {
  const { service, port } = await rig(t);
  const held: Socket[] = [];
  t.teardown(() => held.map((socket) => socket.destroy()));
  for (let count = 0; count < LIMITS.perClient; count++) {
    const socket = connect({ port, host: '127.0.0.1', localAddress: '127.0.0.2' });
    held.push(socket);
    await once(socket, 'connect');
  }
  t.is(await talk(port, ['AUTHENTICATE'], '127.0.0.2'), '');
  t.is(await talk(port, ['AUTHENTICATE'], '127.0.0.3'), '250 OK\r\n');
  t.is(service.counters.get('too-many'), 1);
});

test('a client that sends and never reads is held up, not remembered', async (t) => {
  const { port } = await rig(t);
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  const sent = Buffer.from('GETINFO address\r\n'.repeat(200_000));
  socket.pause();
  socket.write(sent);
  await closed(socket.resume());
  t.true(socket.bytesRead < 10_000, `${socket.bytesRead} bytes of answers`);
});

/** A controller library that real programs use; it looks at every answer's form. */
const STEM = `
import sys, stem
from stem import Signal
from stem.control import Controller
with Controller.from_port(port=int(sys.argv[1])) as c:
    c.authenticate()
    print(c.get_version(), c.get_info('status/circuit-established'), c.get_info('net/listeners/socks'))
    c.signal(Signal.NEWNYM)
    for ask in (lambda: c.get_info('address'), lambda: c.get_info('circuit-status'), lambda: c.set_conf('HTTPSProxy', '')):
        try:
            print('LEAK', ask())
        except stem.ControllerError as error:
            print(type(error).__name__)
`;

test('stem gets along with it', async (t) => {
  const { port } = await rig(t);
  const { stdout } = await promisify(execFile)('/usr/bin/python3', ['-c', STEM, String(port)]);
  const [facts = '', ...refused] = stdout.trim().split('\n');
  t.regex(facts, /^\d+\.\d+\.\d+\.\d+ 0 "127\.0\.0\.1:9150"$/);
  t.deepEqual(refused, ['OperationFailed', 'OperationFailed', 'ProtocolError']);
});
