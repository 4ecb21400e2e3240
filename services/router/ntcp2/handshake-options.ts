import type { Codec } from '@allium/common/bytes/codec.ts';

/** bytes of the option block of messages 1 and 2 */
export const OPTIONS_LENGTH = 16;

/** Option block of message 1 (NTCP2, "SessionRequest"). */
export interface RequestOptions {
  readonly netId: number;
  readonly version: number;
  /** bytes of padding behind the message */
  readonly padding: number;
  /** bytes of message 3 part 2, tag included */
  readonly confirmedLength: number;
  /** seconds since the epoch */
  readonly timestamp: number;
}

/** Reserved fields are written as zero and not looked at. */
export const requestOptionsCodec: Codec<RequestOptions> = {
  structure: 'SessionRequest options',
  size: () => OPTIONS_LENGTH,
  write(out, value) {
    out.u8(value.netId).u8(value.version).u16(value.padding).u16(value.confirmedLength);
    out.zeros(2).u32(value.timestamp).zeros(4);
  },
  read(input) {
    const netId = input.u8();
    const version = input.u8();
    const padding = input.u16();
    const confirmedLength = input.u16();
    input.skip(2);
    const timestamp = input.u32();
    input.skip(4);
    return { netId, version, padding, confirmedLength, timestamp };
  },
};

/** Option block of message 2 (NTCP2, "SessionCreated"). */
export interface CreatedOptions {
  /** bytes of padding behind the message */
  readonly padding: number;
  /** seconds since the epoch */
  readonly timestamp: number;
}

export const createdOptionsCodec: Codec<CreatedOptions> = {
  structure: 'SessionCreated options',
  size: () => OPTIONS_LENGTH,
  write(out, value) {
    out.zeros(2).u16(value.padding).zeros(4).u32(value.timestamp).zeros(4);
  },
  read(input) {
    input.skip(2);
    const padding = input.u16();
    input.skip(4);
    const timestamp = input.u32();
    input.skip(4);
    return { padding, timestamp };
  },
};
