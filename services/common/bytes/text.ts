import { DecodeError } from './errors.ts';

const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';

/** I2P's Base64: RFC 4648 with `-` and `~` for `+` and `/`, padded. */
export function toBase64(bytes: Uint8Array): string {
  return viewOf(bytes).toString('base64').replaceAll('+', '-').replaceAll('/', '~');
}

/** Throws `DecodeError('value')` on any other character, wrong padding or set unused bits. */
export function fromBase64(text: string): Uint8Array {
  const bytes = Buffer.from(text.replaceAll('-', '+').replaceAll('~', '/'), 'base64');
  if (toBase64(bytes) !== text) throw new DecodeError('value', 'Base64', 0);
  return bytes;
}

/** RFC 4648 Base32, lower case, unpadded, as in `.b32.i2p` names. */
export function toBase32(bytes: Uint8Array): string {
  let text = '';
  let bits = 0;
  let held = 0;
  for (const byte of bytes) {
    held = (held << 8) | byte;
    bits += 8;
    for (; bits >= 5; bits -= 5) text += BASE32[(held >>> (bits - 5)) & 31];
    held &= (1 << bits) - 1;
  }
  return bits > 0 ? text + BASE32[(held << (5 - bits)) & 31] : text;
}

/** Reads either case. Throws `DecodeError('value')` on other characters, impossible lengths or set unused bits. */
export function fromBase32(text: string): Uint8Array {
  const out = Buffer.allocUnsafe((text.length * 5) >>> 3);
  let at = 0;
  let bits = 0;
  let held = 0;
  for (const character of text.toLowerCase()) {
    const value = BASE32.indexOf(character);
    if (value < 0) throw new DecodeError('value', 'Base32', at);
    held = (held << 5) | value;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      out[at++] = held >>> bits;
      held &= (1 << bits) - 1;
    }
  }
  if (held !== 0 || bits >= 5) throw new DecodeError('value', 'Base32', text.length);
  return out;
}

function viewOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
