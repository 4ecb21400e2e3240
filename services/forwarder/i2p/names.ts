import type { CompareAnswer, NameAnswer } from '@allium/common/contracts/names.ts';

/**
 * Who knows names below .i2p. `key` says whose names are asked for: what one workstation learnt is seen by it alone.
 * Everything rejects when nobody answers.
 */
export interface Names {
  resolve(key: string, name: string): Promise<NameAnswer>;
  /** what a name is, beside what an address helper says it is; `destination` is what the helper carries */
  compare(key: string, name: string, destination: string): Promise<CompareAnswer>;
  /** false, and nothing is kept, when the name stands for something else or can't be kept */
  learn(key: string, name: string, destination: string): Promise<boolean>;
}

/** The name under which a site is dialled, and the one that it sees in Host and Origin. */
export function base32Name(base32: string): string {
  return `${base32}.b32.i2p`;
}
