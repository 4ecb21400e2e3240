import { createHash } from 'node:crypto';
import type { RandomBytes } from '@allium/common/core/random.ts';

/** Reproducible bytes for tests: SHA-256 in counter mode over `seed`. */
export function recordedEntropy(seed: string): RandomBytes {
  let counter = 0;
  let pool: Buffer = Buffer.alloc(0);
  return (n) => {
    while (pool.length < n) {
      pool = Buffer.concat([pool, createHash('sha256').update(`${seed}/${counter++}`).digest()]);
    }
    const out = Buffer.from(pool.subarray(0, n));
    pool = pool.subarray(n);
    return out;
  };
}
