import { type RawHeaders, tokensOf } from '../rules/raw-headers.ts';

/** Headers of one connection (RFC 9110 7.6.1); `Connection`, `Transfer-Encoding` and `Upgrade` are set anew. */
const ENDS_HERE = new Set([
  'connection',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'proxy-connection',
]);
/** Named in Connection, these would take a header away that a rule or the framing stands on. */
const NEVER_NAMED = new Set(['host', 'content-length', 'cookie', 'referer']);

/** A test for lower-case names of headers that are not passed on. */
export function endsHere(headers: RawHeaders): (name: string) => boolean {
  const named = new Set(tokensOf(headers, 'connection').filter((name) => !NEVER_NAMED.has(name)));
  return (name) => ENDS_HERE.has(name) || named.has(name);
}
