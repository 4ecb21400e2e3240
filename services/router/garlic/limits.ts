/*
 * Every bound and every timer of the ratchet, each with its unit and its reason.
 * "Spec" is ECIES Ratchet; figures of other routers are theirs as read in their sources.
 */

/** Bytes of a session tag (spec, "Existing session format"). */
export const TAG_LENGTH = 8;

/**
 * Bytes. What fills exactly two tunnel messages once tag, AEAD tag, I2NP header and garlic length are around it;
 * i2pd aims at the same. Padding never pushes a payload over this edge.
 */
export const TWO_TUNNEL_MESSAGES = 1_912;

/** Last tag index that is sent in one tag set. The spec ends at 65535, i2pd looks out for none above 65533. */
export const LAST_TAG_INDEX = 65_533;

/** Largest tag set ID (spec, "Key and tag set IDs"). A session that used it up is replaced by a new one. */
export const LAST_TAG_SET = 65_535;

/** Messages in one tag set after which the next DH ratchet starts. i2pd takes 8192, emissary 20000: ours is stricter. */
export const RATCHET_AFTER_MESSAGES = 4_096;

/** Tags that wait for New Session Replies to one New Session; as many as i2pd waits for, so nobody sends more. */
export const REPLY_TAGS = 12;

/** Reply tags of one New Session over time; each costs two DHs, and a remote that replies so often is confirmed at once. */
export const MAX_REPLY_TAGS = 96;

/** Tags looked out for in a fresh session; it grows by one for every two messages received. */
export const TAGS_AHEAD_MIN = 24;

/**
 * Tags looked out for in a busy session. A sender may lose a whole streaming window when a tunnel dies, and what
 * comes after must still be recognized: i2pd has up to 512 packets in flight (and looks 800 ahead), Java 128.
 */
export const TAGS_AHEAD_MAX = 640;

/**
 * Tags that may be generated at once in a session, and how many every message received earns. An honest sender loses
 * a window now and then; one that always jumps to the end of ours, or ratchets with every message, would cost us
 * 640 tags (5 to 9 ms) a message.
 */
export const MAX_TAG_CREDIT = 2 * TAGS_AHEAD_MAX;
export const TAG_CREDIT_PER_MESSAGE = 8;

/** Tags still looked out for behind the newest message. Later ones were retransmitted under new tags long ago. */
export const TAGS_BEHIND = 160;

/** Remotes with sessions of ours. A client talks to dozens, a busy server to hundreds; each costs a few kilobytes. */
export const MAX_REMOTES = 1_024;

/**
 * Remotes that only sent a New Session and have confirmed nothing. A flood displaces these and no real session; at
 * the rate below each still has 12 s to confirm.
 */
export const MAX_STRANGERS = 256;

/**
 * Our unanswered New Sessions to one remote: all that is sent in a round trip, such as the SYNs of a browser's many
 * connections and their retransmissions. A reply to one that was dropped is lost.
 */
export const MAX_OUTSTANDING = 16;

/** New Sessions of one remote that wait for our reply or for its confirmation; the same seen from the other side. */
export const MAX_INCOMING = 16;

/** Confirmed sessions with one remote: the one in use, the one before, and one for both sides opening at once. */
export const MAX_SESSIONS = 3;

/** Older inbound tag sets of one session that are kept beside the current one. */
export const MAX_OLD_TAG_SETS = 2;

/** Acks collected for one message. A remote asks once a second at most; the rest is lost, and it asks again. */
export const MAX_PENDING_ACKS = 32;

/** Our own ack requests of one session that wait for their ack. */
export const MAX_AWAITED_ACKS = 64;

/** One-time reply keys: a few lookups and tunnel builds at a time, with room for bursts at start. */
export const MAX_REPLY_KEYS = 1_024;

/** Bytes of ephemeral keys remembered against replays: the rate below times the window, with room (about 2 MB). */
export const MAX_REPLAY_ENTRIES = 16_384;

/**
 * Attempts per second to open something as a New Session, and how many may come at once. An attempt costs an
 * Elligator2 decoding and a DH, about 0.25 ms, so garbage takes 8 % of a core. It has to come through a tunnel at a
 * kilobyte each, and whoever fills one tunnel with it leaves the others free.
 */
export const ATTEMPTS_PER_SECOND = 300;
export const ATTEMPTS_BURST = 600;

/** The same of New Sessions that open. With our reply one costs 3 ms, so 6 % of a core. i2pd admits 5 a second. */
export const NEW_SESSIONS_PER_SECOND = 20;
export const NEW_SESSIONS_BURST = 120;

/** Milliseconds. How old and how far ahead the DateTime of a New Session may be (spec, and i2pd the same). */
export const NEW_SESSION_MAX_AGE = 5 * 60_000;
export const NEW_SESSION_MAX_AHEAD = 2 * 60_000;

/** Milliseconds that an application has to say something before we answer for it. i2pd forgets a New Session after 3 s. */
export const ANSWER_AFTER = 1_000;

/** Milliseconds that reply tags of an unanswered New Session are kept (i2pd: 180 s). */
export const OUTSTANDING_LIFETIME = 180_000;

/** Milliseconds that a New Session is answered, and its replies wait for the first message under them (i2pd: 15 s). */
export const INCOMING_LIFETIME = 60_000;

/**
 * Milliseconds that a session of ours may be silent from the start. i2pd forgets its side when it hears nothing
 * within 15 s of its reply, and then our messages mean nothing to it.
 */
export const CONFIRM_WITHIN = 20_000;

/** Milliseconds without a word from the remote after which we send a New Session, if the session has this age at least. */
export const RESTART_AFTER_SILENCE = 90_000;
export const RESTART_AFTER_AGE = 120_000;

/** Milliseconds without a word from the remote after which the session is forgotten (i2pd: 600 s). */
export const SESSION_LIFETIME = 600_000;

/** Milliseconds that a replaced session or inbound tag set still receives (spec: about 3 minutes). */
export const REPLACED_LIFETIME = 180_000;

/** Milliseconds of one-sided sending after which a message asks for an ack, to learn whether the session lives (i2pd: 33 s). */
export const PROBE_AFTER = 30_000;

/** Milliseconds between two looks for what has expired. */
export const SWEEP_INTERVAL = 15_000;

/** New Sessions sent in place of a doubted session's messages: enough that one arrives, few enough to cost nothing. */
export const DOUBTED_MESSAGES = 4;
