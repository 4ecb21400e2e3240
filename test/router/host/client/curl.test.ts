import { execFile } from 'node:child_process';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { Naming } from '../../../../services/router/client/naming.ts';
import { startHttpProxy } from '../../../../services/router/host/client/http-proxy.ts';
import { startSocksServer } from '../../../../services/router/host/client/socks-server.ts';
import { allowed } from '../../../netns/support/machine.ts';
import { missing } from '../../../support/debian.ts';
import { recordedEntropy } from '../../../support/entropy.ts';
import { SITE, startRig } from './fake-i2p.ts';

const run = promisify(execFile);

interface Ran {
  readonly code: number;
  readonly out: string;
}

async function curl(...args: string[]): Promise<Ran> {
  try {
    const { stdout } = await run('curl', ['-sS', '--max-time', '5', '-q', ...args], {
      env: { PATH: process.env.PATH },
    });
    return { code: 0, out: stdout };
  } catch (error) {
    const { code, stdout } = error as { code: number; stdout: string };
    return { code, out: stdout };
  }
}

async function socksFor(t: ExecutionContext, rig: Awaited<ReturnType<typeof startRig>>): Promise<string> {
  const running = await startSocksServer({ host: '127.0.0.1', port: 0 }, rig);
  t.teardown(() => running.stop());
  return 'port' in running.address ? `127.0.0.1:${running.address.port}` : '';
}

test('curl gets through the HTTP proxy, follows and reads errors', async (t) => {
  if (!allowed(t, missing('curl'))) return;
  const rig = await startRig(t, (req, res) => {
    if (req.url === '/from') res.writeHead(302, { Location: 'http://site.i2p/to' }).end();
    else res.end(`${req.method} ${req.url} ${req.headers['user-agent']}`);
  });
  const proxy = ['-x', `http://127.0.0.1:${rig.proxy.port}`];
  const got = await curl(...proxy, '-L', 'http://site.i2p/from');
  t.deepEqual(got, { code: 0, out: 'GET /to MYOB/6.66 (AN/ON)' });
  t.is((await curl(...proxy, '-o', '/dev/null', '-w', '%{http_code}', 'http://none.i2p/')).out, '404');
  t.is((await curl(...proxy, '-o', '/dev/null', '-w', '%{http_code}', 'http://example.org/')).out, '403');
  t.is((await curl(...proxy, '-d', 'a=b', 'http://site.i2p/post')).out, 'POST /post MYOB/6.66 (AN/ON)');
  t.is((await curl(...proxy, '-p', 'http://site.i2p:80/')).code, 56, 'a tunnel to port 80 is refused');
});

test('curl gets through SOCKS by name and never by address', async (t) => {
  if (!allowed(t, missing('curl'))) return;
  const rig = await startRig(t, (req, res) => res.end(`${req.headers.host}`));
  const where = await socksFor(t, rig);
  const got = await curl('-x', `socks5h://${where}`, 'http://site.i2p/');
  t.deepEqual(got, { code: 0, out: 'site.i2p' });
  t.is((await curl('-x', `socks5h://user:pass@${where}`, 'http://site.i2p/')).out, 'site.i2p');
  t.is((await curl('-x', `socks4a://${where}`, 'http://site.i2p/')).out, 'site.i2p');
  t.is((await curl('-x', `socks5h://${where}`, 'http://none.i2p/')).code, 97);
  t.is((await curl('-x', `socks5://${where}`, 'http://127.0.0.1/')).code, 97);
  t.is((await curl('-x', `socks4://${where}`, 'http://127.0.0.1/')).code, 97);
  t.is(rig.dialer.dialled.length, 3);
});

test('both servers listen on Unix sockets for owner and group only', async (t) => {
  if (!allowed(t, missing('curl'))) return;
  const rig = await startRig(t, (_req, res) => res.end('unix'));
  const folder = await mkdtemp(join(tmpdir(), 'allium-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const paths = [join(folder, 'http.sock'), join(folder, 'socks.sock')] as const;
  const naming = new Naming(new Map([['site.i2p', { destination: SITE }]]));
  const { dialer } = rig;
  const servers = [
    await startHttpProxy({ path: paths[0] }, { dialer, naming, random: recordedEntropy('unix') }),
    await startSocksServer({ path: paths[1] }, { dialer, naming }),
  ];
  for (const path of paths) t.is((await stat(path)).mode & 0o777, 0o660);
  const got = await curl('-x', `socks5h://localhost${paths[1]}`, 'http://site.i2p/');
  t.deepEqual(got, { code: 0, out: 'unix' });
  for (const server of servers) await server.stop();
  await t.throwsAsync(stat(paths[0]), { code: 'ENOENT' });
});
