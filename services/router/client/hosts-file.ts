import { DecodeError, GatewayError } from '@allium/common/bytes/errors.ts';
import { sortHostName } from './host-name.ts';
import {
  DESTINATION_BASE64_MAX,
  DESTINATION_BASE64_MIN,
  type StreamTarget,
  targetOfBase64,
} from './target.ts';

/** Bytes of a hosts file; the public lists have about 500 kB. */
export const HOSTS_FILE_MAX = 8 * 1024 * 1024;

/** Names of a hosts file; each costs about 1 kB of memory. */
export const HOSTS_MAX = 20_000;

/** A hosts file that must not be used: the start ends with it. `line` counts from 1; 0 means the whole file. */
export class HostsFileError extends GatewayError<{
  readonly code: 'hosts-file';
  readonly file: string;
  readonly line: number;
}> {
  constructor(file: string, line: number, why: string) {
    super({ code: 'hosts-file', file, line }, line > 0 ? `${file}:${line}: ${why}` : `${file}: ${why}`);
    this.name = 'HostsFileError';
  }
}

/**
 * Reads lines of `name=base64`. Everything from `#` on is a comment, which also skips the properties of
 * the subscription format (Addressbook Subscription Feed). Names become lower case.
 * Throws `HostsFileError` on the first bad line, on a name that is there twice, and over the limits.
 */
export function parseHostsFile(text: string, file: string): Map<string, StreamTarget> {
  if (text.length > HOSTS_FILE_MAX) throw new HostsFileError(file, 0, `more than ${HOSTS_FILE_MAX} bytes`);
  const hosts = new Map<string, StreamTarget>();
  let line = 0;
  for (const raw of text.split(/\r?\n/)) {
    line++;
    const content = (raw.split('#', 1)[0] ?? '').trim();
    if (content === '') continue;
    const entry = parseLine(content);
    if ('why' in entry) throw new HostsFileError(file, line, entry.why);
    if (hosts.has(entry.name)) throw new HostsFileError(file, line, 'the name is already there');
    if (hosts.size >= HOSTS_MAX) throw new HostsFileError(file, line, `more than ${HOSTS_MAX} names`);
    hosts.set(entry.name, entry.target);
  }
  return hosts;
}

type Line = { readonly name: string; readonly target: StreamTarget } | { readonly why: string };

function parseLine(content: string): Line {
  const equals = content.indexOf('=');
  if (equals < 0) return { why: 'not of the form name=destination' };
  const host = sortHostName(content.slice(0, equals).trimEnd());
  const why = whyNotStorable(host);
  if (host.kind !== 'name' || why !== undefined) return { why: why ?? 'not a host name' };
  const base64 = content.slice(equals + 1).trimStart();
  if (base64.length < DESTINATION_BASE64_MIN) return { why: 'the destination is too short' };
  if (base64.length > DESTINATION_BASE64_MAX) return { why: 'the destination is too long' };
  try {
    return { name: host.name, target: targetOfBase64(base64) };
  } catch (error) {
    if (error instanceof DecodeError) return { why: `not a destination (${error.code})` };
    throw error;
  }
}

/** Why an address book can't hold the name; `undefined` when it can. */
export function whyNotStorable(host: ReturnType<typeof sortHostName>): string | undefined {
  switch (host.kind) {
    case 'name':
      return undefined;
    case 'base32':
    case 'encrypted':
      return 'Base32 names stand for themselves';
    case 'reserved':
      return 'the name is reserved';
    case 'invalid':
      return `the name is invalid: ${host.why}`;
    case 'outside':
      return 'the name does not end with .i2p';
  }
}
