import { concatBytes } from '@allium/common/bytes/compare.ts';
import type { RandomBytes } from '@allium/common/core/random.ts';
import { AEAD_TAG_LENGTH } from '../crypto/aead.ts';
import { SymmetricState } from '../crypto/noise.ts';
import { type KeyPair, X25519_LENGTH, x25519, x25519KeyPair } from '../crypto/x25519.ts';

/** bytes that sealing adds: ephemeral key and tag */
export const ROUTER_GARLIC_OVERHEAD = X25519_LENGTH + AEAD_TAG_LENGTH;

/** 31 characters, so it is zero padded and not hashed. */
const PROTOCOL = 'Noise_N_25519_ChaChaPoly_SHA256';

const START = new SymmetricState(PROTOCOL);
START.mixHash(new Uint8Array(0));

/**
 * ECIES Router Messages: an anonymous message for a router. `payload` is encoded blocks, DateTime among them; the result
 * is a Garlic's `data`; undefined for a public key that gives an all-zero secret.
 */
export function sealForRouter(
  routerPublicKey: Uint8Array,
  payload: Uint8Array,
  random: RandomBytes,
): Uint8Array | undefined {
  const ephemeral = x25519KeyPair(random);
  const state = stateFor(routerPublicKey, ephemeral.publicKey);
  const secret = x25519(ephemeral.privateKey, routerPublicKey);
  if (!secret) return undefined;
  state.mixKey(secret);
  return concatBytes(ephemeral.publicKey, state.encryptAndHash(payload));
}

/** The encoded blocks of a message for us; undefined when it does not authenticate. */
export function openForRouter(
  keys: { readonly encryption: KeyPair },
  data: Uint8Array,
): Uint8Array | undefined {
  if (data.length < ROUTER_GARLIC_OVERHEAD) return undefined;
  const ephemeral = data.subarray(0, X25519_LENGTH);
  const secret = x25519(keys.encryption.privateKey, ephemeral);
  if (!secret) return undefined;
  const state = stateFor(keys.encryption.publicKey, ephemeral);
  state.mixKey(secret);
  return state.decryptAndHash(data.subarray(X25519_LENGTH));
}

function stateFor(routerPublicKey: Uint8Array, ephemeral: Uint8Array): SymmetricState {
  const state = START.clone();
  state.mixHash(routerPublicKey);
  state.mixHash(ephemeral);
  return state;
}
