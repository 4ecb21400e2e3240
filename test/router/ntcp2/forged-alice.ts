import { createCipheriv, createDecipheriv, createHash, createHmac, hkdfSync } from 'node:crypto';
import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { x25519 } from '@noble/curves/ed25519.js';
import { LengthMask } from '../../../services/router/crypto/siphash.ts';
import { ALICE_INFO, ALICE_KEYS, BOB_KEYS, NET_ID, NOW } from './support.ts';

/** What a lying Alice may say. */
export interface Forgery {
  readonly netId?: number;
  readonly version?: number;
  readonly padding?: number;
  readonly paddingSent?: number;
  readonly confirmedLength?: number;
  /** seconds since the epoch */
  readonly timestamp?: number;
  /** plaintext of message 3 part 2 */
  readonly payload?: Uint8Array;
  readonly staticPrivateKey?: Uint8Array;
}

const hash = (...parts: Uint8Array[]): Buffer => createHash('sha256').update(Buffer.concat(parts)).digest();

const mac = (key: Uint8Array, ...parts: Uint8Array[]): Buffer =>
  createHmac('sha256', key).update(Buffer.concat(parts)).digest();

/**
 * Alice written a second time, from the specification and with noble's primitives, so that she can lie where ours
 * cannot, and so that two errors would have to agree. Encrypts to BOB_KEYS.
 */
export class ForgedAlice {
  readonly #forgery: Forgery;
  readonly #payload: Uint8Array;
  readonly #ephemeral = hash(Buffer.from('forged ephemeral'));
  readonly #bobHash = hash(BOB_KEYS.identity.raw);
  #h: Buffer;
  #ck: Buffer;
  #k: Buffer = Buffer.alloc(32);
  #n = 0;
  #iv: Buffer = Buffer.alloc(0);
  #frames = 0;
  #mask: LengthMask | undefined;

  constructor(forgery: Forgery = {}) {
    this.#forgery = forgery;
    this.#payload = forgery.payload ?? routerInfoBlock(ALICE_INFO.raw);
    this.#ck = hash(Buffer.from('Noise_XKaesobfse+hs2+hs3_25519_ChaChaPoly_SHA256'));
    this.#h = hash(hash(this.#ck), BOB_KEYS.ntcp2.publicKey);
  }

  request(): Uint8Array {
    const x = x25519.getPublicKey(this.#ephemeral);
    this.#mixHash(x);
    this.#mixKey(x25519.getSharedSecret(this.#ephemeral, BOB_KEYS.ntcp2.publicKey));
    const { netId = NET_ID, version = 2, padding = 0, timestamp = Math.round(NOW / 1000) } = this.#forgery;
    const options = Buffer.alloc(16);
    options.writeUInt8(netId, 0);
    options.writeUInt8(version, 1);
    options.writeUInt16BE(padding, 2);
    options.writeUInt16BE(this.#forgery.confirmedLength ?? this.#payload.length + 16, 4);
    options.writeUInt32BE(timestamp, 8);
    const cipher = createCipheriv('aes-256-cbc', this.#bobHash, BOB_KEYS.ntcp2Iv).setAutoPadding(false);
    const hidden = cipher.update(x);
    this.#iv = hidden.subarray(16);
    const sealed = this.#seal(options);
    const behind = Buffer.alloc(this.#forgery.paddingSent ?? padding, 0x55);
    if (behind.length > 0) this.#mixHash(behind);
    return Buffer.concat([hidden, sealed, behind]);
  }

  confirm(created: Uint8Array): Uint8Array {
    const decipher = createDecipheriv('aes-256-cbc', this.#bobHash, this.#iv).setAutoPadding(false);
    const y = decipher.update(created.subarray(0, 32));
    this.#mixHash(y);
    this.#mixKey(x25519.getSharedSecret(this.#ephemeral, y));
    const options = this.#open(created.subarray(32, 64));
    const padding = created.subarray(64);
    if (padding.length !== Buffer.from(options).readUInt16BE(2))
      throw new Error('padding length of message 2');
    if (padding.length > 0) this.#mixHash(padding);
    const key = this.#forgery.staticPrivateKey ?? ALICE_KEYS.ntcp2.privateKey;
    const sealedKey = this.#seal(x25519.getPublicKey(key));
    this.#mixKey(x25519.getSharedSecret(key, y));
    return Buffer.concat([sealedKey, this.#seal(this.#payload)]);
  }

  /** The first frame of Bob, decrypted. */
  firstFrame(frame: Uint8Array): Uint8Array {
    const temp = mac(this.#ck);
    const ba = mac(temp, mac(temp, Buffer.of(1)), Buffer.of(2));
    return chacha20poly1305(ba, Buffer.alloc(12)).decrypt(frame.subarray(2));
  }

  /** Her next frame, with any blocks in it. */
  frame(...blocks: Uint8Array[]): Uint8Array {
    const temp = mac(this.#ck);
    const nonce = Buffer.alloc(12);
    nonce.writeUInt32LE(this.#frames++, 4);
    const sealed = chacha20poly1305(mac(temp, Buffer.of(1)), nonce).encrypt(Buffer.concat(blocks));
    this.#mask ??= this.#lengthMask(temp);
    const length = Buffer.alloc(2);
    length.writeUInt16BE(sealed.length ^ this.#mask.next());
    return Buffer.concat([length, sealed]);
  }

  #lengthMask(temp: Uint8Array): LengthMask {
    const askMaster = mac(temp, Buffer.from('ask'), Buffer.of(1));
    const sipMaster = mac(mac(askMaster, this.#h, Buffer.from('siphash')), Buffer.of(1));
    const ab = mac(mac(sipMaster), Buffer.of(1));
    return new LengthMask(ab.subarray(0, 16), ab.subarray(16, 24));
  }

  #mixHash(data: Uint8Array): void {
    this.#h = hash(this.#h, data);
  }

  #mixKey(secret: Uint8Array): void {
    const keys = Buffer.from(hkdfSync('sha256', secret, this.#ck, '', 64));
    this.#ck = keys.subarray(0, 32);
    this.#k = keys.subarray(32);
    this.#n = 0;
  }

  #nonce(): Buffer {
    const nonce = Buffer.alloc(12);
    nonce.writeUInt32LE(this.#n++, 4);
    return nonce;
  }

  #seal(plaintext: Uint8Array): Uint8Array {
    const sealed = chacha20poly1305(this.#k, this.#nonce(), this.#h).encrypt(plaintext);
    this.#mixHash(sealed);
    return sealed;
  }

  #open(ciphertext: Uint8Array): Uint8Array {
    const opened = chacha20poly1305(this.#k, this.#nonce(), this.#h).decrypt(ciphertext);
    this.#mixHash(ciphertext);
    return opened;
  }
}

export function block(type: number, data: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.of(type, data.length >>> 8, data.length & 0xff), data]);
}

export function routerInfoBlock(raw: Uint8Array): Uint8Array {
  return block(2, Buffer.concat([Buffer.of(0), raw]));
}
