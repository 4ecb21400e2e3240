import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import test, { type ExecutionContext } from 'ava';

const ROOT = join(import.meta.dirname, '..');

async function run(service: string, ...args: readonly string[]) {
  const child = spawn(process.execPath, [join(ROOT, 'services', service, 'main.ts'), ...args]);
  const [out, err, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  return { code: code as number, out, err };
}

/** As it is shipped, with every socket and folder in a folder of the test. */
function shipped(t: ExecutionContext, service: string, changes: (config: string) => string = (it) => it) {
  const folder = mkdtempSync(join(tmpdir(), 'allium-check-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const config = readFileSync(join(ROOT, 'images', service, `${service}.yaml`), 'utf8')
    .replaceAll('/etc/allium/policies', join(ROOT, 'policies'))
    .replaceAll(/\/(?:run|var\/lib)\/allium|\/tmp(?=\/)/g, folder);
  const file = join(folder, `${service}.yaml`);
  writeFileSync(file, changes(config));
  return { folder, file };
}

for (const service of ['policy', 'uplink', 'router', 'tor-filter']) {
  test(`${service} --check finds nothing in what is shipped, and starts nothing`, async (t) => {
    const { folder, file } = shipped(t, service);
    t.deepEqual(await run(service, '--config', file, '--check'), { code: 0, out: '', err: '' });
    t.deepEqual(
      ['router', 'router-health', 'policy', 'uplink-control', 'health.sock'].filter((name) =>
        existsSync(join(folder, name)),
      ),
      [],
    );
  });
}

for (const service of ['policy', 'uplink', 'router', 'tor-filter', 'supervisor']) {
  test(`${service} --check refuses what the start would refuse`, async (t) => {
    const { file } = shipped(t, service, (config) => `surprise: true\n${config}`);
    const { code, out, err } = await run(service, '--config', file, '--check');
    t.deepEqual([code, out], [1, '']);
    t.is(err, `${file}:1:1: surprise: unknown key\n`);
    t.is((await run(service, '--check')).code, 2, 'without a file there is nothing to check');
  });
}

test('what is doubtful is said, and is no refusal', async (t) => {
  const uplink = shipped(
    t,
    'uplink',
    () => 'listen: 0.0.0.0:3128\ncontrol: /x\nallowPrivateAddresses: true\n',
  );
  t.deepEqual(await run('uplink', '--config', uplink.file, '--check'), {
    code: 0,
    out: [
      'listens on every address of this machine, 0.0.0.0',
      'no client: whoever reaches it may connect',
      'allowPrivateAddresses is for test networks only',
      '',
    ]
      .map((line) => (line === '' ? '' : `${uplink.file}: ${line}`))
      .join('\n'),
    err: '',
  });
  const filter = shipped(t, 'tor-filter', () => 'listen: "[::]:9051"\ntor: /x\n');
  t.is(
    (await run('tor-filter', '--config', filter.file, '--check')).out,
    `${filter.file}: listens on every address of this machine, ::\n`,
  );
  const { folder, file } = shipped(t, 'supervisor', (config) => `${config}\ndocker: /nobody\next: other\n`);
  const { code, out } = await run('supervisor', '--config', file, '--check');
  t.is(code, 0);
  t.deepEqual(out.trim().split('\n'), [
    `${file}: docker: /nobody is not there`,
    `${file}: memory: ${folder}/supervisor is not there`,
    `${file}: ext: other is made by somebody else, who may take it away`,
  ]);
});

test('a policy with a mistake is found by its line', async (t) => {
  const { folder, file } = shipped(t, 'policy', (config) =>
    config.replace(/^policies: .*$/m, 'policies: POLICIES').replace('POLICIES', `${tmpdir()}/nowhere`),
  );
  const { code, err } = await run('policy', '--config', file, '--check');
  t.is(code, 1);
  t.is(err, `${file}:1:1: policy: no such policy in ${tmpdir()}/nowhere\n`);
  writeFileSync(join(folder, 'mine.yaml'), 'name: mine\nabout: x\ndoor: []\n');
  writeFileSync(file, readFileSync(file, 'utf8').replace(`${tmpdir()}/nowhere`, folder));
  t.regex((await run('policy', '--config', file, '--check')).err, /mine\.yaml:3:1: door: unknown key/);
});
