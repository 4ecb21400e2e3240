import { DecodeError } from '../bytes/errors.ts';
import { ByteReader } from '../bytes/reader.ts';

/**
 * What a client says in SOCKS 4a (socks4a.protocol) and SOCKS 5 (RFC 1928, RFC 1929). Readers throw
 * `DecodeError('short')` while the message is not complete, and others for what is no such message.
 */

/** Bytes of a SOCKS 4 user id or host name, without the zero behind it; SOCKS 5 has the same bound by its format. */
const SOCKS4_TEXT_MAX = 255;

/** The last two are Tor's own (socks-extensions): they ask for a name or an address, and open nothing. */
export const SOCKS_COMMAND = {
  connect: 1,
  bind: 2,
  udpAssociate: 3,
  resolve: 0xf0,
  resolvePtr: 0xf1,
} as const;
export const SOCKS5_METHOD = { none: 0, password: 2, unacceptable: 0xff } as const;

export interface SocksRequest {
  readonly command: number;
  /** raw bytes as latin1; `undefined` when the client sent an IP address */
  readonly host: string | undefined;
  readonly port: number;
  /** SOCKS 4 user id, raw bytes as latin1 */
  readonly user?: string;
}

export interface SocksLogin {
  readonly user: Uint8Array;
  readonly password: Uint8Array;
}

/** Offered methods; the version byte is known to be 5. */
export function readGreeting(input: ByteReader): readonly number[] {
  input.skip(1);
  return [...input.bytes(input.u8())];
}

/** RFC 1929 2. Empty names are taken, as Tor does. */
export function readLogin(input: ByteReader): SocksLogin {
  if (input.u8() !== 1) input.fail('value', 'version of the login');
  return { user: input.copyOf(input.u8()), password: input.copyOf(input.u8()) };
}

/** RFC 1928 4. */
export function readSocks5Request(input: ByteReader): SocksRequest {
  if (input.u8() !== 5) input.fail('value', 'version');
  const command = input.u8();
  input.skip(1);
  const type = input.u8();
  const host = readSocks5Host(input, type);
  return { command, host, port: input.u16() };
}

function readSocks5Host(input: ByteReader, type: number): string | undefined {
  if (type === 3) return Buffer.from(input.bytes(input.u8())).toString('latin1');
  if (type === 1) input.skip(4);
  else if (type === 4) input.skip(16);
  else input.fail('unsupported', 'address type');
  return undefined;
}

/** The version byte is known to be 4. Addresses 0.0.0.1 to 0.0.0.255 mean that a name follows. */
export function readSocks4Request(input: ByteReader): SocksRequest {
  input.skip(1);
  const command = input.u8();
  const port = input.u16();
  const address = input.u32();
  const user = readZeroTerminated(input);
  const named = address > 0 && address <= 255;
  return { command, host: named ? readZeroTerminated(input) : undefined, port, user };
}

function readZeroTerminated(input: ByteReader): string {
  let text = '';
  for (let byte = input.u8(); byte !== 0; byte = input.u8()) {
    if (text.length >= SOCKS4_TEXT_MAX) input.fail('length', 'text without end');
    text += String.fromCharCode(byte);
  }
  return text;
}

/** Reads one message; `undefined` when it isn't complete yet. Other `DecodeError`s pass through. */
export function readWhole<T>(
  bytes: Uint8Array,
  read: (input: ByteReader) => T,
): { readonly value: T; readonly raw: Uint8Array; readonly rest: Uint8Array } | undefined {
  // Most messages come alone, and what throws is dear.
  if (bytes.length === 0) return undefined;
  const input = new ByteReader(bytes, 'SOCKS message');
  try {
    return { value: read(input), raw: input.since(0), rest: input.rest() };
  } catch (error) {
    if (error instanceof DecodeError && error.code === 'short') return undefined;
    throw error;
  }
}
