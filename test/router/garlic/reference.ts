import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { x25519 } from '@noble/curves/ed25519.js';
import { expand, extract } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { utf8ToBytes } from '@noble/hashes/utils.js';
import { elligatorDecode, elligatorKeyPair } from '../../../services/router/crypto/elligator2.ts';
import { recordedEntropy } from '../../support/entropy.ts';

/*
 * A second, slow ratchet, written line by line after the pseudocode of ECIES Ratchet on noble's primitives, with nothing
 * of ours but Elligator2. Payloads are taken and given as they are.
 */

const ZEROLEN = new Uint8Array(0);

function HKDF(salt: Uint8Array, ikm: Uint8Array, info: string, n: number): Uint8Array {
  return expand(sha256, extract(sha256, ikm, salt), utf8ToBytes(info), n);
}

function H(...parts: Uint8Array[]): Uint8Array {
  return sha256(Uint8Array.from(Buffer.concat(parts)));
}

function nonce(n: number): Uint8Array {
  const bytes = Buffer.alloc(12);
  bytes.writeBigUInt64LE(BigInt(n), 4);
  return Uint8Array.from(bytes);
}

const ENCRYPT = (k: Uint8Array, n: number, data: Uint8Array, ad: Uint8Array): Uint8Array =>
  chacha20poly1305(k, nonce(n), Uint8Array.from(ad)).encrypt(Uint8Array.from(data));
const DECRYPT = (k: Uint8Array, n: number, data: Uint8Array, ad: Uint8Array): Uint8Array =>
  chacha20poly1305(k, nonce(n), Uint8Array.from(ad)).decrypt(Uint8Array.from(data));

/** TAGSET: entries one after the other. */
export class ReferenceTagSet {
  #tagChain: Uint8Array;
  #constant: Uint8Array;
  #keyChain: Uint8Array;
  #n = -1;

  constructor(rootKey: Uint8Array, k: Uint8Array) {
    const step = HKDF(rootKey, k, 'KDFDHRatchetStep', 64);
    const keys = HKDF(step.slice(32), ZEROLEN, 'TagAndKeyGenKeys', 64);
    const init = HKDF(keys.slice(0, 32), ZEROLEN, 'STInitialization', 64);
    this.#tagChain = init.slice(0, 32);
    this.#constant = init.slice(32);
    this.#keyChain = keys.slice(32);
  }

  next(): { n: number; tag: Uint8Array; key: Uint8Array } {
    const tag = HKDF(this.#tagChain, this.#constant, 'SessionTagKeyGen', 64);
    const key = HKDF(this.#keyChain, ZEROLEN, 'SymmetricRatchet', 64);
    this.#tagChain = tag.slice(0, 32);
    this.#keyChain = key.slice(0, 32);
    this.#n++;
    return { n: this.#n, tag: tag.slice(32, 40), key: key.slice(32) };
  }
}

export function sealReferenceExisting(set: ReferenceTagSet, payload: Uint8Array): Uint8Array {
  const { n, tag, key } = set.next();
  return Buffer.concat([tag, ENCRYPT(key, n, payload, tag)]);
}

export function openReferenceExisting(set: ReferenceTagSet, message: Uint8Array): Uint8Array {
  const { n, tag, key } = set.next();
  if (Buffer.compare(tag, message.subarray(0, 8)) !== 0) throw new Error('another tag was expected');
  return DECRYPT(key, n, message.subarray(8), tag);
}

/** One side of a handshake, Alice's or Bob's. */
export class ReferencePeer {
  readonly sk: Uint8Array;
  readonly pk: Uint8Array;
  readonly #random: (n: number) => Uint8Array;
  #h: Uint8Array = ZEROLEN;
  #ck: Uint8Array = ZEROLEN;
  #esk: Uint8Array = ZEROLEN;
  #remoteEphemeral: Uint8Array = ZEROLEN;
  #remoteStatic: Uint8Array = ZEROLEN;
  send: ReferenceTagSet | undefined;
  receive: ReferenceTagSet | undefined;

  constructor(seed: string) {
    this.#random = recordedEntropy(seed);
    this.sk = Uint8Array.from(this.#random(32));
    this.pk = x25519.getPublicKey(this.sk);
  }

  get remoteStatic(): Uint8Array {
    return this.#remoteStatic;
  }

  sealNewSession(bpk: Uint8Array, payload: Uint8Array): Uint8Array {
    this.#start(bpk);
    const { keyPair, representative } = elligatorKeyPair(this.#random);
    this.#esk = keyPair.privateKey;
    this.#h = H(this.#h, keyPair.publicKey);
    let k = this.#mixKey(x25519.getSharedSecret(this.#esk, bpk));
    const section = ENCRYPT(k, 0, this.pk, this.#h);
    this.#h = H(this.#h, section);
    k = this.#mixKey(x25519.getSharedSecret(this.sk, bpk));
    const body = ENCRYPT(k, 0, payload, this.#h);
    this.#h = H(this.#h, body);
    return Buffer.concat([representative, section, body]);
  }

  openNewSession(message: Uint8Array): Uint8Array {
    this.#start(this.pk);
    this.#remoteEphemeral = elligatorDecode(message.subarray(0, 32));
    this.#h = H(this.#h, this.#remoteEphemeral);
    let k = this.#mixKey(x25519.getSharedSecret(this.sk, this.#remoteEphemeral));
    const section = message.subarray(32, 80);
    this.#remoteStatic = DECRYPT(k, 0, section, this.#h);
    this.#h = H(this.#h, section);
    const bound = this.#remoteStatic.some((byte) => byte !== 0);
    if (bound) k = this.#mixKey(x25519.getSharedSecret(this.sk, this.#remoteStatic));
    const body = message.subarray(80);
    const payload = DECRYPT(k, bound ? 0 : 1, body, this.#h);
    this.#h = H(this.#h, body);
    return payload;
  }

  sealReply(payload: Uint8Array): Uint8Array {
    const { tag } = this.#replyTags().next();
    const { keyPair, representative } = elligatorKeyPair(this.#random);
    this.#h = H(H(this.#h, tag), keyPair.publicKey);
    this.#mixKey(x25519.getSharedSecret(keyPair.privateKey, this.#remoteEphemeral));
    const k = this.#mixKey(x25519.getSharedSecret(keyPair.privateKey, this.#remoteStatic));
    const mac = ENCRYPT(k, 0, ZEROLEN, this.#h);
    this.#h = H(this.#h, mac);
    const { ab, ba, attach } = this.#split();
    this.receive = ab;
    this.send = ba;
    return Buffer.concat([tag, representative, mac, ENCRYPT(attach, 0, payload, this.#h)]);
  }

  openReply(message: Uint8Array): Uint8Array {
    const { tag } = this.#replyTags().next();
    if (Buffer.compare(tag, message.subarray(0, 8)) !== 0) throw new Error('another tag was expected');
    const bepk = elligatorDecode(message.subarray(8, 40));
    this.#h = H(H(this.#h, tag), bepk);
    this.#mixKey(x25519.getSharedSecret(this.#esk, bepk));
    const k = this.#mixKey(x25519.getSharedSecret(this.sk, bepk));
    DECRYPT(k, 0, message.subarray(40, 56), this.#h);
    this.#h = H(this.#h, message.subarray(40, 56));
    const { ab, ba, attach } = this.#split();
    this.send = ab;
    this.receive = ba;
    return DECRYPT(attach, 0, message.subarray(56), this.#h);
  }

  #start(bpk: Uint8Array): void {
    this.#ck = sha256(utf8ToBytes('Noise_IKelg2+hs2_25519_ChaChaPoly_SHA256'));
    this.#h = H(sha256(this.#ck), bpk);
  }

  #mixKey(secret: Uint8Array): Uint8Array {
    const keydata = HKDF(this.#ck, secret, '', 64);
    this.#ck = keydata.slice(0, 32);
    return keydata.slice(32);
  }

  #replyTags(): ReferenceTagSet {
    return new ReferenceTagSet(this.#ck, HKDF(this.#ck, ZEROLEN, 'SessionReplyTags', 32));
  }

  #split(): { ab: ReferenceTagSet; ba: ReferenceTagSet; attach: Uint8Array } {
    const keydata = HKDF(this.#ck, ZEROLEN, '', 64);
    const [kab, kba] = [keydata.slice(0, 32), keydata.slice(32)];
    return {
      ab: new ReferenceTagSet(this.#ck, kab),
      ba: new ReferenceTagSet(this.#ck, kba),
      attach: HKDF(kba, ZEROLEN, 'AttachPayloadKDF', 32),
    };
  }
}
