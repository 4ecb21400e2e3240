import { type Cipheriv, createCipheriv, createDecipheriv, type Decipheriv } from 'node:crypto';

/** Tunnel message (Tunnel Message): tunnel ID, IV, encrypted data. Bytes. */
export const TUNNEL_MESSAGE_SIZE = 1028;
export const IV_OFFSET = 4;
export const IV_SIZE = 16;
export const DATA_OFFSET = IV_OFFSET + IV_SIZE;

const KEY_SIZE = 32;

/** One layer, applied in place to a tunnel message of 1028 bytes; the tunnel ID stays. */
export type Layer = (message: Uint8Array) => void;

export interface LayerKeys {
  readonly layerKey: Uint8Array;
  readonly ivKey: Uint8Array;
}

/*
 * Setting up an AES object costs more than running it over a kilobyte, so each hop keeps two for its lifetime.
 * ECB carries no state. CBC does: the next block is chained to the last ciphertext block, not to an IV of our choice.
 * As chaining is an XOR, (last ciphertext XOR wanted IV) over one block moves the chain to where we want it.
 */

/** What a participant or outbound endpoint does: ECB on the IV, CBC on the data, ECB on the IV again. */
export function createEncryptLayer(keys: LayerKeys): Layer {
  const ivCipher = ecbEncryptor(keys.ivKey);
  const dataCipher = createCipheriv('aes-256-cbc', layerKeyOf(keys), Buffer.alloc(IV_SIZE)).setAutoPadding(
    false,
  );
  const chain = Buffer.alloc(IV_SIZE);
  return (message) => {
    const iv = ivCipher.update(message.subarray(IV_OFFSET, DATA_OFFSET));
    const data = message.subarray(DATA_OFFSET, TUNNEL_MESSAGE_SIZE);
    xorBlock(data, iv, chain);
    const sealed = dataCipher.update(data);
    sealed.copy(chain, 0, sealed.length - IV_SIZE);
    message.set(sealed, DATA_OFFSET);
    message.set(ivCipher.update(iv), IV_OFFSET);
  };
}

/** The reverse, for the creator: peels a hop's layer off, or puts it on in advance for the hop to remove. */
export function createDecryptLayer(keys: LayerKeys): Layer {
  const ivCipher = ecbDecryptor(keys.ivKey);
  const dataCipher = createDecipheriv('aes-256-cbc', layerKeyOf(keys), Buffer.alloc(IV_SIZE)).setAutoPadding(
    false,
  );
  const chain = Buffer.alloc(IV_SIZE);
  const next = Buffer.alloc(IV_SIZE);
  return (message) => {
    const iv = ivCipher.update(message.subarray(IV_OFFSET, DATA_OFFSET));
    const data = message.subarray(DATA_OFFSET, TUNNEL_MESSAGE_SIZE);
    next.set(data.subarray(data.length - IV_SIZE));
    const opened = dataCipher.update(data);
    xorBlock(opened, iv, chain);
    chain.set(next);
    message.set(opened, DATA_OFFSET);
    message.set(ivCipher.update(iv), IV_OFFSET);
  };
}

/** `data`'s first block ^= a ^ b */
function xorBlock(data: Uint8Array, a: Uint8Array, b: Uint8Array): void {
  for (let i = 0; i < IV_SIZE; i++) data[i] = (data[i] as number) ^ (a[i] as number) ^ (b[i] as number);
}

function ecbEncryptor(key: Uint8Array): Cipheriv {
  return createCipheriv('aes-256-ecb', key, null).setAutoPadding(false);
}

function ecbDecryptor(key: Uint8Array): Decipheriv {
  return createDecipheriv('aes-256-ecb', key, null).setAutoPadding(false);
}

function layerKeyOf(keys: LayerKeys): Uint8Array {
  if (keys.layerKey.length !== KEY_SIZE || keys.ivKey.length !== KEY_SIZE) {
    throw new RangeError('tunnel layer keys are 32 bytes');
  }
  return keys.layerKey;
}
