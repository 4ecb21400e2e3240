/** What goes into tunnels, and asks for them: sealed to us, with right checksums. */
import { SymmetricState } from '@allium/router/crypto/noise.ts';
import { x25519, x25519KeyPair } from '@allium/router/crypto/x25519.ts';
import { writeChecksum } from '@allium/router/tunnel/fragment.ts';
import { hashBytes, routerHash } from '@allium/router/wire/hash.ts';
import { Chance } from '../engine/chance.ts';
import { NOW, ROUTER } from './forge.ts';

const fixed = new Chance('tunnel');
const SELF = ROUTER.identity.hash;
/** Some other router. */
export const OTHER = routerHash(Buffer.alloc(32, 9));
/** Bytes of a request that is not sealed. */
export const CLEAR_REQUEST = 154;

/** Any 154 bytes as a build record that is sealed to us (ECIES Tunnel Creation), with our hash in front. */
export function sealedRecord(clear: Uint8Array): Buffer {
  const plain = Buffer.alloc(CLEAR_REQUEST);
  plain.set(clear.subarray(0, CLEAR_REQUEST));
  const ephemeral = x25519KeyPair(fixed.random);
  const state = new SymmetricState('Noise_N_25519_ChaChaPoly_SHA256');
  for (const part of [Buffer.alloc(0), ROUTER.encryption.publicKey, ephemeral.publicKey]) state.mixHash(part);
  state.mixKey(x25519(ephemeral.privateKey, ROUTER.encryption.publicKey) ?? Buffer.alloc(32));
  const hash = hashBytes(SELF).subarray(0, 16);
  return Buffer.concat([hash, ephemeral.publicKey, state.encryptAndHash(plain)]);
}

/** A clear request with numbers that may be taken. */
export function oddRequest(chance: Chance): Buffer {
  const out = Buffer.alloc(CLEAR_REQUEST);
  out.writeUInt32BE(chance.oneIn(8) ? 0 : chance.below(20), 0);
  out.writeUInt32BE(chance.oneIn(8) ? 0 : chance.below(20), 4);
  out.set(chance.oneIn(3) ? hashBytes(SELF) : hashBytes(OTHER), 8);
  out[40] = chance.pick([0, 0x80, 0x40, 0xc0] as const);
  out[43] = chance.oneIn(9) ? 1 : 0;
  out.writeUInt32BE((Math.floor(NOW / 60_000) + chance.below(16) - 9) >>> 0, 44);
  out.writeUInt32BE(600, 48);
  out.writeUInt32BE(chance.u32(), 52);
  const options = chance.pick([
    '',
    '\x01m=\x02\x36\x34;',
    '\x01r=\x09999999999;',
    '\x01m',
    '\x01b=\x01x;',
  ] as const);
  out.writeUInt16BE(chance.oneIn(5) ? chance.below(100) : options.length, 56);
  out.write(options, 58, 'latin1');
  return out;
}

/** Fragments as a clear tunnel message: IV, checksum, padding, zero byte. */
export function tunnelMessage(fragments: Uint8Array): Buffer {
  const body = fragments.subarray(0, 1_003);
  const out = Buffer.alloc(1_028, 0x55);
  const start = 1_028 - body.length;
  out[start - 1] = 0;
  out.set(body, start);
  writeChecksum(out, start);
  return out;
}
