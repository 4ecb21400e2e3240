import type { Ensemble } from './ensemble.ts';
import { Pacer } from './pacer.ts';
import type { RttEstimator } from './rtt.ts';
import { CongestionWindow, INITIAL_WINDOW } from './window.ts';

/** Share of the window in flight from which its growth is justified. */
const LIMITED_SHARE = 0.75;

/** How many packets of a stream may be in flight, and when the next may leave: window, ensemble and pacer together. */
export class Flow {
  readonly #window: CongestionWindow;
  readonly #ensemble: Ensemble;
  readonly #rtt: RttEstimator;
  readonly #pacer = new Pacer();
  /** the RTT is that of the path since the last timeout */
  #measured = true;

  constructor(rtt: RttEstimator, ensemble: Ensemble, window = INITIAL_WINDOW) {
    this.#rtt = rtt;
    this.#ensemble = ensemble;
    this.#window = new CongestionWindow(window);
    this.pace();
  }

  /** Packets; what the path carries as far as known. */
  get window(): number {
    return this.#window.size;
  }

  /** Packets that may be in flight now. */
  get room(): number {
    return Math.min(this.#window.size, this.#ensemble.share);
  }

  /** Packets from the oldest unacknowledged to the newest: what the peer has to be able to keep. */
  get span(): number {
    return this.#window.span;
  }

  /** True: one packet may leave now and was counted. */
  take(inFlight: number, now: number): boolean {
    return inFlight < this.room && this.#pacer.take(now);
  }

  /** ms; when a packet may leave by time alone. Infinity while the room is full: an ack has to come first. */
  next(inFlight: number, now: number): number {
    return inFlight < this.room ? this.#pacer.next(now) : Number.POSITIVE_INFINITY;
  }

  /** `count` packets were acknowledged, of the `before` that were in flight. */
  acknowledged(count: number, before: number, now: number): void {
    this.#ensemble.delivered(count);
    const limited = before + 1 >= this.#window.size * LIMITED_SHARE;
    this.#window.acknowledged(count, limited, this.#rtt, now);
  }

  lost(sequence: number, count: number, nextSequence: number): void {
    this.#window.lost(sequence, count, nextSequence, this.#rtt.lowest);
  }

  timedOut(nextSequence: number): void {
    this.#measured = false;
    this.#window.timedOut(nextSequence, this.#rtt.lowest);
  }

  choked(): void {
    this.#window.choked();
    this.pace();
  }

  /** The RTT was measured on the path since the last timeout. */
  measured(): void {
    this.#measured = true;
  }

  /** After everything that changed window or RTT. */
  pace(): void {
    // Repeated packets give no RTT: until a new one does, acks alone set the pace.
    this.#pacer.adjust(this.room, this.#measured ? this.#rtt.smoothed : undefined, this.#window.slowStart);
  }
}
