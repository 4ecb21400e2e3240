/** Bytes. Frames are kept short so that a receiver need not wait for much before it can check the tag. */
export const FRAME_TARGET = 16 * 1024;

/** Bytes of an encrypted frame, tag included: what its 16-bit length can say. */
export const MAX_FRAME = 65_535;

/** Bytes of one block's data: a largest frame less tag and block header. */
export const MAX_BLOCK_DATA = MAX_FRAME - 16 - 3;

/** Bytes. Handshake padding is 0 to this; i2pd refuses more than 223, and 31 is what the specification suggests. */
export const HANDSHAKE_PADDING_MAX = 31;

/** Bytes that Bob accepts as padding of message 1; Java's limit. Alice has no limit but the 16-bit field for message 2. */
export const REQUEST_PADDING_ACCEPTED = 256;

/** Bytes that Bob accepts as message 3 part 2: a RouterInfo of 3072, options, and padding as generous as Java's. */
export const CONFIRMED_PAYLOAD_ACCEPTED = 4096;

/** Milliseconds until TCP stands. Tor builds a circuit first; i2pd, without Tor, waits 5 s. */
export const CONNECT_TIMEOUT = 20_000;

/** Milliseconds for each awaited handshake message, over Tor. */
export const HANDSHAKE_TIMEOUT = 20_000;

/** Milliseconds for the rest of a frame once its first byte is here; a stalled Tor circuit may take its time. */
export const FRAME_TIMEOUT = 60_000;

/** Milliseconds. A skew above this is fatal to both sides (NTCP2, "Clock Skew Guidelines"). */
export const MAX_SKEW = 60_000;

/** Milliseconds between frames of our own while a session must stay: i2pd closes after 105 to 125 s, Java after 120. */
export const KEEP_ALIVE_MIN = 60_000;
export const KEEP_ALIVE_MAX = 90_000;

/** Milliseconds without an I2NP message in either direction, after which we close a session that nobody needs. */
export const IDLE_CLOSE = 150_000;

/** Milliseconds between looks at our RouterInfo; when it changed it is sent again. i2pd does the same. */
export const ROUTER_INFO_RESEND = 25 * 60_000;

/** Messages waiting for the socket. i2pd's number; at 30 s of life a queue that long is already stale. */
export const SEND_QUEUE_LIMIT = 500;

/** Bytes waiting for the socket: 500 tunnel messages are 0.5 MB, so larger messages may fill up to twice that. */
export const SEND_QUEUE_BYTES = 1024 * 1024;

/** Bytes written in one step; the host then has a chance to say `blocked`. Above Node's 64 KB write mark. */
export const FLUSH_LIMIT = 128 * 1024;

/** RouterInfo blocks read at once, and per second: each costs a signature check, and honest peers send one an hour. */
export const ROUTER_INFOS_BURST = 4;
export const ROUTER_INFOS_PER_SECOND = 0.1;

/** Probing resistance: milliseconds and bytes that a failed session still reads, chosen below these. */
export const LINGER_TIME = 4_000;
export const LINGER_BYTES = 1_024;

/** Ephemeral keys that Bob remembers. More handshakes than this within `REPLAY_LIFETIME` are not ours to serve. */
export const REPLAY_LIMIT = 8_192;

/** Milliseconds: twice the skew on both sides. */
export const REPLAY_LIFETIME = 4 * MAX_SKEW;

/** Milliseconds. Bob refuses RouterInfos older than this, and newer than `ROUTER_INFO_FUTURE` ahead; i2pd's numbers. */
export const ROUTER_INFO_AGE = 90 * 60_000;
export const ROUTER_INFO_FUTURE = 2 * 60_000;
