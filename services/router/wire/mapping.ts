import type { Codec } from '@allium/common/bytes/codec.ts';
import { ByteReader } from '@allium/common/bytes/reader.ts';
import { stringCodec } from './string.ts';

/** Entries of one Mapping. A LeaseSet2 with many service records stays below; more is an attack on our memory. */
export const MAX_MAPPING_ENTRIES = 256;

const EQUALS = 0x3d;
const SEMICOLON = 0x3b;

/**
 * Common Structures, "Mapping". Written in the order of the keys' bytes, because most uses are signed.
 * Any order is read, since signatures are checked over the bytes as they came; a repeated key is refused.
 */
export const mappingCodec: Codec<ReadonlyMap<string, string>> = {
  structure: 'Mapping',
  size: (value) => 2 + contentSize(value),
  write(out, value) {
    out.u16(contentSize(value));
    for (const [key, text] of inKeyOrder(value)) {
      stringCodec.write(out, key);
      out.u8(EQUALS);
      stringCodec.write(out, text);
      out.u8(SEMICOLON);
    }
  },
  read(input) {
    // A reader of its own keeps a String from running past the Mapping's size.
    const content = new ByteReader(input.bytes(input.u16()), 'Mapping');
    const entries = new Map<string, string>();
    while (content.remaining > 0) {
      if (entries.size === MAX_MAPPING_ENTRIES) content.fail('length', 'too many entries');
      const key = stringCodec.read(content);
      if (content.u8() !== EQUALS) content.fail('value', 'no "="');
      if (entries.has(key)) content.fail('value', 'key twice');
      entries.set(key, stringCodec.read(content));
      if (content.u8() !== SEMICOLON) content.fail('value', 'no ";"');
    }
    return entries;
  },
};

function contentSize(value: ReadonlyMap<string, string>): number {
  let size = 0;
  for (const [key, text] of value) size += stringCodec.size(key) + stringCodec.size(text) + 2;
  return size;
}

function inKeyOrder(value: ReadonlyMap<string, string>): [string, string][] {
  return [...value].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}
