import type { RandomBytes } from '@allium/common/core/random.ts';
import { ed25519Public } from '../crypto/ed25519.ts';
import { type KeyPair, x25519KeyPair } from '../crypto/x25519.ts';
import { CRYPTO_TYPE } from './key-types.ts';
import { writeKeysAndCert } from './keys-and-cert.ts';
import { type RouterIdentity, routerIdentityOf } from './router-identity.ts';

/** bytes of NTCP2's `i` option */
export const NTCP2_IV_LENGTH = 16;

/** All that a router must keep secret. They live as long as the process: whoever met it before shall not know it again. */
export interface RouterKeys {
  readonly identity: RouterIdentity;
  /** Ed25519, 32 bytes */
  readonly signingSeed: Uint8Array;
  /** X25519 key of the identity: build records and garlic for this router */
  readonly encryption: KeyPair;
  /** static key of the NTCP2 address (`s`) */
  readonly ntcp2: KeyPair;
  /** `i` of the NTCP2 address, 16 bytes; published only when we accept connections */
  readonly ntcp2Iv: Uint8Array;
}

export function createRouterKeys(random: RandomBytes): RouterKeys {
  const signingSeed = Uint8Array.from(random(32));
  const encryption = x25519KeyPair(random);
  const raw = writeKeysAndCert(CRYPTO_TYPE.x25519, encryption.publicKey, ed25519Public(signingSeed), random);
  return {
    identity: routerIdentityOf(raw),
    signingSeed,
    encryption,
    ntcp2: x25519KeyPair(random),
    ntcp2Iv: Uint8Array.from(random(NTCP2_IV_LENGTH)),
  };
}
