import { type RandomBytes, randomBelow } from '@allium/common/core/random.ts';
import { SymmetricState } from '../crypto/noise.ts';
import type { RouterHash } from '../wire/hash.ts';
import type { RouterInfo } from '../wire/router-info.ts';
import { HANDSHAKE_PADDING_MAX } from './limits.ts';
import type { TransportKeys } from './transport-keys.ts';
import type { CloseCode, Stage } from './types.ts';

const PROTOCOL = 'Noise_XKaesobfse+hs2+hs3_25519_ChaChaPoly_SHA256';
const EMPTY = new Uint8Array(0);

export const NTCP2_VERSION = 2;

/** Bytes of an ephemeral key and of a sealed option block; together the fixed part of messages 1 and 2. */
export const KEY_LENGTH = 32;
export const SEALED_OPTIONS_LENGTH = 32;
export const FIXED_LENGTH = KEY_LENGTH + SEALED_OPTIONS_LENGTH;
/** bytes of message 3 part 1: a sealed static key */
export const SEALED_KEY_LENGTH = 48;

/** State of both sides before message 1: null prologue, then Bob's static key. */
export function initialState(bobStatic: Uint8Array): SymmetricState {
  const state = new SymmetricState(PROTOCOL);
  state.mixHash(EMPTY);
  state.mixHash(bobStatic);
  return state;
}

/** What came of the bytes that a side has asked for. */
export type HandshakeStep =
  /** it wants `wanted` bytes more */
  | { readonly kind: 'more' }
  /** one message, one write; then it wants `wanted` bytes more */
  | { readonly kind: 'reply'; readonly bytes: Uint8Array; readonly skew?: Skew }
  | {
      readonly kind: 'done';
      /** Alice's message 3 */
      readonly bytes?: Uint8Array;
      readonly keys: TransportKeys;
      readonly peer: RouterHash;
      readonly routerInfo?: RouterInfo;
      readonly skew: Skew;
    }
  | HandshakeFailure;

export interface Skew {
  /** milliseconds; peer's clock minus ours */
  readonly skew: number;
  /** milliseconds */
  readonly roundTrip: number;
}

export interface HandshakeFailure {
  readonly kind: 'failed';
  readonly code: CloseCode;
  /** go on reading for a while, so that a prober learns nothing from when we stop */
  readonly linger?: true;
  /** with keys, Bob says why in a Termination block */
  readonly refusal?: { readonly keys: TransportKeys; readonly reason: number };
  readonly skew?: Skew;
}

/** One side of a handshake: it is given exactly `wanted` bytes, again and again, until it is done or has failed. */
export interface Handshake {
  readonly wanted: number;
  readonly stage: Stage;
  receive(bytes: Uint8Array, now: number): HandshakeStep;
}

export function failed(code: CloseCode): HandshakeFailure {
  return { kind: 'failed', code };
}

/** Bytes of padding behind a message of ours, and the padding itself. */
export function handshakePadding(random: RandomBytes): Uint8Array {
  const length = randomBelow(random, HANDSHAKE_PADDING_MAX + 1);
  return length === 0 ? EMPTY : random(length);
}

/** Timestamps are rounded, not cut off, so that the network's clocks don't drift. */
export function toSeconds(milliseconds: number): number {
  return Math.round(milliseconds / 1000);
}
