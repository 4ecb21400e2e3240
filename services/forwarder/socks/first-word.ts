/** Bytes after which it must be clear what a client begins to say: a method of 32, a blank, and the target's first. */
export const FIRST_WORD_MAX = 40;

/** The beginning of a request line in whatever method: RFC 9112 3, with a target that a server or a proxy is sent. */
const REQUEST_LINE = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32} (?:\/|\*|https?:)/i;
/** What may still become one. */
const BEGINNING = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}(?: (?:h(?:t(?:t(?:ps?)?)?)?)?)?$/i;

/**
 * What a client speaks, by its first bytes. Any method counts as HTTP, known or not: a page may make its browser send
 * what method it likes, and the headers behind it must not pass unread. `NICK joe` is no request line, `NICK /joe` is.
 */
export function firstWord(bytes: Uint8Array): 'http' | 'other' | 'unsure' {
  const text = Buffer.from(bytes.subarray(0, FIRST_WORD_MAX)).toString('latin1');
  // An empty line before a request is HTTP too (RFC 9112 2.2).
  const line = text.replace(/^[\r\n]+/, '');
  if (REQUEST_LINE.test(line)) return 'http';
  return bytes.length < FIRST_WORD_MAX && (line === '' || BEGINNING.test(line)) ? 'unsure' : 'other';
}
