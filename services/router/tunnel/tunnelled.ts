import { ByteReader } from '@allium/common/bytes/reader.ts';
import { type I2npMessage, readExpires } from '../i2np/message.ts';

/** Milliseconds that a message may be past its expiration: clocks differ, and Tor adds its share. */
export const EXPIRY_TOLERANCE = 60_000;

/**
 * An I2NP message with the 16-byte header that came through a tunnel. Throws `DecodeError`. The header's checksum is
 * skipped: routers have not checked it since 0.8.12, and the tunnel message's own was checked.
 */
export function decodeTunnelled(bytes: Uint8Array): I2npMessage {
  const input = new ByteReader(bytes, 'I2NPMessage');
  const type = input.u8();
  const id = input.u32();
  const expires = readExpires(input);
  const size = input.u16();
  input.skip(1);
  return { type, id, expires, payload: input.bytes(size) };
}
