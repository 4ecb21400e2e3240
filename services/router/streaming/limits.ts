/** Bytes of payload that we send and ask for: two tunnel messages over a ratchet session (proposal 155). */
export const MAX_PACKET_SIZE = 1_812;
/** Bytes; what a peer takes that names no limit. */
export const DEFAULT_PACKET_SIZE = 1_730;
/** Bytes; MIN_MESSAGE_SIZE of Streaming API. A smaller wish would only waste tunnel messages. */
export const MIN_PACKET_SIZE = 512;
/** ms; a SYN waits this long for data to carry. */
export const SYN_DATA_DELAY = 50;
/**
 * ms until a SYN that nobody answers is given up. Longer than a ratchet session takes to notice that the remote has
 * lost it (90 s of silence): the last tries then reach a restarted remote.
 */
export const CONNECT_TIMEOUT = 120_000;
/** ms without traffic until we ask for a sign of life (Java's inactivity timeout). */
export const KEEPALIVE_AFTER = 90_000;
/** ms of silence until a ping: i2pd leaves keepalives unanswered, but not pings. */
export const PING_AFTER = 480_000;
/** ms of silence until a stream is dead. A peer may leave even pings unanswered, so this is long. */
export const IDLE_LIMIT = 1_800_000;
/** ms after which a SYN that comes again means that our answer got lost. */
export const REPEATED_SYN_AFTER = 1_000;
/** ms between two `stalled` of one stream. */
export const STALL_SPACING = 300;
/** Repeated packets that mean: our acks get lost. */
export const STALL_DUPLICATES = 3;
/** i2pd counts in 31 bits; a stream ends there (3.9 TB). */
export const LAST_SEQUENCE = 0x7fff_fff0;

/** Streams of one Destination, both directions; each may hold a few kilobytes even when idle. */
export const MAX_STREAMS = 2_048;
/** Incoming streams of one remote Destination: two browsers' worth of connections. */
export const MAX_STREAMS_PER_REMOTE = 128;
/** Incoming streams whose peer has not answered our SYN yet; what a SYN flood can take. */
export const MAX_PENDING = 256;
/** SYNs per second that we check (a signature costs 0.1 ms), and how many may come at once. */
export const SYN_RATE = 100;
export const SYN_BURST = 200;
/** Answers per second to packets that belong to no stream (RESET, pong), and how many at once. */
export const STRAY_RATE = 10;
export const STRAY_BURST = 30;
/** Closed streams that are remembered to ack what the peer repeats, and for how long (ms). */
export const MAX_TOMBS = 512;
export const TOMB_LIFETIME = 60_000;
/** Remotes whose path figures are kept for the next stream, and for how long (ms; Java: "a few minutes"). */
export const MAX_PATHS = 512;
export const PATH_LIFETIME = 300_000;
/** Streams whose packets came before their SYN, packets of each, their bytes, and for how long (ms; i2pd 10 s). */
export const MAX_EARLY_STREAMS = 64;
export const MAX_EARLY_PACKETS = 16;
export const MAX_EARLY_SIZE = 4_096;
export const EARLY_LIFETIME = 10_000;
