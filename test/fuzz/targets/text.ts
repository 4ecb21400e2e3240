/** Readers of text that sites, browsers, hosts files and local programs write: as they are tried for their time. */

import { toBase64 } from '@allium/common/bytes/text.ts';
import { HTTP } from '../../forwarder/support/hostile-http.ts';
import { I2P } from '../../forwarder/support/hostile-i2p.ts';
import { SOCKS } from '../../forwarder/support/hostile-socks.ts';
import type { Target, Targets } from '../engine/target.ts';
import { DESTINATION } from './forge.ts';

const NAME = 'udhdrtrhmzyzj6gfdppvh5dxf3zmvg3yjq55hwyj4hkvzhb5pkwq.b32.i2p';
const SEEDS: readonly string[] = [
  'GET http://a.i2p:81/b?c=d HTTP/1.1\r\nHost: a.i2p\r\nConnection: close, x\r\nContent-Length: 3\r\n\r\nabc',
  'CONNECT a.i2p:443 HTTP/1.1\r\nHost: a.i2p:443\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n5;x=y\r\nabcde\r\n0\r\nT: 1\r\n\r\n',
  'HTTP/1.1 200 OK\r\nSet-Cookie: a=b; Domain=.c.i2p; Expires=Wed, 21 Oct 2026 07:28:00 GMT; Max-Age=5\r\nContent-Length: 2\r\n\r\nok',
  'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\n\r\n',
  'HTTP/1.0 302 Moved\nLocation: http://x.i2p/?i2paddresshelper=abc\n\n',
  `http://x.i2p/?i2paddresshelper=${NAME}&a=b`,
  `${NAME}`,
  `a.i2p=${toBase64(DESTINATION.destination.raw)}#!date=1#sig=x\nb.i2p=${NAME} # comment\n;c\n\u00e4.i2p=x`,
  toBase64(DESTINATION.destination.raw),
  '\x05\x01\0\x05\x01\0\x03\x05a.i2p\0P',
  '\x04\x01\0P\0\0\0\x01user\0host.i2p\0',
  '\x05\x02\0\x02\x01\x04user\x04pass\x05\x01\0\x01\x7f\0\0\x01\0P',
  '\x05\0\x05\0\0\x01\x7f\0\0\x01\0P',
  'GETINFO version\r\nSETEVENTS SIGNAL\r\nAUTHENTICATE ""\r\nGETCONF x y\r\n',
  '250-version=0.4.8\r\n250 OK\r\n650 SIGNAL NEWNYM\r\n',
  'bytes, gzip;q=0.5, , "quoted, text"; a=b',
  'Wed, 21-Oct-26 07:28:00 GMT',
  'http://[2a00::1]:65535/%41%00?a#b',
  'nonce=abc&once=1&host=x.i2p',
];
const WORDS: readonly string[] = [
  ...[
    '\r\n',
    '\r\n\r\n',
    '\n',
    ' ',
    '\t',
    ': ',
    ';',
    ',',
    '=',
    '&',
    '%',
    '"',
    '\0',
    '\x7f',
    '\xff',
    '@',
    '#',
  ],
  ...['http://', 'https://', '.i2p', '.b32.i2p', '.onion', 'i2paddresshelper=', 'HTTP/1.1', 'HTTP/1.0'],
  ...['chunked', 'Transfer-Encoding: ', 'Content-Length: ', 'Connection: ', 'Host: ', 'Set-Cookie: '],
  ...[
    'Upgrade: ',
    '18446744073709551616',
    '0x',
    '-1',
    '+1',
    '\x05\x01\0',
    '\x05\x01\0\x03',
    'GETINFO ',
    '250 ',
  ],
  ...['Domain=', 'Expires=', 'Max-Age=', 'xn--', '[::]', ':65536', '..', '/../'],
];

/** A text that is too long for a text; not what V8 says when it runs out of stack or memory. */
function tooLong(error: unknown): boolean {
  return (
    error instanceof RangeError && !/call stack|Invalid (?:array|string)|out of range/i.test(error.message)
  );
}

function targetOf(call: (hostile: { name: string; text: string; bytes: Buffer }) => unknown): Target {
  return {
    run: (bytes) => call({ name: '', text: bytes.toString('latin1'), bytes }),
    refuses: tooLong,
    seeds: () => SEEDS.map((seed) => Buffer.from(seed, 'latin1')),
    words: WORDS.map((word) => Buffer.from(word, 'latin1')),
  };
}

export const TARGETS: Targets = Object.fromEntries(
  Object.entries({ ...HTTP, ...I2P, ...SOCKS }).map(([name, call]) => [
    name,
    typeof call === 'string' ? call : targetOf(call),
  ]),
);
