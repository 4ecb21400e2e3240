import { parseIp } from '../net/ip-address.ts';

/** Longest host name below .i2p, `.i2p` included (Naming, "Naming Rules"). */
export const HOST_NAME_MAX = 67;

/** Characters of the hash in a plain Base32 name: 32 bytes. */
export const BASE32_HASH_LENGTH = 52;

/** Shortest first label of a Base32 name for an encrypted LeaseSet: 35 bytes (B32 for Encrypted LeaseSets). */
export const ENCRYPTED_BASE32_MIN = 56;

/** Names that the project keeps for local services; with everything below them they never reach the network. */
export const RESERVED_NAMES = ['proxy.i2p', 'router.i2p', 'console.i2p', 'mail.i2p'] as const;

const BASE32_SUFFIX = '.b32.i2p';
/** Characters of any name without its final dot (RFC 1035 2.3.4), and of one label. */
export const NAME_MAX = 253;
const LABEL = /^[a-z0-9_-]{1,63}$/;

export type HostName =
  /** a plain Base32 name; `base32` has 52 characters, not yet decoded */
  | { readonly kind: 'base32'; readonly base32: string }
  /** a Base32 name of an encrypted LeaseSet ("b33") */
  | { readonly kind: 'encrypted' }
  /** a name to be looked up in address books; lower case, without a final dot */
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'reserved'; readonly name: string }
  /** breaks a rule of names below .i2p, or could be read as another name by whoever comes next: goes nowhere */
  | { readonly kind: 'invalid'; readonly why: string }
  /** not below .i2p, whoever reads it: a name of the clearnet, an onion, an IP literal */
  | { readonly kind: 'outside' };

/**
 * Sorts a host name as a client wrote it (from SOCKS: raw bytes as latin1), in either case and with or without one final
 * dot. A name below .i2p has one spelling but for these, and nothing else can be taken for one: any byte but letters,
 * digits, hyphen and underscore, empty labels and two final dots are invalid. Punycode stays as it is.
 */
export function sortHostName(text: string): HostName {
  const name = (text.endsWith('.') ? text.slice(0, -1) : text).toLowerCase();
  if (isIpLiteral(name)) return { kind: 'outside' };
  const labels = name.split('.');
  const odd = name.length > NAME_MAX || !labels.every((label) => LABEL.test(label));
  if (labels.at(-1) !== 'i2p') return odd ? { kind: 'invalid', why: 'not a host name' } : { kind: 'outside' };
  if (name.endsWith(BASE32_SUFFIX)) return sortBase32(name.slice(0, -BASE32_SUFFIX.length));
  const why = brokenNameRule(name);
  if (why !== undefined) return { kind: 'invalid', why };
  return isReserved(name) ? { kind: 'reserved', name } : { kind: 'name', name };
}

function isIpLiteral(name: string): boolean {
  return parseIp(name.replace(/^\[(.*)\]$/, '$1')) !== undefined;
}

/** Names below the Base32 label (`www.<hash>.b32.i2p`) are refused: no address book could tell them apart. */
function sortBase32(label: string): HostName {
  if (!/^[a-z2-7]+$/.test(label)) return { kind: 'invalid', why: 'not a Base32 name' };
  if (label.length === BASE32_HASH_LENGTH) return { kind: 'base32', base32: label };
  if (label.length >= ENCRYPTED_BASE32_MIN && label.length <= 63) return { kind: 'encrypted' };
  return { kind: 'invalid', why: 'not a Base32 name' };
}

function isReserved(name: string): boolean {
  return RESERVED_NAMES.some((reserved) => name === reserved || name.endsWith(`.${reserved}`));
}

/** The rules of Naming, on a lower-case name; `undefined` when all of them hold. */
function brokenNameRule(name: string): string | undefined {
  if (name.length > HOST_NAME_MAX) return `longer than ${HOST_NAME_MAX} characters`;
  if (name === 'i2p' || name === 'b32.i2p') return 'not a name below .i2p';
  if (!/^[a-z0-9.-]+$/.test(name)) return 'has a character other than a-z, 0-9, dot and hyphen';
  if (/^[.-]|\.\.|\.-|-\./.test(name))
    return 'has an empty label, or a label that begins or ends with a hyphen';
  if (/--/.test(name.replaceAll(/(^|\.)xn--/g, '$1'))) return 'has a double hyphen outside of xn--';
  return undefined;
}
