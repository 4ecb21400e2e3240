import { concatBytes } from '@allium/common/bytes/compare.ts';
import { hkdf } from '../crypto/hash.ts';
import type { SymmetricState } from '../crypto/noise.ts';

/** What one direction of the data phase needs. */
export interface DirectionKeys {
  /** AEAD key, 32 bytes */
  readonly key: Uint8Array;
  /** SipHash k1 and k2, 16 bytes */
  readonly sipKey: Uint8Array;
  /** 8 bytes */
  readonly sipIv: Uint8Array;
}

export interface TransportKeys {
  readonly send: DirectionKeys;
  readonly receive: DirectionKeys;
}

const EMPTY = new Uint8Array(0);
const SIPHASH = Buffer.from('siphash');

/** NTCP2, "Key Derivation Function (KDF) (for data phase)"; after the last message of the handshake. */
export function transportKeys(state: SymmetricState, role: 'alice' | 'bob'): TransportKeys {
  const { initiator, responder } = state.split();
  const askMaster = hkdf(state.ck, EMPTY, 'ask', 32);
  const sipMaster = hkdf(askMaster, concatBytes(state.h, SIPHASH), '', 32);
  const sipKeys = hkdf(sipMaster, EMPTY, '', 64);
  const ab = direction(initiator, sipKeys.subarray(0, 32));
  const ba = direction(responder, sipKeys.subarray(32));
  return role === 'alice' ? { send: ab, receive: ba } : { send: ba, receive: ab };
}

function direction(key: Uint8Array, sip: Uint8Array): DirectionKeys {
  return { key, sipKey: sip.subarray(0, 16), sipIv: sip.subarray(16, 24) };
}
