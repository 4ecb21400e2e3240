import { decode, encode } from '@allium/common/bytes/codec.ts';
import { concatBytes, copyOf } from '@allium/common/bytes/compare.ts';
import { AEAD_TAG_LENGTH } from '../crypto/aead.ts';
import { aesCbcDecrypt, aesCbcEncrypt } from '../crypto/aes.ts';
import type { SymmetricState } from '../crypto/noise.ts';
import { type KeyPair, x25519, x25519KeyPair } from '../crypto/x25519.ts';
import { hashBytes } from '../wire/hash.ts';
import { checkConfirmed } from './confirmed-checks.ts';
import {
  FIXED_LENGTH,
  failed,
  type Handshake,
  type HandshakeStep,
  handshakePadding,
  initialState,
  KEY_LENGTH,
  NTCP2_VERSION,
  SEALED_KEY_LENGTH,
  toSeconds,
} from './handshake.ts';
import { createdOptionsCodec, type RequestOptions, requestOptionsCodec } from './handshake-options.ts';
import { CONFIRMED_PAYLOAD_ACCEPTED, MAX_SKEW, REQUEST_PADDING_ACCEPTED } from './limits.ts';
import { transportKeys } from './transport-keys.ts';
import type { Ntcp2Acceptance, Ntcp2Config, Stage } from './types.ts';

/** What Bob knows once message 1 is read. */
interface Request {
  readonly ephemeral: Uint8Array;
  readonly options: RequestOptions;
  /** milliseconds */
  readonly at: number;
}

/** Bob's side of NTCP2, messages 1 to 3. Nobody dials us behind Tor: simulated networks need it. */
export class Ntcp2Responder implements Handshake {
  readonly #config: Ntcp2Config;
  readonly #acceptance: Ntcp2Acceptance;
  readonly #state: SymmetricState;
  #iv: Uint8Array;
  #request: Request | undefined;
  #ephemeral: KeyPair | undefined;
  #repliedAt = 0;
  #wanted = FIXED_LENGTH;

  constructor(config: Ntcp2Config, acceptance: Ntcp2Acceptance) {
    this.#config = config;
    this.#acceptance = acceptance;
    this.#state = initialState(config.local.ntcp2.publicKey);
    this.#iv = config.local.ntcp2Iv;
  }

  get stage(): Stage {
    return this.#ephemeral ? 'confirmed' : 'request';
  }

  get wanted(): number {
    return this.#wanted;
  }

  receive(bytes: Uint8Array, now: number): HandshakeStep {
    if (!this.#request) return this.#readRequest(bytes, now);
    if (!this.#ephemeral) return this.#create(this.#request, bytes, now);
    return this.#readConfirmed(this.#request, this.#ephemeral, bytes, now);
  }

  /** Message 1 without its padding. A wrong tag must look like a slow server, hence `linger`. */
  #readRequest(bytes: Uint8Array, now: number): HandshakeStep {
    const state = this.#state;
    const hidden = copyOf(bytes.subarray(0, KEY_LENGTH));
    const ephemeral = aesCbcDecrypt(hashBytes(this.#config.local.identity.hash), this.#iv, hidden);
    // The top bit says ML-KEM (proposal 169), which we don't answer.
    if (((ephemeral[31] ?? 0) & 0x80) !== 0) return { ...failed('authentication'), linger: true };
    state.mixHash(ephemeral);
    const secret = x25519(this.#config.local.ntcp2.privateKey, ephemeral);
    if (!secret) return { ...failed('authentication'), linger: true };
    state.mixKey(secret);
    const opened = state.decryptAndHash(bytes.subarray(KEY_LENGTH));
    if (!opened) return { ...failed('authentication'), linger: true };
    const options = decode(requestOptionsCodec, opened);
    if (!this.#acceptance.replays.add(ephemeral, now)) return failed('replay');
    if (options.netId !== 0 && options.netId !== this.#config.netId) return failed('network-id');
    if (options.version !== NTCP2_VERSION) return failed('version');
    if (options.padding > REQUEST_PADDING_ACCEPTED) return failed('format');
    const { confirmedLength } = options;
    if (confirmedLength < AEAD_TAG_LENGTH || confirmedLength > CONFIRMED_PAYLOAD_ACCEPTED) {
      return failed('format');
    }
    this.#iv = hidden.subarray(KEY_LENGTH - 16);
    this.#request = { ephemeral, options, at: now };
    this.#wanted = options.padding;
    return { kind: 'more' };
  }

  /** The padding of message 1, then message 2. It goes out even over a bad skew, so that Alice can see hers. */
  #create(request: Request, padding: Uint8Array, now: number): HandshakeStep {
    const state = this.#state;
    if (padding.length > 0) state.mixHash(padding);
    const ephemeral = x25519KeyPair(this.#config.random);
    state.mixHash(ephemeral.publicKey);
    const secret = x25519(ephemeral.privateKey, request.ephemeral);
    if (!secret) return failed('authentication');
    state.mixKey(secret);
    const hash = hashBytes(this.#config.local.identity.hash);
    const hidden = aesCbcEncrypt(hash, this.#iv, ephemeral.publicKey);
    const ours = handshakePadding(this.#config.random);
    const options = encode(createdOptionsCodec, { padding: ours.length, timestamp: toSeconds(now) });
    const sealed = state.encryptAndHash(options);
    if (ours.length > 0) state.mixHash(ours);
    this.#ephemeral = ephemeral;
    this.#repliedAt = now;
    this.#wanted = SEALED_KEY_LENGTH + request.options.confirmedLength;
    return { kind: 'reply', bytes: concatBytes(hidden, sealed, ours) };
  }

  #readConfirmed(request: Request, ephemeral: KeyPair, bytes: Uint8Array, now: number): HandshakeStep {
    const state = this.#state;
    const staticKey = state.decryptAndHash(bytes.subarray(0, SEALED_KEY_LENGTH));
    const secret = staticKey && x25519(ephemeral.privateKey, staticKey);
    if (!secret) return failed('authentication');
    state.mixKey(secret);
    const payload = state.decryptAndHash(bytes.subarray(SEALED_KEY_LENGTH));
    if (!payload) return failed('authentication');
    const keys = transportKeys(state, 'bob');
    const roundTrip = Math.max(0, now - this.#repliedAt);
    const skew = { skew: request.options.timestamp * 1000 + roundTrip / 2 - request.at, roundTrip };
    const verdict = checkConfirmed(
      payload,
      { staticKey, skewed: Math.abs(skew.skew) > MAX_SKEW },
      { now, netId: this.#config.netId, acceptance: this.#acceptance },
    );
    if (verdict.kind === 'accepted') {
      const { routerInfo } = verdict;
      return { kind: 'done', keys, peer: routerInfo.hash, routerInfo, skew };
    }
    const { code, reason } = verdict;
    if (reason === undefined) return { ...failed(code), skew };
    return { ...failed(code), skew, refusal: { keys, reason } };
  }
}
