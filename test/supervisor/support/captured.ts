import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Captured } from '../../../services/supervisor/observe/captured.ts';
import { observe } from '../../../services/supervisor/observe/observe.ts';
import { ROLES } from '../../../services/supervisor/observe/roles.ts';
import type { Asked, Intent } from '../../../services/supervisor/plan/memory.ts';

/** Answers of Docker 20.10 and of the policy service; see capture.ts. */
export function captured(name: string): Captured {
  return JSON.parse(
    readFileSync(join(import.meta.dirname, '../captured', `${name}.json`), 'utf8'),
  ) as Captured;
}

export const TOR_DONE = { percent: 100, summary: 'Done' };

export function factsOf(name: string, changes: Partial<Captured> = {}) {
  return observe({ ...captured(name), tor: TOR_DONE, relays: 7, relaysTaken: true, ...changes });
}

/** What we would have asked for, had we asked for what is in force. */
export function askedFor(name: string): Asked {
  const policy = captured(name).policy as Asked;
  return { state: policy.state, policy: policy.policy, digest: policy.digest };
}

export function intent(changes: Partial<Intent> = {}): Intent {
  return { policy: 'leak-proof', asked: undefined, known: new Set(ROLES), settled: true, ...changes };
}
