import { createHash } from 'node:crypto';
import test from 'ava';
import fc from 'fast-check';
import { destHash, hashBytes, routerHash } from '../../../services/router/wire/hash.ts';

test('a hash becomes 44 characters of I2P Base64 and comes back', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
      const hash = routerHash(bytes);
      t.is(hash.length, 44);
      t.notRegex(hash, /[+/]/);
      t.is(Buffer.compare(hashBytes(hash), bytes), 0);
      t.is(destHash(bytes) as string, hash as string);
    }),
  );
});

test('other lengths are a programming error', (t) => {
  const bytes = createHash('sha1').digest();
  t.throws(() => routerHash(bytes), { instanceOf: RangeError });
  t.throws(() => destHash(Buffer.alloc(33)), { instanceOf: RangeError });
});
