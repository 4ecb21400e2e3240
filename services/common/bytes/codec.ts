import { ByteReader } from './reader.ts';
import { ByteWriter } from './writer.ts';

/** One structure of the specification: its exact size, how it is written, how it is read. */
export interface Codec<T> {
  /** name as the specification spells it; appears in errors */
  readonly structure: string;
  size(value: T): number;
  write(out: ByteWriter, value: T): void;
  /** throws `DecodeError`; leaves what follows the structure unread */
  read(input: ByteReader): T;
}

/** The structure alone, in one exact allocation. */
export function encode<T>(codec: Codec<T>, value: T): Uint8Array {
  const out = new ByteWriter(codec.size(value));
  codec.write(out, value);
  return out.finish();
}

/** The structure and nothing behind it: trailing bytes throw `DecodeError('trailing')`. */
export function decode<T>(codec: Codec<T>, bytes: Uint8Array): T {
  const input = new ByteReader(bytes, codec.structure);
  const value = codec.read(input);
  input.expectEnd();
  return value;
}
