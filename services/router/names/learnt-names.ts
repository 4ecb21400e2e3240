import { DecodeError } from '@allium/common/bytes/errors.ts';
import { ByteReader } from '@allium/common/bytes/reader.ts';
import { type DestHash, destHash, hashBytes } from '../wire/hash.ts';

/** Names of one key, and of all keys together; each costs about 300 bytes of memory. */
export const LEARNT_PER_KEY = 500;
export const LEARNT_MAX = 10_000;
/** ms without a new name, after which a key's names make room for those of a key that has none yet. */
export const LEARNT_STALE_MS = 90 * 24 * 3_600_000;

/** What the host is to keep on disk. */
export type NameChange =
  | { readonly kind: 'put'; readonly row: string; readonly value: Uint8Array }
  | { readonly kind: 'remove'; readonly row: string };

interface Learnt {
  readonly hash: DestHash;
  /** ms since 1970 */
  readonly at: number;
}

/** The oldest comes first. */
type NamesOfKey = Map<string, Learnt>;

/** Bytes of a row: the hash, then the time. */
const ROW_LENGTH = 40;

/**
 * Names that users took over from address helpers, each seen by the key alone that learnt it. What one key learns never
 * pushes out what another one uses.
 */
export class LearntNames {
  readonly #keys = new Map<string, NamesOfKey>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(key: string, name: string): DestHash | undefined {
    return this.#keys.get(key)?.get(name)?.hash;
  }

  /** Keeps a name that the key does not have. Undefined, and no change, when there is no room. */
  add(key: string, name: string, hash: DestHash, now: number): readonly NameChange[] | undefined {
    const removed = this.#makeRoom(key, now);
    if (removed === undefined) return undefined;
    this.#set(key, name, { hash, at: now });
    const value = Buffer.alloc(ROW_LENGTH);
    value.set(hashBytes(hash));
    value.writeBigUInt64BE(BigInt(now), ROW_LENGTH - 8);
    return [...removed, { kind: 'put', row: `${key} ${name}`, value }];
  }

  /** Takes what `NameChange`s have left on disk; gives what is to be removed there: damaged rows, and too many. */
  restore(rows: Iterable<{ readonly key: string; readonly value: Uint8Array }>): readonly NameChange[] {
    const removed: NameChange[] = [];
    const found: { row: string; learnt: Learnt }[] = [];
    for (const { key: row, value } of rows) {
      const learnt = readRow(value);
      if (learnt === undefined) removed.push({ kind: 'remove', row });
      else found.push({ row, learnt });
    }
    for (const { row, learnt } of found.sort((a, b) => a.learnt.at - b.learnt.at)) {
      const [key = '', name = ''] = row.split(' ');
      const full = this.#size >= LEARNT_MAX || (this.#keys.get(key)?.size ?? 0) >= LEARNT_PER_KEY;
      if (full || name === '') removed.push({ kind: 'remove', row });
      else this.#set(key, name, learnt);
    }
    return removed;
  }

  #set(key: string, name: string, learnt: Learnt): void {
    const own = this.#keys.get(key) ?? new Map<string, Learnt>();
    own.set(name, learnt);
    this.#keys.set(key, own);
    this.#size++;
  }

  /** The oldest of the same key makes room; for a key without any, the names of a key that is long gone. */
  #makeRoom(key: string, now: number): readonly NameChange[] | undefined {
    const own = this.#keys.get(key);
    if ((own?.size ?? 0) < LEARNT_PER_KEY && this.#size < LEARNT_MAX) return [];
    if (own !== undefined) {
      const [oldest = ''] = own.keys();
      return [this.#remove(key, own, oldest)];
    }
    for (const [stale, names] of this.#keys) {
      const [, newest] = [...names].at(-1) ?? [];
      if (newest === undefined || newest.at > now - LEARNT_STALE_MS) continue;
      return [...names.keys()].map((name) => this.#remove(stale, names, name));
    }
    return undefined;
  }

  #remove(key: string, own: NamesOfKey, name: string): NameChange {
    own.delete(name);
    if (own.size === 0) this.#keys.delete(key);
    this.#size--;
    return { kind: 'remove', row: `${key} ${name}` };
  }
}

function readRow(value: Uint8Array): Learnt | undefined {
  const input = new ByteReader(value, 'LearntName');
  try {
    const learnt = { hash: destHash(input.bytes(32)), at: input.u64() };
    input.expectEnd();
    return learnt;
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}
