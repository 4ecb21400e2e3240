import { DecodeError } from '@allium/common/bytes/errors.ts';
import { ByteReader } from '@allium/common/bytes/reader.ts';
import type { ByteWriter } from '@allium/common/bytes/writer.ts';

/** Bandwidth parameters of build records (proposal 168), KB per second. */
export interface BuildOptions {
  /** m: less than this is of no use */
  readonly minimum?: number;
  /** r */
  readonly requested?: number;
  /** l: the gateway need not carry more; only sent to inbound gateways */
  readonly limit?: number;
  /** b: what the hop means to provide; replies only */
  readonly available?: number;
}

export const NO_OPTIONS: BuildOptions = {};

/** In the order that a Mapping must have. */
const KEYS = [
  ['b', 'available'],
  ['l', 'limit'],
  ['m', 'minimum'],
  ['r', 'requested'],
] as const;

/** Nine digits are a terabyte per second, and keep the number exact. */
const KILOBYTES = /^[1-9][0-9]{0,8}$/;

/** Bytes of the Mapping with its length field. */
export function optionsSize(options: BuildOptions): number {
  return 2 + entriesSize(options);
}

export function writeOptions(out: ByteWriter, options: BuildOptions): void {
  out.u16(entriesSize(options));
  for (const [key, name] of KEYS) {
    const value = options[name];
    if (value === undefined) continue;
    const text = Buffer.from(String(value), 'latin1');
    out.u8(key.length).bytes(Buffer.from(`${key}=`, 'latin1'));
    out.u8(text.length).bytes(text).u8(0x3b);
  }
}

/**
 * The options at the start of `bytes`, a record from its Mapping on. They are hints: a Mapping that makes no sense, an
 * unknown key or a value that is no positive number counts as absent, for the record itself is authenticated.
 */
export function readOptions(bytes: Uint8Array): BuildOptions {
  const options: { -readonly [K in keyof BuildOptions]: BuildOptions[K] } = {};
  try {
    const all = new ByteReader(bytes, 'build options');
    const input = new ByteReader(all.bytes(all.u16()), 'build options');
    while (input.remaining > 0) {
      const key = readPart(input, 0x3d);
      const value = readPart(input, 0x3b);
      const known = KEYS.find(([letter]) => letter === key);
      if (known && KILOBYTES.test(value)) options[known[1]] = Number(value);
    }
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    return NO_OPTIONS;
  }
  return options;
}

function readPart(input: ByteReader, delimiter: number): string {
  const text = Buffer.from(input.bytes(input.u8())).toString('latin1');
  if (input.u8() !== delimiter) input.fail('value', 'delimiter');
  return text;
}

function entriesSize(options: BuildOptions): number {
  let size = 0;
  for (const [key, name] of KEYS) {
    const value = options[name];
    if (value !== undefined) size += key.length + String(value).length + 4;
  }
  return size;
}
