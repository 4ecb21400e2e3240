import { SharedLimit } from '@allium/common/core/shared-limit.ts';
import { type KeyPair, x25519KeyPair } from '../../../services/router/crypto/x25519.ts';
import { GarlicCore } from '../../../services/router/garlic/garlic-core.ts';
import type { Opened, Refused } from '../../../services/router/garlic/garlic-types.ts';
import type { GarlicClove } from '../../../services/router/i2np/clove.ts';
import { recordedEntropy } from '../../support/entropy.ts';

/** milliseconds; any time after the ratchet was invented */
export const START = 1_800_000_000_000;

export interface Party {
  readonly core: GarlicCore;
  readonly publicKey: Uint8Array;
  readonly keys?: KeyPair;
}

interface Limits {
  readonly newSessionsPerSecond?: number;
  readonly newSessionsBurst?: number;
}

/** A local identity whose entropy follows from `seed`, and its keys too if none are given. */
export function party(seed: string, limits: Limits = {}, keys?: KeyPair): Party {
  const random = recordedEntropy(seed);
  const own = keys ?? x25519KeyPair(random);
  const core = new GarlicCore({ keys: own, random, tags: new SharedLimit(2 ** 17).share(), ...limits });
  return { core, keys: own, publicKey: own.publicKey };
}

/** A data clove that is recognized by its number. */
export function clove(id: number, size = 8): GarlicClove {
  const payload = Buffer.alloc(size, id & 0xff);
  return { delivery: { kind: 'local' }, message: { type: 20, id, expires: START + 60_000, payload } };
}

export function numbers(result: Opened | Refused): number[] {
  return result.kind === 'opened' ? result.cloves.map(({ message }) => message.id) : [];
}

export function send(from: Party, to: Party, ids: readonly number[], now: number, ack?: number): Uint8Array {
  const options = ack === undefined ? {} : { ack };
  const bytes = from.core.encrypt(
    { publicKey: to.publicKey },
    ids.map((id) => clove(id)),
    now,
    options,
  );
  if (!bytes) throw new Error('unusable key');
  return bytes;
}

/** The opened message, or an error with the code of the refusal. */
export function open(at: Party, bytes: Uint8Array, now: number): Opened {
  const result = at.core.decrypt(bytes, now);
  if (result.kind === 'refused') throw new Error(`refused: ${result.code}`);
  return result;
}

export function code(at: Party, bytes: Uint8Array, now: number): string {
  const result = at.core.decrypt(bytes, now);
  return result.kind === 'refused' ? result.code : result.kind;
}

/** A pair with a session that both sides have confirmed; `alice` started it at `START`, and it is one second later. */
export function connected(seed: string): { alice: Party; bob: Party; now: number } {
  const alice = party(`${seed}/alice`);
  const bob = party(`${seed}/bob`);
  open(bob, send(alice, bob, [0], START), START);
  open(alice, send(bob, alice, [0], START), START);
  open(bob, send(alice, bob, [0], START), START);
  open(alice, send(bob, alice, [0], START), START);
  // What the first messages owe each other is said now, so that later ticks are quiet.
  const now = START + 1_000;
  for (const [from, to] of [
    [alice, bob],
    [bob, alice],
    [alice, bob],
  ] as const) {
    for (const { payload } of from.core.tick(now)) open(to, payload, now);
  }
  return { alice, bob, now };
}
