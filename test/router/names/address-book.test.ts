import { createHash } from 'node:crypto';
import { toBase64 } from '@allium/common/bytes/text.ts';
import test from 'ava';
import fc from 'fast-check';
import { AddressBook } from '../../../services/router/names/address-book.ts';
import { base32Name, base32Of } from '../../../services/router/names/destination-text.ts';
import { createDestinationKeys } from '../../../services/router/wire/destination.ts';
import { recordedEntropy } from '../../support/entropy.ts';

const { destination } = createDestinationKeys(recordedEntropy('naming'));
const other = createDestinationKeys(recordedEntropy('naming, other')).destination;
const BASE64 = toBase64(destination.raw);
const OTHER = toBase64(other.raw);
const B32 = base32Name(destination.hash);
const NOW = 1_000_000;
const ENCRYPTED = `${'a'.repeat(56)}.b32.i2p`;

function book(): AddressBook {
  const made = new AddressBook();
  made.setHosts(new Map([['known.i2p', destination.hash]]));
  return made;
}

test('a Base32 name is the hash of the destination', (t) => {
  const hash = toBase64(createHash('sha256').update(destination.raw).digest());
  t.deepEqual<unknown, unknown>(book().resolve('a', B32.toUpperCase()), { kind: 'found', hash });
});

test('a Base32 name with bits beyond the hash is invalid', (t) => {
  t.is(book().resolve('a', `${'a'.repeat(51)}b.b32.i2p`).kind, 'invalid');
});

test('every kind of name has its answer', (t) => {
  const kinds = ['KNOWN.i2p.', 'nobody.i2p', ENCRYPTED, 'proxy.i2p', 'f_o.i2p', 'example.org'];
  t.deepEqual(
    kinds.map((name) => book().resolve('a', name).kind),
    ['found', 'unknown', 'encrypted', 'reserved', 'invalid', 'outside'],
  );
});

test('names of the hosts file are everybody’s, and new ones take the place of the old', (t) => {
  const names = book();
  for (const key of ['a', 'b', '']) t.is(names.resolve(key, 'known.i2p').kind, 'found');
  names.setHosts(new Map([['new.i2p', other.hash]]));
  t.is(names.resolve('a', 'known.i2p').kind, 'unknown');
  t.is(names.resolve('a', 'new.i2p').kind, 'found');
});

test('what one key learns is seen by that key alone, and never replaces what is known', (t) => {
  const names = book();
  t.like(names.learn('a', 'New.i2p', OTHER, NOW), { learnt: true });
  t.deepEqual(names.resolve('a', 'new.i2p'), { kind: 'found', hash: other.hash });
  t.is(names.resolve('b', 'new.i2p').kind, 'unknown');
  t.deepEqual(names.learn('a', 'new.i2p', BASE64, NOW), { learnt: false, changes: [] });
  t.deepEqual(names.learn('a', 'new.i2p', OTHER, NOW), { learnt: true, changes: [] });
  t.deepEqual(names.learn('a', 'known.i2p', OTHER, NOW), { learnt: false, changes: [] });
  for (const name of ['proxy.i2p', 'f_o.i2p', 'example.org', B32.replace(/^./, 'a')]) {
    t.false(names.learn('a', name, OTHER, NOW).learnt, name);
  }
  for (const text of ['', 'x', ENCRYPTED]) t.false(names.learn('a', 'more.i2p', text, NOW).learnt, text);
});

test('an address helper is compared with what its key knows', (t) => {
  const names = book();
  names.learn('a', 'mine.i2p', OTHER, NOW);
  const base32 = base32Of(destination.hash);
  const cases: readonly (readonly [name: string, text: string, kind: string])[] = [
    ['known.i2p', BASE64, 'known'],
    ['known.i2p', B32, 'known'],
    ['known.i2p', BASE64.replace(/=+$/, ''), 'known'],
    [B32, BASE64, 'known'],
    ['nobody.i2p', BASE64, 'new'],
    ['mine.i2p', BASE64, 'conflict'],
  ];
  for (const [name, text, kind] of cases) {
    t.deepEqual<unknown, unknown>(names.compare('a', name, text), { kind, base32 });
  }
  t.is(names.compare('b', 'mine.i2p', BASE64).kind, 'new');
  t.deepEqual(names.compare('a', 'known.i2p', OTHER), { kind: 'conflict', base32: base32Of(other.hash) });
  t.deepEqual(names.compare('a', 'known.i2p', ENCRYPTED), { kind: 'encrypted' });
  for (const text of ['', 'foo.i2p', 'x', `${BASE64}A`, BASE64.slice(4), B32.slice(1)]) {
    t.deepEqual(names.compare('a', 'known.i2p', text), { kind: 'bad' }, text);
  }
  for (const name of ['proxy.i2p', 'f_o.i2p', 'example.org', ENCRYPTED]) {
    t.deepEqual(names.compare('a', name, BASE64), { kind: 'bad' }, name);
  }
});

test('no text whatever makes a lookup or a comparison throw', (t) => {
  const names = book();
  const name = fc.oneof(
    fc.string(),
    fc.string().map((s) => `${s}.i2p`),
    fc.string().map((s) => `${s}.b32.i2p`),
  );
  fc.assert(
    fc.property(name, name, (one, two) => {
      t.truthy(names.resolve('a', one).kind);
      t.truthy(names.compare('a', one, two).kind);
    }),
  );
});
