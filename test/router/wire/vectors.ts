import { readFileSync } from 'node:fs';

/** Structures of a real i2pd; see `origin` in the files. */
interface Vector {
  readonly name: string;
  readonly hex: string;
  /** I2P Base64, computed by other means */
  readonly hash: string;
}

export interface RouterInfoVector extends Vector {
  readonly published: number;
  readonly signingSeed: string;
  readonly encryptionPrivateKey: string;
  readonly ntcp2PublicKey: string;
  readonly ntcp2Iv: string;
}

export interface DestinationVector extends Vector {
  readonly base32: string;
  readonly signatureType: number;
  readonly signingSeed?: string;
}

export interface LeaseSetVector extends Vector {
  readonly published: number;
  readonly expires: number;
  readonly gateway: string;
}

export const routerInfoVectors = load<RouterInfoVector>('router-info.json');
export const destinationVectors = load<DestinationVector>('destination.json');
export const leaseSetVectors = load<LeaseSetVector>('lease-set2.json');

export function named<T extends Vector>(vectors: readonly T[], name: string): T {
  const found = vectors.find((vector) => vector.name === name);
  if (!found) throw new Error(`no vector ${name}`);
  return found;
}

export function bytesOf(hex: string): Buffer {
  return Buffer.from(hex, 'hex');
}

/** `bytes` with one bit of byte `at` flipped. */
export function flipped(bytes: Uint8Array, at: number): Buffer {
  const out = Buffer.from(bytes);
  out[at] = (out[at] ?? 0) ^ (1 << (at & 7));
  return out;
}

function load<T>(file: string): readonly T[] {
  const text = readFileSync(new URL(`../../vectors/${file}`, import.meta.url), 'utf8');
  return (JSON.parse(text) as { vectors: T[] }).vectors;
}
