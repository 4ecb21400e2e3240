/**
 * What forwarder and router say to each other on `streams.sock`: SOCKS 5 (RFC 1928, RFC 1929) over a Unix socket.
 *
 * Login: the user name is the isolation key, opaque to the router. No login is the empty key.
 *
 * `CONNECT` asks for a stream to a name below .i2p. The bytes that stand behind the request in the same write travel
 * with the SYN, and later ones follow without waiting for the reply. A client that ends before the reply gives it up.
 *
 * `BIND` with a service's name as address waits for one visitor. The first reply is granted as soon as the service is
 * known, its address the service's own Base32 name; the second reply comes with the visitor, its address of type
 * `VISITOR_ADDRESS`, its port the one that the visitor asked for; then bytes pass. One request, one visitor.
 *
 * With the password `FRAMES` the stream's bytes are in frames both ways (common/bytes/frames.ts), the early ones too. A
 * Unix socket has no RST: who closes one because a stream was reset looks to the other side as if it had ended, and a
 * body that ends with its connection would be cut unseen; who has gone looks as if it had only finished speaking, and
 * its stream would stay for days. So an end is said, and a close without one is a reset, in either direction and at once.
 * Other ways were looked at: ECONNRESET comes from bytes that were left unread, which nobody can have at hand when they
 * are needed; the length of a body is not known to the router, and often to nobody. Without that password bytes are
 * plain, for any SOCKS 5 client, and an end is a close.
 */

/** The password of whoever wants frames. */
export const FRAMES = 'frames';

/** Why a stream is not to be had. Each has a private SOCKS 5 reply code, as Tor's extended errors have (proposal 304). */
export const STREAM_REFUSALS = {
  /** no tunnels yet */
  'not-ready': 0xe0,
  /** no address book knows the name, or no service has it */
  'unknown-destination': 0xe1,
  /** no floodfill had the LeaseSet */
  'lease-set-not-found': 0xe2,
  /** the LeaseSet is of a kind that this router can't use */
  unsupported: 0xe3,
  /** the other side answered the SYN with CLOSE or RESET */
  refused: 0xe4,
  /** the stream broke while it was opened */
  reset: 0xe5,
  /** the LeaseSet is known, but the SYN stayed unanswered */
  'no-answer': 0xe6,
  /** the router's own deadline passed */
  timeout: 0xe7,
  /** not a name that can exist below .i2p, or one that is reserved */
  'invalid-name': 0xe8,
  /** the name of an encrypted LeaseSet (b33) */
  encrypted: 0xe9,
  /** a bound of the router's is reached: come back later */
  busy: 0xea,
} as const;
export type StreamRefusal = keyof typeof STREAM_REFUSALS;

/** Undefined for a code that is none of ours. */
export function streamRefusal(code: number): StreamRefusal | undefined {
  return (Object.keys(STREAM_REFUSALS) as StreamRefusal[]).find((name) => STREAM_REFUSALS[name] === code);
}

/** Address type of a visitor in the second reply to BIND: two bytes of length, big-endian, then the Destination. */
export const VISITOR_ADDRESS = 0xe0;
/** Bytes of a Destination as a visitor's address: 387, and room for the certificates of key types to come. */
export const VISITOR_MAX = 4_096;
