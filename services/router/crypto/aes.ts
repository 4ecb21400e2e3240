import { createCipheriv, createDecipheriv } from 'node:crypto';
import { expectLength } from './length.ts';

export const AES_KEY_LENGTH = 32;
export const AES_BLOCK_LENGTH = 16;

/** AES-256-CBC without padding; `data` is whole 16-byte blocks. To go on later, pass the last ciphertext block as `iv`. */
export function aesCbcEncrypt(key: Uint8Array, iv: Uint8Array, data: Uint8Array): Uint8Array {
  expectBlocks(key, data);
  expectLength(iv, AES_BLOCK_LENGTH, 'AES IV');
  return createCipheriv('aes-256-cbc', key, iv).setAutoPadding(false).update(data);
}

/** The reverse of `aesCbcEncrypt`. */
export function aesCbcDecrypt(key: Uint8Array, iv: Uint8Array, data: Uint8Array): Uint8Array {
  expectBlocks(key, data);
  expectLength(iv, AES_BLOCK_LENGTH, 'AES IV');
  return createDecipheriv('aes-256-cbc', key, iv).setAutoPadding(false).update(data);
}

/** AES-256-ECB without padding; `data` is whole 16-byte blocks. */
export function aesEcbEncrypt(key: Uint8Array, data: Uint8Array): Uint8Array {
  return createEcbEncryptor(key)(data);
}

/** The reverse of `aesEcbEncrypt`. */
export function aesEcbDecrypt(key: Uint8Array, data: Uint8Array): Uint8Array {
  return createEcbDecryptor(key)(data);
}

/** One direction of AES-256-ECB over whole blocks. ECB carries no state, so one set-up serves every message of a tunnel hop. */
export type EcbFunction = (data: Uint8Array) => Uint8Array;

export function createEcbEncryptor(key: Uint8Array): EcbFunction {
  expectLength(key, AES_KEY_LENGTH, 'AES key');
  const cipher = createCipheriv('aes-256-ecb', key, null).setAutoPadding(false);
  return (data) => {
    expectBlocks(key, data);
    return cipher.update(data);
  };
}

export function createEcbDecryptor(key: Uint8Array): EcbFunction {
  expectLength(key, AES_KEY_LENGTH, 'AES key');
  const decipher = createDecipheriv('aes-256-ecb', key, null).setAutoPadding(false);
  return (data) => {
    expectBlocks(key, data);
    return decipher.update(data);
  };
}

function expectBlocks(key: Uint8Array, data: Uint8Array): void {
  expectLength(key, AES_KEY_LENGTH, 'AES key');
  if (data.length % AES_BLOCK_LENGTH !== 0)
    throw new RangeError(`AES: ${data.length} bytes are no whole blocks`);
}
