import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toBase64 } from '@allium/common/bytes/text.ts';
import { compareAnswer, learnAnswer, resolveAnswer } from '@allium/common/contracts/names.ts';
import { AskError, KeptAsker } from '@allium/common/unix-json/ask.ts';
import test, { type ExecutionContext } from 'ava';
import type { z } from 'zod';
import { startNamesServer } from '../../../../services/router/host/client/names-server.ts';
import { openStore, type Store } from '../../../../services/router/host/store.ts';
import { AddressBook } from '../../../../services/router/names/address-book.ts';
import { base32Of } from '../../../../services/router/names/destination-text.ts';
import { destinationOf, SITE, SITE_B32 } from './fake-i2p.ts';

const KEY = 'a'.repeat(32);
const OTHER_KEY = 'b'.repeat(32);
const BASE64 = toBase64(SITE.raw);
const OTHER = destinationOf('another site');

/** A names server over a store in `folder`, as after a start of the router. */
async function started(folder: string) {
  const store: Store = openStore(folder);
  const book = new AddressBook();
  book.setHosts(new Map([['known.i2p', SITE.hash]]));
  book.learnt.restore(store.all('learnt_name'));
  const path = join(folder, 'names.sock');
  const server = await startNamesServer(
    { path },
    {
      book,
      now: Date.now,
      persist: (changes) => {
        for (const change of changes) {
          if (change.kind === 'put') store.put('learnt_name', change.row, change.value);
          else store.remove('learnt_name', change.row);
        }
      },
    },
  );
  const asker = new KeptAsker(path);
  const ask = <S extends z.ZodType>(route: string, body: object, schema: S): Promise<z.output<S>> =>
    asker.ask(`POST /${route}`, body, { schema });
  const stop = async (): Promise<void> => {
    asker.stop();
    await server.stop();
    store.close();
  };
  return {
    stop,
    resolve: (name: string, key = KEY) => ask('resolve', { key, name }, resolveAnswer),
    compare: (name: string, destination: string, key = KEY) =>
      ask('compare', { key, name, destination }, compareAnswer),
    learn: (name: string, destination: string, key = KEY) =>
      ask('learn', { key, name, destination }, learnAnswer),
  };
}

async function folderFor(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'allium-names-'));
  t.teardown(() => rm(folder, { recursive: true }));
  return folder;
}

test('names are resolved, compared and learnt as the contract says', async (t) => {
  const names = await started(await folderFor(t));
  t.teardown(names.stop);
  const base32 = base32Of(SITE.hash);
  t.deepEqual(await names.resolve('known.i2p'), { kind: 'found', base32 });
  t.deepEqual(await names.resolve(SITE_B32), { kind: 'found', base32 });
  t.deepEqual(await names.resolve('nobody.i2p'), { kind: 'unknown' });
  t.deepEqual(await names.resolve('proxy.i2p'), { kind: 'reserved' });
  t.deepEqual(await names.resolve(`${'a'.repeat(56)}.b32.i2p`), { kind: 'encrypted' });
  t.like(await names.resolve('f_o.i2p'), { kind: 'invalid' });
  t.deepEqual(await names.resolve('example.org'), { kind: 'outside' });
  t.deepEqual(await names.compare('nobody.i2p', BASE64), { kind: 'new', base32 });
  t.deepEqual(await names.compare('known.i2p', BASE64), { kind: 'known', base32 });
  t.deepEqual(await names.compare('known.i2p', toBase64(OTHER.raw)), {
    kind: 'conflict',
    base32: base32Of(OTHER.hash),
  });
  t.deepEqual(await names.compare('known.i2p', 'x'), { kind: 'bad' });
  t.deepEqual(await names.compare('known.i2p', `${'a'.repeat(56)}.b32.i2p`), { kind: 'encrypted' });
  t.deepEqual(await names.learn('nobody.i2p', BASE64), { learnt: true });
  t.deepEqual(await names.resolve('nobody.i2p'), { kind: 'found', base32 });
  t.deepEqual(await names.learn('nobody.i2p', toBase64(OTHER.raw)), { learnt: false });
});

test('what a key learnt is there after a restart, for that key alone', async (t) => {
  const folder = await folderFor(t);
  const first = await started(folder);
  await first.learn('mine.i2p', BASE64);
  await first.stop();
  const second = await started(folder);
  t.teardown(second.stop);
  t.like(await second.resolve('mine.i2p'), { kind: 'found' });
  t.like(await second.resolve('mine.i2p', OTHER_KEY), { kind: 'unknown' });
});

test('a question that is none is refused, and the next is answered', async (t) => {
  const names = await started(await folderFor(t));
  t.teardown(names.stop);
  for (const wrong of [
    () => names.resolve('known.i2p', 'no key'),
    () => names.resolve('a'.repeat(256)),
    () => names.resolve(''),
    () => names.learn('x.i2p', 'a'.repeat(4_097)),
    () => names.learn('x.i2p', 'a'.repeat(10_000)),
  ]) {
    t.is((await t.throwsAsync(wrong, { instanceOf: AskError })).code, 'refused');
  }
  t.like(await names.resolve('known.i2p'), { kind: 'found' });
});
