/** Texts that make a careless reader slow: they repeat what a grammar skips, tries again, or cuts at. */

export interface Hostile {
  /** what it is, for a message */
  readonly name: string;
  /** Latin-1, as heads are read */
  readonly text: string;
  readonly bytes: Buffer;
}

export const SMALL = 16_000;
export const LARGE = 64_000;

/** Bytes that mean something in HTTP, addresses, cookies, HTML, SOCKS or Tor's control protocol, and a few that don't. */
const GRAMMAR = '\0\x05\t\n\r "#%&()+,-./0:;<=>?@A[\\]_`az|}~\x7f\x85\xa0\xff';

/** What stands in front of what is repeated: where a reader has begun to look for something. */
const PREFIXES = [
  'Set-Cookie: a=b; domain=',
  'a=b; expires=',
  'a=b; max-age=1 ; expires=x',
  '<a href="',
  'http://',
  'http://a.i2p/?i2paddresshelper=',
  'HTTP/1.1 200 ',
  'GET http://a.i2p/ HTTP/1.1\r\nA: ',
  'Wed, 01-Jan-',
  'a.i2p=',
  'GETINFO ',
  '\x05\x01\0\x05\x01\0\x03',
];

function hostile(name: string, text: string): Hostile {
  const bytes = Buffer.from(text, 'latin1');
  // Made of bytes, it lies in one piece: what is put together by `repeat` is put together by the first who reads it.
  return { name, text: bytes.toString('latin1'), bytes };
}

const shown = (text: string): string => JSON.stringify(text);

/** All of them, of about `length` characters. In the same order for every length. */
export function* hostileTexts(length: number): Generator<Hostile> {
  for (let byte = 0; byte < 256; byte++) {
    const one = String.fromCharCode(byte);
    yield hostile(`${shown(one)}…`, one.repeat(length));
  }
  const grammar = [...GRAMMAR];
  for (const [i, a] of grammar.entries()) {
    for (const b of grammar) {
      if (a !== b) yield hostile(`${shown(a)}… ${shown(b)}`, a.repeat(length) + b);
    }
    for (const b of grammar.slice(i + 1)) yield hostile(`${shown(a + b)}…`, (a + b).repeat(length / 2));
    for (const prefix of PREFIXES) {
      yield hostile(`${shown(prefix)} ${shown(a)}… x"y`, `${prefix}${a.repeat(length)}x"y`);
    }
  }
}

/** Some of them, for what is done in single bytes. */
export function* someTexts(length: number): Generator<Hostile> {
  for (const one of [' ', '\n', '\r\n', '\x05', 'a', ';', '0', '\0']) {
    yield hostile(`${shown(one)}… in single bytes`, one.repeat(length / one.length));
  }
}
