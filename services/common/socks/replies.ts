import { concatBytes } from '../bytes/compare.ts';
import type { ByteReader } from '../bytes/reader.ts';
import { VISITOR_ADDRESS, VISITOR_MAX } from '../contracts/streams.ts';

/** Reply codes of RFC 1928 6 that we give ourselves; the private ones are in contracts/streams.ts. */
export const SOCKS5_REPLY = { granted: 0, failure: 1, notAllowed: 2, command: 7, addressType: 8 } as const;

/** Address types of RFC 1928 5 with their sizes in bytes, where the type says it. */
const IPV4 = 1;
const NAME = 3;
const IPV6 = 4;

/** What a server bound, or who came. */
export type BoundAddress =
  | { readonly kind: 'ip'; readonly bytes: Uint8Array }
  /** raw bytes as latin1 */
  | { readonly kind: 'name'; readonly name: string }
  /** a Destination; on our own sockets only */
  | { readonly kind: 'visitor'; readonly destination: Uint8Array };

export interface SocksReply {
  readonly code: number;
  readonly address: BoundAddress;
  readonly port: number;
}

/** Nothing that a client could use stands behind it. */
const NOWHERE: BoundAddress = { kind: 'ip', bytes: Buffer.alloc(4) };

/** RFC 1928 6. */
export function socks5Reply(code: number, address: BoundAddress = NOWHERE, port = 0): Uint8Array {
  return concatBytes(Buffer.of(5, code, 0), addressBytes(address), Buffer.of(port >> 8, port & 0xff));
}

/** SOCKS 4 knows granted and rejected only. */
export function socks4Reply(granted: boolean): Uint8Array {
  return Buffer.of(0, granted ? 0x5a : 0x5b, 0, 0, 0, 0, 0, 0);
}

function addressBytes(address: BoundAddress): Uint8Array {
  switch (address.kind) {
    case 'ip':
      return concatBytes(Buffer.of(address.bytes.length === 4 ? IPV4 : IPV6), address.bytes);
    case 'name':
      return concatBytes(Buffer.of(NAME, address.name.length), Buffer.from(address.name, 'latin1'));
    case 'visitor': {
      const { length } = address.destination;
      return concatBytes(Buffer.of(VISITOR_ADDRESS, length >> 8, length & 0xff), address.destination);
    }
  }
}

/** The server's choice of a method, or its answer to a login: the second of two bytes. */
export function readChoice(version: number): (input: ByteReader) => number {
  return (input) => {
    if (input.u8() !== version) input.fail('value', 'version');
    return input.u8();
  };
}

export function readSocks5Reply(input: ByteReader): SocksReply {
  if (input.u8() !== 5) input.fail('value', 'version');
  const code = input.u8();
  input.skip(1);
  const address = readAddress(input);
  return { code, address, port: input.u16() };
}

function readAddress(input: ByteReader): BoundAddress {
  switch (input.u8()) {
    case IPV4:
      return { kind: 'ip', bytes: input.copyOf(4) };
    case IPV6:
      return { kind: 'ip', bytes: input.copyOf(16) };
    case NAME:
      return { kind: 'name', name: Buffer.from(input.bytes(input.u8())).toString('latin1') };
    case VISITOR_ADDRESS: {
      const length = input.u16();
      if (length > VISITOR_MAX) input.fail('length', 'visitor');
      return { kind: 'visitor', destination: input.copyOf(length) };
    }
    default:
      return input.fail('unsupported', 'address type');
  }
}
