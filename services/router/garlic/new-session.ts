import { concatBytes } from '@allium/common/bytes/compare.ts';
import type { RandomBytes } from '@allium/common/core/random.ts';
import { elligatorDecode, elligatorKeyPair } from '../crypto/elligator2.ts';
import { SymmetricState } from '../crypto/noise.ts';
import { type KeyPair, x25519 } from '../crypto/x25519.ts';
import { initializeTagSet, replyPayloadKey, type TagSetKeys } from './key-schedule.ts';
import { TAG_LENGTH } from './limits.ts';

/*
 * New Session and New Session Reply: Noise IK with Elligator2 (ECIES Ratchet 1b to 1g). Bytes in, bytes out.
 */

const PROTOCOL = 'Noise_IKelg2+hs2_25519_ChaChaPoly_SHA256';
const KEY_LENGTH = 32;
const MAC_LENGTH = 16;
const EMPTY = new Uint8Array(0);
const NO_STATIC_KEY = new Uint8Array(KEY_LENGTH);

/** Bytes around the payload of a New Session: ephemeral key, static key section, MAC. */
export const NEW_SESSION_OVERHEAD = KEY_LENGTH + KEY_LENGTH + MAC_LENGTH + MAC_LENGTH;
/** Bytes around the payload of a New Session Reply: tag, ephemeral key, two MACs. */
export const REPLY_OVERHEAD = TAG_LENGTH + KEY_LENGTH + MAC_LENGTH + MAC_LENGTH;

const INITIAL = initialState();

/** What the initiator keeps to open replies. */
export interface SentNewSession {
  readonly state: SymmetricState;
  readonly ephemeral: KeyPair;
}

/** What the responder keeps to write replies. */
export interface ReceivedNewSession {
  readonly state: SymmetricState;
  readonly ephemeralKey: Uint8Array;
  readonly staticKey: Uint8Array;
}

/** Tag sets of both directions, named by who sends under them. */
export interface SplitKeys {
  readonly initiator: TagSetKeys;
  readonly responder: TagSetKeys;
}

/** The state before the first message to the owner of `publicKey`. */
export function stateToward(publicKey: Uint8Array): SymmetricState {
  const state = INITIAL.clone();
  state.mixHash(publicKey);
  return state;
}

/**
 * Writes a New Session; without `ours` it is unbound and nobody can answer it.
 * Undefined when the remote's key is a low-order point, with which no secret can be shared.
 */
export function sealNewSession(
  remoteKey: Uint8Array,
  ours: KeyPair | undefined,
  payload: Uint8Array,
  random: RandomBytes,
): { message: Uint8Array; sent: SentNewSession } | undefined {
  const { keyPair: ephemeral, representative } = elligatorKeyPair(random);
  const state = stateToward(remoteKey);
  state.mixHash(ephemeral.publicKey);
  const es = x25519(ephemeral.privateKey, remoteKey);
  if (!es) return undefined;
  state.mixKey(es);
  const staticSection = state.encryptAndHash(ours ? ours.publicKey : NO_STATIC_KEY);
  if (ours) {
    const ss = x25519(ours.privateKey, remoteKey);
    if (!ss) return undefined;
    state.mixKey(ss);
  }
  const message = concatBytes(representative, staticSection, state.encryptAndHash(payload));
  return { message, sent: { state, ephemeral } };
}

export interface OpenedNewSession {
  readonly payload: Uint8Array;
  /** undefined when the sender is not bound and wants no reply */
  readonly received: ReceivedNewSession | undefined;
}

/** The initiator's ephemeral key of what may be a New Session: what a replay repeats, whatever its representative. */
export function ephemeralKeyOf(message: Uint8Array): Uint8Array {
  return elligatorDecode(message.subarray(0, KEY_LENGTH));
}

/**
 * Opens a message of at least `NEW_SESSION_OVERHEAD` bytes. `start` is `stateToward(ours.publicKey)`, made once.
 * Undefined when it does not authenticate.
 */
export function openNewSession(
  start: SymmetricState,
  ours: KeyPair,
  ephemeralKey: Uint8Array,
  message: Uint8Array,
): OpenedNewSession | undefined {
  const state = start.clone();
  state.mixHash(ephemeralKey);
  const es = x25519(ours.privateKey, ephemeralKey);
  if (!es) return undefined;
  state.mixKey(es);
  const payloadAt = 2 * KEY_LENGTH + MAC_LENGTH;
  const staticKey = state.decryptAndHash(message.subarray(KEY_LENGTH, payloadAt));
  if (!staticKey) return undefined;
  const bound = staticKey.some((byte) => byte !== 0);
  if (bound) {
    const ss = x25519(ours.privateKey, staticKey);
    if (!ss) return undefined;
    state.mixKey(ss);
  }
  const payload = state.decryptAndHash(message.subarray(payloadAt));
  if (!payload) return undefined;
  return { payload, received: bound ? { state, ephemeralKey, staticKey } : undefined };
}

/** Writes one of possibly several replies, with an ephemeral key and tag sets of its own. Undefined: unusable keys. */
export function sealReply(
  received: ReceivedNewSession,
  tag: Uint8Array,
  payload: Uint8Array,
  random: RandomBytes,
): { message: Uint8Array; keys: SplitKeys } | undefined {
  const { keyPair: ephemeral, representative } = elligatorKeyPair(random);
  const state = received.state.clone();
  state.mixHash(tag);
  state.mixHash(ephemeral.publicKey);
  const ee = x25519(ephemeral.privateKey, received.ephemeralKey);
  const se = x25519(ephemeral.privateKey, received.staticKey);
  if (!ee || !se) return undefined;
  state.mixKey(ee);
  state.mixKey(se);
  const keySection = state.encryptAndHash(EMPTY);
  const keys = splitAndAttach(state);
  const message = concatBytes(tag, representative, keySection, state.encryptAndHash(payload));
  return { message, keys };
}

/** Opens a message of at least `REPLY_OVERHEAD` bytes whose tag belongs to `sent`. Undefined: it does not authenticate. */
export function openReply(
  sent: SentNewSession,
  ours: KeyPair,
  message: Uint8Array,
): { payload: Uint8Array; keys: SplitKeys } | undefined {
  const state = sent.state.clone();
  const keyAt = TAG_LENGTH + KEY_LENGTH;
  const ephemeralKey = elligatorDecode(message.subarray(TAG_LENGTH, keyAt));
  state.mixHash(message.subarray(0, TAG_LENGTH));
  state.mixHash(ephemeralKey);
  const ee = x25519(sent.ephemeral.privateKey, ephemeralKey);
  const se = x25519(ours.privateKey, ephemeralKey);
  if (!ee || !se) return undefined;
  state.mixKey(ee);
  state.mixKey(se);
  if (!state.decryptAndHash(message.subarray(keyAt, keyAt + MAC_LENGTH))) return undefined;
  const keys = splitAndAttach(state);
  const payload = state.decryptAndHash(message.subarray(keyAt + MAC_LENGTH));
  return payload ? { payload, keys } : undefined;
}

/** split(), the tag sets made from it, and the reply's payload key in place of the handshake's. */
function splitAndAttach(state: SymmetricState): SplitKeys {
  const { initiator, responder } = state.split();
  const keys = {
    initiator: initializeTagSet(state.ck, initiator),
    responder: initializeTagSet(state.ck, responder),
  };
  state.setKey(replyPayloadKey(responder));
  return keys;
}

function initialState(): SymmetricState {
  const state = new SymmetricState(PROTOCOL);
  state.mixHash(EMPTY);
  return state;
}
