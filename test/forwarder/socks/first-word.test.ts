import test from 'ava';
import { FIRST_WORD_MAX, firstWord } from '../../../services/forwarder/socks/first-word.ts';

const WORDS: readonly (readonly [bytes: string, word: ReturnType<typeof firstWord>])[] = [
  ['GET / HTTP/1.1\r\n', 'http'],
  ['XYZZY /x HTTP/1.1\r\n', 'http'],
  ['OPTIONS * HTTP/1.1\r\n', 'http'],
  ['GET http://a.i2p/', 'http'],
  ['\r\nPOST /', 'http'],
  ['PRI * HTTP/2.0', 'http'],
  ['', 'unsure'],
  ['G', 'unsure'],
  ['GET', 'unsure'],
  ['GET ', 'unsure'],
  ['GET htt', 'unsure'],
  ['\r\n', 'unsure'],
  ['NICK joe\r\n', 'other'],
  ['EHLO me.example\r\n', 'other'],
  ['SSH-2.0-x\r\n', 'other'],
  ['\x16\x03\x01', 'other'],
  ['\x05', 'other'],
  ['x'.repeat(FIRST_WORD_MAX), 'other'],
  ['\r\n'.repeat(FIRST_WORD_MAX), 'other'],
];

for (const [bytes, word] of WORDS) {
  test(`${JSON.stringify(bytes.slice(0, 30))} is ${word}`, (t) =>
    t.is(firstWord(Buffer.from(bytes, 'latin1')), word));
}
