import { decode } from '@allium/common/bytes/codec.ts';
import { DecodeError } from '@allium/common/bytes/errors.ts';
import test from 'ava';
import { certificateCodec, NULL_CERTIFICATE } from '../../../services/router/wire/certificate.ts';
import { codecHolds } from '../../support/codec-macro.ts';
import { bytesOf } from './vectors.ts';

test('the NULL certificate is three zero bytes', (t) => {
  codecHolds(t, certificateCodec, { value: NULL_CERTIFICATE, bytes: Buffer.alloc(3) });
});

test('a key certificate names the signature type first', (t) => {
  codecHolds(t, certificateCodec, {
    value: { kind: 'key', signatureType: 7, cryptoType: 4, excess: new Uint8Array(0) },
    bytes: bytesOf('05000400070004'),
  });
});

test('what a 132-byte key has too much is in the certificate', (t) => {
  codecHolds(t, certificateCodec, {
    value: { kind: 'key', signatureType: 3, cryptoType: 0, excess: bytesOf('01020304') },
    bytes: bytesOf('0500080003000001020304'),
  });
});

for (const [title, hex, code] of [
  ['a NULL certificate with data', '00000100', 'length'],
  ['a key certificate without types', '0500020007', 'length'],
  ['excess data for a key that needs none', '050005000700 00aa', 'length'],
  ['missing excess data', '05000400030000', 'length'],
  ['an unknown signature type', '05000400ff0000', 'unsupported'],
  ['an unknown encryption type', '050004000700ff', 'unsupported'],
  ['HashCash', '01000100', 'unsupported'],
  ['Hidden', '020000', 'unsupported'],
  ['Multiple', '040003000000', 'unsupported'],
] as const) {
  test(`${title} is refused`, (t) => {
    const bytes = bytesOf(hex.replaceAll(' ', ''));
    const error = t.throws(() => decode(certificateCodec, bytes), { instanceOf: DecodeError });
    t.is(error.code, code);
  });
}
