import { createHmac, randomBytes } from 'node:crypto';
import { chmodSync, closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { GatewayError } from '@allium/common/bytes/errors.ts';
import { BoundedMap } from '@allium/common/core/bounded-map.ts';

/** Bytes of the secret, and of a key that is made with it. */
const SECRET_LENGTH = 32;
const KEY_LENGTH = 16;
/** Keys that are kept made: each request asks for one. */
const MADE_MAX = 1_024;

export class StateError extends GatewayError<{ readonly code: 'state' }> {}

/** What the router tells workstations by: a keyed hash, so that it learns nobody's address and nobody guesses a key. */
export class WorkstationKeys {
  readonly #secret: Uint8Array;
  readonly #made = new BoundedMap<string, string>(MADE_MAX);

  constructor(secret: Uint8Array = randomBytes(SECRET_LENGTH)) {
    this.#secret = secret;
  }

  /** 32 characters of hex: HMAC-SHA256 of the address, cut. Never to be logged. */
  of(address: string): string {
    const made = this.#made.get(address);
    if (made !== undefined) return made;
    const hash = createHmac('sha256', this.#secret).update(address).digest();
    const key = hash.toString('hex', 0, KEY_LENGTH);
    this.#made.set(address, key);
    return key;
  }
}

/**
 * The secret of this installation, from the folder `state`; made when there is none. What is there and no secret is an
 * error: with a new one every workstation would be somebody else to the router. Throws `StateError`.
 */
export function loadSecret(state: string): Uint8Array {
  const path = join(state, 'secret');
  try {
    const secret = readFileSync(path);
    if (secret.length === SECRET_LENGTH) return secret;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
    if (code === 'ENOENT') return createSecret(path);
    throw new StateError({ code: 'state' }, `${path} cannot be read (${code})`);
  }
  throw new StateError(
    { code: 'state' },
    `${path} is not a secret of ${SECRET_LENGTH} bytes: restore it, or delete it and lose the names that were learnt`,
  );
}

/** Whole or not at all: a name of its own first. */
function createSecret(path: string): Uint8Array {
  const secret = randomBytes(SECRET_LENGTH);
  try {
    const file = openSync(`${path}.new`, 'w', 0o600);
    try {
      chmodSync(`${path}.new`, 0o600);
      writeSync(file, secret);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(`${path}.new`, path);
    return secret;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
    throw new StateError({ code: 'state' }, `${path} cannot be written (${code})`);
  }
}
