/** Packets in order until an ack leaves at once, while the sender's window is still small. */
const EAGER_COUNT = 2;
/**
 * The same once the stream runs: time decides, ten times per round trip, and this is a bound. i2pd's sender takes the
 * differences between acks for the path's jitter: with many of them it finds a queue in every wobble and never grows.
 */
const STEADY_COUNT = 100;
/** Packets received until a stream counts as running. */
const EAGER_UNTIL = 64;
/** ms; longest wait (i2pd 200, Java 750). */
export const MAX_ACK_DELAY = 200;
/** ms; wait while no RTT is known, and shortest wait otherwise. */
const UNKNOWN_RTT_DELAY = 50;
const MIN_ACK_DELAY = 5;
/** Share of the RTT to wait: i2pd's senders pace by acks that come about ten times per round trip. */
const RTT_SHARE = 1 / 10;
/** Share of the RTT between two acks that report gaps, once a stream runs. */
const GAP_SPACING = 1 / 32;
/** ms; a requested ack waits this long for company (Streaming API: "delay slightly"). */
const REQUESTED_DELAY = 2;
/** ms between acks that duplicates provoke. */
const DUPLICATE_SPACING = 10;

/** Decides when what was received is acknowledged. Every packet that we send carries the ack as well. */
export class AckTimer {
  #due = Number.POSITIVE_INFINITY;
  #waiting = 0;
  #total = 0;
  #lastAck = Number.NEGATIVE_INFINITY;

  /** ms; Infinity when nothing is owed. */
  get due(): number {
    return this.#due;
  }

  /** A packet in order. `rtt` in ms, if known; `gap`: something before later packets is still missing. */
  inOrder(now: number, rtt: number | undefined, gap: boolean): void {
    this.#waiting++;
    this.#total++;
    if (gap) this.#report(now, rtt);
    else if (this.#waiting >= (this.#total <= EAGER_UNTIL ? EAGER_COUNT : STEADY_COUNT)) this.#by(now);
    else this.#by(now + delayFor(rtt));
  }

  /** A packet after a gap: the sender needs to hear of it; `first`: the gap is new. */
  gap(now: number, rtt: number | undefined, first: boolean): void {
    this.#waiting++;
    this.#total++;
    if (first) this.#by(now);
    else this.#report(now, rtt);
  }

  /** The sender did not get our ack. */
  duplicate(now: number): void {
    this.#by(Math.max(now, this.#lastAck + DUPLICATE_SPACING));
  }

  /** The sender asked for an ack. */
  requested(now: number): void {
    this.#by(now + REQUESTED_DELAY);
  }

  now(now: number): void {
    this.#by(now);
  }

  /** An ack left. */
  sent(now: number): void {
    this.#due = Number.POSITIVE_INFINITY;
    this.#waiting = 0;
    this.#lastAck = now;
  }

  /** Every second packet while the stream is young; later not for each of a thousand packets a second. */
  #report(now: number, rtt: number | undefined): void {
    if (this.#waiting < EAGER_COUNT) this.#by(now + delayFor(rtt));
    else if (this.#total <= EAGER_UNTIL) this.#by(now);
    else this.#by(Math.max(now, this.#lastAck + (rtt ?? 0) * GAP_SPACING));
  }

  #by(at: number): void {
    this.#due = Math.min(this.#due, at);
  }
}

function delayFor(rtt: number | undefined): number {
  if (rtt === undefined) return UNKNOWN_RTT_DELAY;
  return Math.min(MAX_ACK_DELAY, Math.max(MIN_ACK_DELAY, rtt * RTT_SHARE));
}
