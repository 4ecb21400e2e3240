import { DecodeError } from '@allium/common/bytes/errors.ts';
import { BoundedMap } from '@allium/common/core/bounded-map.ts';
import { sortHostName } from './host-name.ts';
import {
  DESTINATION_BASE64_MAX,
  DESTINATION_BASE64_MIN,
  type StreamTarget,
  targetOfBase32,
  targetOfBase64,
} from './target.ts';

/** Names learnt from address helpers and kept until the router stops; the oldest make room. */
export const SESSION_NAMES_MAX = 1000;

export type Resolution =
  | { readonly kind: 'found'; readonly target: StreamTarget }
  /** a good name that no address book has */
  | { readonly kind: 'unknown'; readonly name: string }
  /** never to be sent anywhere: `proxy.i2p` and its like */
  | { readonly kind: 'reserved'; readonly name: string }
  | { readonly kind: 'unsupported'; readonly why: 'encrypted LeaseSet' }
  | { readonly kind: 'invalid'; readonly why: string }
  /** not an I2P name */
  | { readonly kind: 'outside' };

/** The address books: what hosts files said at the start, and what the user accepted since. */
export class Naming {
  readonly #hosts: ReadonlyMap<string, StreamTarget>;
  readonly #session = new BoundedMap<string, StreamTarget>(SESSION_NAMES_MAX);

  constructor(hosts: ReadonlyMap<string, StreamTarget> = new Map()) {
    this.#hosts = hosts;
  }

  /** Resolves a host name as a client wrote it. Never throws on any text. */
  resolve(text: string): Resolution {
    const host = sortHostName(text);
    switch (host.kind) {
      case 'base32':
        return resolveBase32(host.base32);
      case 'encrypted':
        return { kind: 'unsupported', why: 'encrypted LeaseSet' };
      case 'name': {
        const target = this.#hosts.get(host.name) ?? this.#session.get(host.name);
        return target === undefined ? { kind: 'unknown', name: host.name } : { kind: 'found', target };
      }
      case 'reserved':
      case 'invalid':
      case 'outside':
        return host;
    }
  }

  /** Keeps a name for this session. False, and no change, when the name is known already or can't be kept. */
  learn(name: string, target: StreamTarget): boolean {
    const resolution = this.resolve(name);
    if (resolution.kind !== 'unknown') return false;
    this.#session.set(resolution.name, target);
    return true;
  }
}

/** Reads a destination as address helpers carry it: Base64 or `<52>.b32.i2p`; anything else is a reason. */
export function parseDestination(
  text: string,
): StreamTarget | { readonly why: 'bad' | 'encrypted LeaseSet' } {
  const host = sortHostName(text);
  if (host.kind === 'encrypted') return { why: 'encrypted LeaseSet' };
  if (host.kind === 'base32') {
    const resolution = resolveBase32(host.base32);
    return resolution.kind === 'found' ? resolution.target : { why: 'bad' };
  }
  // Links often lack the padding, at most two characters.
  if (text.length < DESTINATION_BASE64_MIN - 2 || text.length > DESTINATION_BASE64_MAX) return { why: 'bad' };
  try {
    return targetOfBase64(text);
  } catch (error) {
    if (error instanceof DecodeError) return { why: 'bad' };
    throw error;
  }
}

function resolveBase32(base32: string): Resolution {
  try {
    return { kind: 'found', target: targetOfBase32(base32) };
  } catch (error) {
    if (error instanceof DecodeError) return { kind: 'invalid', why: 'not a Base32 name' };
    throw error;
  }
}
