import { pbkdf2 } from 'node:crypto';
import { mkdtempSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Logger } from '@allium/common/observe/logger.ts';
import test, { type ExecutionContext } from 'ava';
import { HostsFileError, HostsWatch, hostsProblems, readHosts } from '../../../services/router/host/hosts.ts';
import { HOSTS_FILE_MAX, type HostsFile } from '../../../services/router/names/hosts-file.ts';
import { until } from '../../support/tcp.ts';

const B32 = 'a'.repeat(52);

function fileWith(t: ExecutionContext, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'allium-hosts-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'hosts.txt');
  writeFileSync(file, text);
  return file;
}

/** Keeps lines instead of writing them. */
function lines(): { readonly log: Logger; readonly all: string[] } {
  const all: string[] = [];
  const keep = (facts: object, message: string): void => void all.push(`${message} ${JSON.stringify(facts)}`);
  return { log: { info: keep, warn: keep } as unknown as Logger, all };
}

test('bad lines are shown to whoever asks, with their names', (t) => {
  const file = fileWith(t, `f_o.i2p=${B32}\ngood.i2p=${B32}\nnothing\n`);
  t.deepEqual(hostsProblems(file, readHosts(file)), [
    `${file}:1: f_o.i2p: the name is invalid: has a character other than a-z, 0-9, dot and hyphen`,
    `${file}:3: not of the form name=destination`,
  ]);
  const many = fileWith(t, 'nothing\n'.repeat(150));
  t.is(hostsProblems(many, readHosts(many)).at(-1), `${many}: 50 more`);
});

test('a file that is not there is an error, and a huge one is not read', (t) => {
  t.throws(() => readHosts('/nonexistent/hosts.txt'), {
    instanceOf: HostsFileError,
    message: '/nonexistent/hosts.txt: cannot be read (ENOENT)',
  });
  const huge = fileWith(t, `good.i2p=${B32}\n`);
  truncateSync(huge, 3 * HOSTS_FILE_MAX + 1);
  t.deepEqual(hostsProblems(huge, readHosts(huge)), [
    `${huge}: more than ${HOSTS_FILE_MAX} characters: none is read`,
  ]);
});

test.serial(
  'the file is read again when it changes or is replaced, and stays as it was when it is gone',
  async (t) => {
    const file = fileWith(t, `one.i2p=${B32}\nbad\n`);
    const { log, all } = lines();
    let hosts: HostsFile | undefined;
    const watch = new HostsWatch(
      file,
      log,
      (read) => {
        hosts = read;
      },
      20,
    );
    const running = watch.start();
    t.teardown(running.stop);
    t.deepEqual([...(hosts?.names.keys() ?? [])], ['one.i2p']);
    t.deepEqual(watch.status, { names: 1, badLines: 1 });
    t.true(all[0]?.includes(`${file}:2: `));
    writeFileSync(`${file}.new`, `two.i2p=${B32}\nthree.i2p=${B32}\n`);
    renameSync(`${file}.new`, file);
    await until(t, () => watch.status.names === 2);
    t.true(hosts?.names.has('two.i2p'));
    rmSync(file);
    await until(t, () => all.some((line) => line.startsWith('the hosts file stays as it was')));
    t.is(watch.status.names, 2);
    t.false(all.some((line) => /(one|two|three)\.i2p/.test(line)));
  },
);

test.serial('a change right after the first reading counts, however late the first look is', async (t) => {
  const file = fileWith(t, `one.i2p=${B32}\n`);
  // The threads that asynchronous looks at files wait for are busy.
  for (let i = 0; i < 8; i++) pbkdf2('password', 'salt', 200_000, 64, 'sha512', () => {});
  const watch = new HostsWatch(file, lines().log, () => {}, 20);
  t.teardown(watch.start().stop);
  writeFileSync(file, `two.i2p=${B32}\nthree.i2p=${B32}\n`);
  await until(t, () => watch.status.names === 2, 5_000);
});

test.serial('SIGHUP reads the file at once', async (t) => {
  const file = fileWith(t, `one.i2p=${B32}\n`);
  let names: string[] = [];
  const watch = new HostsWatch(
    file,
    lines().log,
    (read) => {
      names = [...read.names.keys()];
    },
    3_600_000,
  );
  const running = watch.start();
  t.teardown(running.stop);
  writeFileSync(file, `two.i2p=${B32}\n`);
  process.emit('SIGHUP');
  t.deepEqual(names, ['two.i2p']);
});
