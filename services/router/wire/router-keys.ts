import type { Codec } from '@allium/common/bytes/codec.ts';
import { equalBytes } from '@allium/common/bytes/compare.ts';
import type { RandomBytes } from '@allium/common/core/random.ts';
import { ed25519Public } from '../crypto/ed25519.ts';
import { type KeyPair, x25519KeyPair, x25519Public } from '../crypto/x25519.ts';
import { CRYPTO_TYPE } from './key-types.ts';
import { writeKeysAndCert } from './keys-and-cert.ts';
import { type RouterIdentity, routerIdentityCodec, routerIdentityOf } from './router-identity.ts';

/** bytes of NTCP2's `i` option */
export const NTCP2_IV_LENGTH = 16;

/** All that a router must keep secret and across restarts. */
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

/** Our own format, for our own disk: identity, seed, two private keys, IV. Keys that don't belong together are refused. */
export const routerKeysCodec: Codec<RouterKeys> = {
  structure: 'RouterKeys',
  size: (value) => value.identity.raw.length + 3 * 32 + NTCP2_IV_LENGTH,
  write(out, value) {
    routerIdentityCodec.write(out, value.identity);
    out.bytes(value.signingSeed).bytes(value.encryption.privateKey);
    out.bytes(value.ntcp2.privateKey).bytes(value.ntcp2Iv);
  },
  read(input) {
    const identity = routerIdentityCodec.read(input);
    const signingSeed = input.copyOf(32);
    const encryption = keyPairOf(input.copyOf(32));
    const ntcp2 = keyPairOf(input.copyOf(32));
    const ours =
      equalBytes(ed25519Public(signingSeed), identity.signingKey) &&
      equalBytes(encryption.publicKey, identity.publicKey);
    if (!ours) input.fail('authentication', 'private keys of another identity');
    return { identity, signingSeed, encryption, ntcp2, ntcp2Iv: input.copyOf(NTCP2_IV_LENGTH) };
  },
};

function keyPairOf(privateKey: Uint8Array): KeyPair {
  return { privateKey, publicKey: x25519Public(privateKey) };
}
