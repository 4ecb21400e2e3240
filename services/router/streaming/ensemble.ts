/**
 * Packets in flight to one remote, all streams together. They share a ratchet session, whose receiver looks out for
 * the tags of 800 messages past the newest (i2pd) and does not let a lost session be replaced for 120 s: what a dead
 * tunnel swallows, and its retransmissions, must stay below that.
 */
export const ENSEMBLE_WINDOW = 512;
/** Packets that every stream may have in flight, however many share. */
export const MIN_SHARE = 2;
/**
 * Packets, and share of the packets delivered: how much is in flight while the ratchet session is young. Its receiver
 * looks out for 24 tags and one more per two messages (ours, i2pd's).
 */
const LOOKAHEAD = 10;
const LOOKAHEAD_GROWTH = 0.45;

/**
 * The streams between us and one remote (RFC 2140, "ensemble"). What they have in flight together is bounded by the
 * session that carries them, and divided evenly among those that have something to send.
 */
export class Ensemble {
  readonly #busy = new Set<object>();
  #delivered = 0;

  /** Packets that one stream may have in flight. */
  get share(): number {
    const all = Math.min(ENSEMBLE_WINDOW, LOOKAHEAD + this.#delivered * LOOKAHEAD_GROWTH);
    return Math.max(MIN_SHARE, Math.floor(all / Math.max(1, this.#busy.size)));
  }

  /** `stream` has packets queued or unacknowledged, or no longer. */
  mark(stream: object, busy: boolean): void {
    if (busy) this.#busy.add(stream);
    else this.#busy.delete(stream);
  }

  delivered(packets: number): void {
    this.#delivered += packets;
  }

  /** The session may be lost to the remote: the next one starts young. */
  doubted(): void {
    this.#delivered = 0;
  }
}
