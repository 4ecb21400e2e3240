import { addTokens } from '../http/text.ts';
import { type RawHeaders, valuesOf } from '../rules/raw-headers.ts';

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
/** What Connection says most of the time: these name no header. */
const USUAL = new Set(['close', 'keep-alive']);
/** Named in Connection, these would take a header away that a rule or the framing stands on. */
const NEVER_NAMED = new Set(['host', 'content-length', 'cookie', 'referer']);

/** A test for lower-case names of headers that are not passed on. */
export function endsHere(headers: RawHeaders): (name: string) => boolean {
  const named: string[] = [];
  for (const value of valuesOf(headers, 'connection')) addTokens(value, named);
  if (named.every((name) => ENDS_HERE.has(name) || USUAL.has(name))) return (name) => ENDS_HERE.has(name);
  const all = new Set(named.filter((name) => !NEVER_NAMED.has(name)));
  return (name) => ENDS_HERE.has(name) || all.has(name);
}
