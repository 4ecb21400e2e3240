import { DecodeError } from '@allium/common/bytes/errors.ts';
import type { Counters } from '@allium/common/observe/counters.ts';
import type { RouterHash } from '../wire/hash.ts';
import { decodeRouterInfo } from '../wire/router-info.ts';
import type { NetDbOutput } from './netdb-events.ts';
import type { RouterInfoStore } from './store.ts';
import { MAX_STORED_AGE } from './validate.ts';

/** Rows of our own disk into the store; what is damaged or no longer valid is counted and its row deleted. */
export function loadRows(
  rows: Iterable<{ readonly key: string; readonly value: Uint8Array }>,
  store: RouterInfoStore,
  self: RouterHash,
  counters: Counters,
  now: number,
): NetDbOutput[] {
  const outputs: NetDbOutput[] = [];
  for (const { key, value } of rows) {
    const result = loadRow(key, value, store, self, now);
    counters.add(`load-${result}`);
    if (result !== 'added' && result !== 'same') outputs.push({ kind: 'forget', key: key as RouterHash });
  }
  return outputs;
}

function loadRow(
  key: string,
  value: Uint8Array,
  store: RouterInfoStore,
  self: RouterHash,
  now: number,
): string {
  try {
    const info = decodeRouterInfo(value);
    if (info.hash !== key || info.hash === self) return 'foreign';
    const result = store.add(info, now, MAX_STORED_AGE, true);
    return result.kind === 'refused' ? result.reason : result.kind;
  } catch (error) {
    if (error instanceof DecodeError) return 'damaged';
    throw error;
  }
}
