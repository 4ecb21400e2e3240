import { type Codec, decode, encode } from '@allium/common/bytes/codec.ts';
import { DecodeError } from '@allium/common/bytes/errors.ts';
import type { ByteReader } from '@allium/common/bytes/reader.ts';
import type { ByteWriter } from '@allium/common/bytes/writer.ts';
import type { RandomBytes } from '@allium/common/core/random.ts';
import { hkdf } from '../crypto/hash.ts';
import { SymmetricState } from '../crypto/noise.ts';
import { type KeyPair, x25519, x25519KeyPair } from '../crypto/x25519.ts';
import { hashBytes } from '../wire/hash.ts';
import { type BuildOptions, optionsSize, readOptions, writeOptions } from './build-options.ts';
import type { LayerKeys } from './hop-crypto.ts';
import type { HopInfo } from './tunnel-io.ts';

/** Encrypted short build record, request and reply (ECIES Tunnel Creation, "Short Record"). Bytes. */
export const BUILD_RECORD_SIZE = 218;
/** First half of the hop's router hash, which tells a hop its own record. */
export const HASH_PREFIX_SIZE = 16;
export const EPHEMERAL_SIZE = 32;
const SEALED_OFFSET = HASH_PREFIX_SIZE + EPHEMERAL_SIZE;
const REQUEST_SIZE = 154;
const REPLY_SIZE = 202;
const OPTIONS_OFFSET = 56;

const GATEWAY_FLAG = 0x80;
const ENDPOINT_FLAG = 0x40;
const NOISE_N = 'Noise_N_25519_ChaChaPoly_SHA256';
const EMPTY = new Uint8Array(0);

export type HopRole = 'gateway' | 'participant' | 'endpoint';

export interface BuildRequest {
  /** nonzero; the hop receives tunnel messages under this ID */
  readonly receiveTunnelId: number;
  /** nonzero; for an endpoint the tunnel that the reply goes into */
  readonly nextTunnelId: number;
  /** router hash, 32 bytes; for an endpoint the gateway of the reply tunnel */
  readonly nextRouter: Uint8Array;
  readonly role: HopRole;
  /** 0 = AES, the only one so far */
  readonly layerType: number;
  /** minutes since the epoch */
  readonly requestMinutes: number;
  /** seconds; 600 is the only one supported */
  readonly lifetime: number;
  /** I2NP message ID under which the hop passes the build (or its reply) on */
  readonly sendMessageId: number;
  readonly options: BuildOptions;
}

/** What both sides derive from one record. */
export interface HopKeys extends LayerKeys {
  readonly replyKey: Uint8Array;
  /** Noise's h after the request: associated data of the reply record */
  readonly hash: Uint8Array;
  /** endpoints only: 32-byte key and 8-byte tag that the reply is wrapped with */
  readonly garlic?: { readonly key: Uint8Array; readonly tag: Uint8Array };
}

/** The clear request record, 154 bytes. The padding is zero: it is sealed, nobody but the hop sees it. */
export const buildRequestCodec: Codec<BuildRequest> = {
  structure: 'ShortBuildRequestRecord',
  size: () => REQUEST_SIZE,
  write(out: ByteWriter, value: BuildRequest): void {
    out.u32(value.receiveTunnelId).u32(value.nextTunnelId).bytes(value.nextRouter);
    out.u8(flagsOf(value.role)).u16(0).u8(value.layerType);
    out.u32(value.requestMinutes).u32(value.lifetime).u32(value.sendMessageId);
    writeOptions(out, value.options);
    out.zeros(REQUEST_SIZE - OPTIONS_OFFSET - optionsSize(value.options));
  },
  read(input: ByteReader): BuildRequest {
    const receiveTunnelId = input.u32();
    const nextTunnelId = input.u32();
    if (receiveTunnelId === 0 || nextTunnelId === 0) input.fail('value', 'tunnel ID 0');
    const nextRouter = input.copyOf(32);
    const role = roleOf(input);
    input.skip(2);
    const layerType = input.u8();
    if (layerType !== 0) input.fail('unsupported', `layer encryption ${layerType}`);
    const requestMinutes = input.u32();
    const lifetime = input.u32();
    const sendMessageId = input.u32();
    const options = readOptions(input.bytes(REQUEST_SIZE - OPTIONS_OFFSET));
    return {
      receiveTunnelId,
      nextTunnelId,
      nextRouter,
      role,
      layerType,
      requestMinutes,
      lifetime,
      sendMessageId,
      options,
    };
  },
};

export interface BuildReply {
  /** 0 = accepted, everything else declined; 30 is what is sent */
  readonly code: number;
  readonly options: BuildOptions;
}

export const ACCEPT = 0;
/** TUNNEL_REJECT_BANDWIDTH, the one code for every reason */
export const DECLINE = 30;

/** The clear reply record, 202 bytes: options first, the code last. */
export const buildReplyCodec: Codec<BuildReply> = {
  structure: 'ShortBuildReplyRecord',
  size: () => REPLY_SIZE,
  write(out: ByteWriter, value: BuildReply): void {
    writeOptions(out, value.options);
    out.zeros(REPLY_SIZE - 1 - optionsSize(value.options)).u8(value.code);
  },
  read(input: ByteReader): BuildReply {
    const options = readOptions(input.bytes(REPLY_SIZE - 1));
    return { code: input.u8(), options };
  },
};

/**
 * A sealed record for `hop` and the keys that the hop will derive from it. Noise N, a fresh key per record.
 * undefined when the hop publishes a low-order point: nothing can be kept secret with it.
 */
export function sealRequest(
  request: BuildRequest,
  hop: HopInfo,
  random: RandomBytes,
): { record: Uint8Array; keys: HopKeys } | undefined {
  const ephemeral = x25519KeyPair(random);
  const secret = x25519(ephemeral.privateKey, hop.publicKey);
  if (!secret) return undefined;
  const state = startNoise(hop.publicKey, ephemeral.publicKey, secret);
  const sealed = state.encryptAndHash(encode(buildRequestCodec, request));
  const record = Buffer.allocUnsafe(BUILD_RECORD_SIZE);
  record.set(hashBytes(hop.hash).subarray(0, HASH_PREFIX_SIZE), 0);
  record.set(ephemeral.publicKey, HASH_PREFIX_SIZE);
  record.set(sealed, SEALED_OFFSET);
  return { record, keys: deriveKeys(state, request.role) };
}

/** The hop's side. Throws `DecodeError`: 'authentication' when the record is not for these keys. */
export function openRequest(record: Uint8Array, keys: KeyPair): { request: BuildRequest; keys: HopKeys } {
  if (record.length !== BUILD_RECORD_SIZE) throw refused('length');
  const ephemeral = record.subarray(HASH_PREFIX_SIZE, SEALED_OFFSET);
  const secret = x25519(keys.privateKey, ephemeral);
  if (!secret) throw refused('value');
  const state = startNoise(keys.publicKey, ephemeral, secret);
  const clear = state.decryptAndHash(record.subarray(SEALED_OFFSET));
  if (!clear) throw refused('authentication');
  const request = decode(buildRequestCodec, clear);
  return { request, keys: deriveKeys(state, request.role) };
}

function refused(code: 'length' | 'value' | 'authentication'): DecodeError {
  return new DecodeError(code, 'ShortBuildRequestRecord', 0);
}

function startNoise(hopKey: Uint8Array, ephemeral: Uint8Array, secret: Uint8Array): SymmetricState {
  const state = new SymmetricState(NOISE_N);
  state.mixHash(EMPTY);
  state.mixHash(hopKey);
  state.mixHash(ephemeral);
  state.mixKey(secret);
  return state;
}

/** KDF section: the chaining key is the salt each time, and the endpoint's IV key has a step of its own. */
function deriveKeys(state: SymmetricState, role: HopRole): HopKeys {
  const reply = expand(state.ck, 'SMTunnelReplyKey');
  const layer = expand(reply.ck, 'SMTunnelLayerKey');
  const common = { hash: state.h, replyKey: reply.key, layerKey: layer.key };
  if (role !== 'endpoint') return { ...common, ivKey: layer.ck };
  const iv = expand(layer.ck, 'TunnelLayerIVKey');
  const garlic = expand(iv.ck, 'RGarlicKeyAndTag');
  return { ...common, ivKey: iv.key, garlic: { key: garlic.key, tag: garlic.ck.subarray(0, 8) } };
}

function expand(ck: Uint8Array, info: string): { ck: Uint8Array; key: Uint8Array } {
  const out = hkdf(ck, EMPTY, info, 64);
  return { ck: out.subarray(0, 32), key: out.subarray(32) };
}

function flagsOf(role: HopRole): number {
  if (role === 'gateway') return GATEWAY_FLAG;
  return role === 'endpoint' ? ENDPOINT_FLAG : 0;
}

function roleOf(input: ByteReader): HopRole {
  const flags = input.u8() & (GATEWAY_FLAG | ENDPOINT_FLAG);
  if (flags === (GATEWAY_FLAG | ENDPOINT_FLAG)) input.fail('value', 'gateway and endpoint at once');
  if (flags === GATEWAY_FLAG) return 'gateway';
  return flags === ENDPOINT_FLAG ? 'endpoint' : 'participant';
}
