import { decode, encode } from '@allium/common/bytes/codec.ts';
import { concatBytes, equalBytes } from '@allium/common/bytes/compare.ts';
import { ByteWriter } from '@allium/common/bytes/writer.ts';
import type { RandomBytes } from '@allium/common/core/random.ts';
import { AEAD_TAG_LENGTH, chacha20, counterNonce } from '../crypto/aead.ts';
import { aesCbcDecrypt, aesCbcEncrypt } from '../crypto/aes.ts';
import type { SymmetricState } from '../crypto/noise.ts';
import { type KeyPair, x25519, x25519KeyPair } from '../crypto/x25519.ts';
import { hashBytes } from '../wire/hash.ts';
import {
  blockSize,
  OPTIONS_BLOCK_SIZE,
  writeOptionsBlock,
  writePaddingBlock,
  writeRouterInfoBlock,
} from './blocks.ts';
import {
  FIXED_LENGTH,
  failed,
  type Handshake,
  type HandshakeStep,
  handshakePadding,
  initialState,
  KEY_LENGTH,
  NTCP2_VERSION,
  type Skew,
  toSeconds,
} from './handshake.ts';
import { createdOptionsCodec, OPTIONS_LENGTH, requestOptionsCodec } from './handshake-options.ts';
import { MAX_SKEW } from './limits.ts';
import { transportKeys } from './transport-keys.ts';
import type { Ntcp2Config, Ntcp2Peer } from './types.ts';

/** Alice's side of NTCP2, messages 1 to 3. One object for one connection. */
export class Ntcp2Initiator implements Handshake {
  readonly stage = 'created';
  /** milliseconds since the epoch: date of the RouterInfo that the peer gets */
  readonly published: number;
  readonly #config: Ntcp2Config;
  readonly #peer: Ntcp2Peer;
  readonly #state: SymmetricState;
  readonly #ephemeral: KeyPair;
  /** plaintext of message 3 part 2, whose length message 1 promises */
  readonly #payload: Uint8Array;
  /** AES-CBC goes on from message 1 to message 2 */
  #iv: Uint8Array;
  #requestedAt = 0;
  #bobEphemeral: Uint8Array | undefined;
  #skew: Skew = { skew: 0, roundTrip: 0 };
  #wanted = FIXED_LENGTH;

  constructor(config: Ntcp2Config, peer: Ntcp2Peer) {
    this.#config = config;
    this.#peer = peer;
    this.#state = initialState(peer.staticKey);
    this.#ephemeral = x25519KeyPair(config.random);
    const routerInfo = config.localRouterInfo();
    this.published = routerInfo.published;
    this.#payload = confirmedPayload(routerInfo.raw, config.random);
    this.#iv = peer.iv;
  }

  get wanted(): number {
    return this.#wanted;
  }

  /** Message 1; undefined when the peer's published static key is no usable point. */
  request(now: number): Uint8Array | undefined {
    const state = this.#state;
    const { publicKey, privateKey } = this.#ephemeral;
    state.mixHash(publicKey);
    const secret = x25519(privateKey, this.#peer.staticKey);
    if (!secret) return undefined;
    state.mixKey(secret);
    const padding = handshakePadding(this.#config.random);
    const options = encode(requestOptionsCodec, {
      netId: this.#config.netId,
      version: NTCP2_VERSION,
      padding: padding.length,
      confirmedLength: this.#payload.length + AEAD_TAG_LENGTH,
      timestamp: toSeconds(now),
    });
    const hidden = aesCbcEncrypt(hashBytes(this.#peer.hash), this.#iv, publicKey);
    this.#iv = hidden.subarray(hidden.length - 16);
    const sealed = state.encryptAndHash(options);
    if (padding.length > 0) state.mixHash(padding);
    this.#requestedAt = now;
    return concatBytes(hidden, sealed, padding);
  }

  receive(bytes: Uint8Array, now: number): HandshakeStep {
    return this.#bobEphemeral === undefined
      ? this.#readCreated(bytes, now)
      : this.#confirm(this.#bobEphemeral, bytes);
  }

  /** Message 2 without its padding. */
  #readCreated(bytes: Uint8Array, now: number): HandshakeStep {
    const state = this.#state;
    const hidden = bytes.subarray(0, KEY_LENGTH);
    const ephemeral = aesCbcDecrypt(hashBytes(this.#peer.hash), this.#iv, hidden);
    state.mixHash(ephemeral);
    const secret = x25519(this.#ephemeral.privateKey, ephemeral);
    if (!secret) return failed('authentication');
    state.mixKey(secret);
    const sealed = bytes.subarray(KEY_LENGTH);
    const opened = state.decryptAndHash(sealed);
    if (!opened) return failed(looksSkewed(state, sealed, now) ? 'skew' : 'authentication');
    const options = decode(createdOptionsCodec, opened);
    const roundTrip = Math.max(0, now - this.#requestedAt);
    this.#skew = { skew: options.timestamp * 1000 + roundTrip / 2 - now, roundTrip };
    if (Math.abs(this.#skew.skew) > MAX_SKEW) return { ...failed('skew'), skew: this.#skew };
    this.#bobEphemeral = ephemeral;
    this.#wanted = options.padding;
    return { kind: 'more' };
  }

  /** The padding of message 2, then message 3. */
  #confirm(bobEphemeral: Uint8Array, padding: Uint8Array): HandshakeStep {
    const state = this.#state;
    if (padding.length > 0) state.mixHash(padding);
    const { privateKey, publicKey } = this.#config.local.ntcp2;
    const key = state.encryptAndHash(publicKey);
    const secret = x25519(privateKey, bobEphemeral);
    if (!secret) return failed('authentication');
    state.mixKey(secret);
    const payload = state.encryptAndHash(this.#payload);
    return {
      kind: 'done',
      bytes: concatBytes(key, payload),
      keys: transportKeys(state, 'alice'),
      peer: this.#peer.hash,
      skew: this.#skew,
    };
  }
}

/**
 * i2pd answers a bad timestamp before it has read our padding, so its tag can't fit. What decrypts to an option block
 * with a far-off time is still no attack but a wrong clock; being unauthenticated, the time itself is not used.
 */
function looksSkewed(state: SymmetricState, sealed: Uint8Array, now: number): boolean {
  if (!state.k) return false;
  const plain = chacha20(state.k, counterNonce(state.n), 1, sealed.subarray(0, OPTIONS_LENGTH));
  const { padding, timestamp } = decode(createdOptionsCodec, plain);
  const canonical = encode(createdOptionsCodec, { padding, timestamp });
  return equalBytes(canonical, plain) && Math.abs(timestamp * 1000 - now) > MAX_SKEW;
}

/** RouterInfo first, then options and padding: the only order that Bob takes. */
function confirmedPayload(routerInfo: Uint8Array, random: RandomBytes): Uint8Array {
  const padding = handshakePadding(random);
  const out = new ByteWriter(
    blockSize(1 + routerInfo.length) + OPTIONS_BLOCK_SIZE + blockSize(padding.length),
  );
  writeRouterInfoBlock(out, routerInfo, false);
  writeOptionsBlock(out);
  writePaddingBlock(out, padding);
  return out.finish();
}
