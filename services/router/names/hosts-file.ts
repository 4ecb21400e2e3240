import { type HostName, sortHostName } from '@allium/common/text/i2p-name.ts';
import type { DestHash } from '../wire/hash.ts';
import { readDestination } from './destination-text.ts';

/** Characters of a hosts file; the public lists have about 500,000. */
export const HOSTS_FILE_MAX = 8 * 1024 * 1024;
/** Names of a hosts file; each costs about 200 bytes of memory. */
export const HOSTS_MAX = 20_000;
/** Lines that are named one by one; the rest is only counted. */
export const FAULTS_NAMED_MAX = 100;

export interface HostsFault {
  /** counts from 1; 0 is the whole file */
  readonly line: number;
  /** holds no name */
  readonly why: string;
  /** as it was written, where the line has one; at most 255 characters */
  readonly name?: string;
}

export interface HostsFile {
  readonly names: ReadonlyMap<string, DestHash>;
  /** lines that were passed over */
  readonly bad: number;
  /** the first of them */
  readonly faults: readonly HostsFault[];
}

/** A file over the limit: none of it is read. */
export const HOSTS_FILE_TOO_LARGE: HostsFile = {
  names: new Map(),
  bad: 1,
  faults: [{ line: 0, why: `more than ${HOSTS_FILE_MAX} characters: none is read` }],
};

/**
 * Reads lines of `name=destination` as Java does (its HostTxtParser): everything from `#` on is a comment, which also
 * skips the properties of the subscription format (`#!k=v`, Addressbook Subscription Feed), and so is a line that begins with `;`.
 * Names become lower case; Unicode names are there in Punycode only. A destination is Base64 or Base32.
 * These are lists of strangers' names: a bad line costs that name and no other. Of two lines with one name the first
 * holds; the second is bad unless it says the same.
 */
export function readHostsFile(text: string): HostsFile {
  if (text.length > HOSTS_FILE_MAX) return HOSTS_FILE_TOO_LARGE;
  const names = new Map<string, DestHash>();
  const faults: HostsFault[] = [];
  let bad = 0;
  const blame = (fault: HostsFault): void => {
    bad++;
    if (faults.length < FAULTS_NAMED_MAX) faults.push(fault);
  };
  let line = 0;
  for (const raw of text.replace(/^\ufeff/, '').split('\n')) {
    line++;
    const entry = raw.startsWith(';') ? undefined : readLine(raw);
    if (entry === undefined) continue;
    const why = 'why' in entry ? entry.why : keep(names, entry);
    if (why !== undefined) blame({ line, why, ...named(entry.name) });
  }
  return { names, bad, faults };
}

type Line = { readonly name: string | undefined } & ({ readonly hash: DestHash } | { readonly why: string });

/** Undefined for a line without an entry. */
function readLine(raw: string): Line | undefined {
  const content = (raw.split('#', 1)[0] ?? '').trim();
  if (content === '') return undefined;
  const equals = content.indexOf('=');
  if (equals < 0) return { name: undefined, why: 'not of the form name=destination' };
  const name = content.slice(0, equals).trimEnd();
  const host = sortHostName(name);
  if (host.kind !== 'name') return { name, why: whyNotKept(host) };
  const destination = readDestination(content.slice(equals + 1).trimStart());
  if (destination.kind === 'hash') return { name: host.name, hash: destination.hash };
  return { name, why: destination.kind === 'bad' ? destination.why : 'an encrypted LeaseSet' };
}

function keep(names: Map<string, DestHash>, entry: Line): string | undefined {
  if (entry.name === undefined || !('hash' in entry)) return undefined;
  const first = names.get(entry.name);
  if (first !== undefined)
    return first === entry.hash ? undefined : 'the name is there with another destination';
  if (names.size >= HOSTS_MAX) return `more than ${HOSTS_MAX} names`;
  names.set(entry.name, entry.hash);
  return undefined;
}

function named(name: string | undefined): { readonly name?: string } {
  return name === undefined ? {} : { name: name.slice(0, 255) };
}

/** Why an address book can't hold the name; it is none of kind `name`. */
function whyNotKept(host: HostName): string {
  if (host.kind === 'invalid') return `the name is invalid: ${host.why}`;
  if (host.kind === 'reserved') return 'the name is reserved';
  if (host.kind === 'outside') return 'the name does not end with .i2p';
  return 'Base32 names stand for themselves';
}
