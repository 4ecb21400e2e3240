import type { Codec } from '@allium/common/bytes/codec.ts';

/** bytes of a String's text; its length field is one byte */
export const MAX_STRING_BYTES = 255;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Common Structures, "String": one length byte, then UTF-8. Text that is no UTF-8 is refused. */
export const stringCodec: Codec<string> = {
  structure: 'String',
  size: (value) => 1 + Buffer.byteLength(value),
  write(out, value) {
    const bytes = Buffer.from(value);
    if (bytes.length > MAX_STRING_BYTES) throw new RangeError(`String of ${bytes.length} bytes`);
    out.u8(bytes.length).bytes(bytes);
  },
  read(input) {
    const bytes = input.bytes(input.u8());
    try {
      return utf8.decode(bytes);
    } catch {
      return input.fail('value', 'not UTF-8');
    }
  },
};
