/** LeaseSets of remotes; a busy client talks to dozens, a server to hundreds. About 2 KB each. */
export const MAX_REMOTES = 1_024;
/** Destinations that may share one static key (Java's shared clients have two). */
export const MAX_DESTINATIONS_PER_KEY = 4;
/** Remotes that may wait for their LeaseSet at once. */
export const MAX_WAITING_REMOTES = 128;
/** Messages that wait for one LeaseSet: the SYNs of a page's worth of streams. The oldest goes first. */
export const MAX_WAITING_PER_REMOTE = 64;
/** ms; a message that waited longer is not worth sending: streaming has repeated it. */
export const WAITING_LIFETIME = 30_000;
/** ms until a lookup that nobody answers counts as failed; the NetDB gives up after 30 s. */
export const LOOKUP_TIMEOUT = 45_000;
/** ms between two lookups for the same remote while its LeaseSet is still good. */
export const REFRESH_SPACING = 20_000;
/** ms; a lease that ends sooner is not used for new messages: they need up to 3 s over Tor, clocks differ. */
export const LEASE_MARGIN = 20_000;
/** ms; when all leases end sooner, a fresh LeaseSet is looked up. */
export const REFRESH_MARGIN = 90_000;
/** ms that a lease is avoided after it seemed to fail, while there are others. */
export const FAILED_LEASE_TIME = 120_000;
/** ms between two changes of path to one remote: all its streams complain at about the same time. */
export const STALL_SPACING = 600;
/** Failed leases that one remote's record remembers: as many as a LeaseSet can have. */
export const MAX_FAILED_LEASES = 16;
/** ms; LeaseSets from further in the future are refused, as clocks may differ by this much. */
export const MAX_AHEAD = 120_000;

/** ms; lifetime of our own I2NP messages. i2pd uses 8 s, which Tor alone may eat up. */
export const MESSAGE_LIFETIME = 30_000;
/** ms between two publications when the leases change one by one. */
export const PUBLISH_SPACING = 5_000;
/** Publications within `PUBLISH_WINDOW` (ms): Java's floodfills keep a fourth one within a minute, but flood it no more. */
export const PUBLISH_BURST = 3;
export const PUBLISH_WINDOW = 61_000;
/** ms until a publication that no floodfill confirmed is tried again; doubles with each failure in a row, up to the limit. */
export const PUBLISH_AGAIN = 10_000;
export const PUBLISH_AGAIN_MAX = 40_000;
/** ms after which an unchanged LeaseSet is signed and published again: floodfills come and go. */
export const REPUBLISH_AFTER = 300_000;
/** ms after which a LeaseSet that a remote has not confirmed is sent to it again. */
export const ANNOUNCE_AGAIN = 5_000;
/** Our LeaseSets on their way whose confirmation is still awaited. */
export const MAX_ANNOUNCEMENTS = 2_048;
/**
 * Bytes of one payload that we send: with a New Session, our LeaseSet and all headers around it, it still goes through a
 * tunnel.
 */
export const MAX_SENT_PAYLOAD = 61_440;
/** Bytes of one payload after decompression; what I2CP can carry. */
export const MAX_PAYLOAD = 65_535;
/** ms from a change of our leases until correspondents are told: changes often come in pairs. */
export const TELL_DELAY = 1_000;
/** Growth of the pause between two tries to tell, from `ANNOUNCE_AGAIN` on, and its limit in ms. */
export const TELL_GROWTH = 1.5;
export const MAX_TELL_PAUSE = 30_000;
/** ms since the last word of a remote for which it is a correspondent: even idle streams speak every 90 s. */
export const CORRESPONDENT_FOR = 200_000;
/** Correspondents told of one change, latest first; others hear of it with the next message or look us up. */
export const MAX_TOLD = 32;
/** Timeouts of a stream in a row after which the session itself is in doubt. */
export const DOUBT_TRIES = 2;
/** ms of silence of a remote that messages get lost to, until it may have lost our session, and between two such doubts. */
export const DOUBT_AFTER = 10_000;
