import type { CompareAnswer } from '@allium/common/contracts/names.ts';
import { type HostName, sortHostName } from '@allium/common/text/i2p-name.ts';
import type { DestHash } from '../wire/hash.ts';
import { base32Of, hashOfBase32, readDestination } from './destination-text.ts';
import { LearntNames, type NameChange } from './learnt-names.ts';

export type Resolution =
  | { readonly kind: 'found'; readonly hash: DestHash }
  /** a good name that no address book has */
  | { readonly kind: 'unknown' }
  | Extract<HostName, { kind: 'encrypted' | 'reserved' | 'invalid' | 'outside' }>;

export interface Learning {
  readonly learnt: boolean;
  /** for the disk */
  readonly changes: readonly NameChange[];
}

/** The address books: what the operator's hosts file says to everybody, and what each key learnt for itself. */
export class AddressBook {
  readonly learnt = new LearntNames();
  #hosts: ReadonlyMap<string, DestHash> = new Map();

  /** Names of the operator's, in place of those before. */
  setHosts(hosts: ReadonlyMap<string, DestHash>): void {
    this.#hosts = hosts;
  }

  /** Resolves a host name as a client wrote it. Never throws on any text. */
  resolve(key: string, text: string): Resolution {
    const host = sortHostName(text);
    switch (host.kind) {
      case 'base32': {
        const hash = hashOfBase32(host.base32);
        return hash === undefined ? { kind: 'invalid', why: 'not a Base32 name' } : { kind: 'found', hash };
      }
      case 'name': {
        const hash = this.#hosts.get(host.name) ?? this.learnt.get(key, host.name);
        return hash === undefined ? { kind: 'unknown' } : { kind: 'found', hash };
      }
      default:
        return host;
    }
  }

  /** What a name is, beside what an address helper says it is (contracts/names.ts). */
  compare(key: string, name: string, text: string): CompareAnswer {
    const offered = readDestination(text);
    if (offered.kind !== 'hash') return { kind: offered.kind };
    const base32 = base32Of(offered.hash);
    const known = this.resolve(key, name);
    if (known.kind === 'found') return { kind: known.hash === offered.hash ? 'known' : 'conflict', base32 };
    return known.kind === 'unknown' ? { kind: 'new', base32 } : { kind: 'bad' };
  }

  /** Keeps a name for a key. `learnt` also when it was known already for the same Destination. */
  learn(key: string, text: string, destination: string, now: number): Learning {
    const { kind } = this.compare(key, text, destination);
    if (kind !== 'new') return { learnt: kind === 'known', changes: [] };
    const host = sortHostName(text);
    const offered = readDestination(destination);
    if (host.kind !== 'name' || offered.kind !== 'hash') return { learnt: false, changes: [] };
    const changes = this.learnt.add(key, host.name, offered.hash, now);
    return { learnt: changes !== undefined, changes: changes ?? [] };
  }
}
