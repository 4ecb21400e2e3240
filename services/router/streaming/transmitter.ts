import type { Ensemble } from './ensemble.ts';
import { Flow } from './flow.ts';
import { REPEATED_SYN_AFTER } from './limits.ts';
import type { PathSeed } from './paths.ts';
import { ProbeTimer } from './probe-timer.ts';
import { INITIAL_RTO, RttEstimator } from './rtt.ts';
import { SendBuffer, type SentPacket } from './send-buffer.ts';

/** Timeouts in a row without any progress until the stream is given up; Java 8, i2pd 10. */
export const MAX_RESENDS = 8;
/** Resends of a CLOSE whose sender is closed already: i2pd forgets a stream as soon as it sent its own CLOSE. */
export const CLOSE_RESENDS = 2;
/** Timeouts in a row after which the remote may have lost the session too. */
const DOUBTED_AFTER = 2;
/** ms; a SYN may have to wait for a LeaseSet and a new ratchet session, whatever the last stream measured. */
const MIN_SYN_RTO = 3_000;
/** ms; the same for a SYN that answers one: session and path have just been used. */
const MIN_ANSWER_RTO = 1_000;
/** ms; the first try of a SYN. Sooner than Java's 9 s: a lost SYN is what a user waits for, a needless one is cheap. */
const FIRST_SYN_RTO = 5_000;
/** Share of the lowest RTT, and ms, that packets may overtake each other by before one counts as lost. */
const REORDER_SHARE = 1 / 4;
const REORDER_SLACK = 5;
/** Window-shares: an ack is asked for about this often per window, so that it never runs dry. */
const ACKS_PER_WINDOW = 4;

export interface Transmission {
  readonly packet: SentPacket;
  /** the sender of data stops here for now: ask for an ack at once */
  readonly ackWanted: boolean;
}

/** The sending half of a stream: what leaves when. Knows sequence numbers and times, no packet format. */
export class Transmitter {
  readonly buffer = new SendBuffer();
  readonly rtt: RttEstimator;
  readonly #flow: Flow;
  readonly #ensemble: Ensemble;
  /** payload bytes per packet */
  #maxPayload: number;
  #holdUntil = Number.NEGATIVE_INFINITY;
  #synSent = false;
  /** until the peer's stream ID is known only the SYN may leave */
  #established: boolean;
  /** our SYN answers the peer's */
  readonly #answers: boolean;
  #ended = false;
  #closeSent = false;
  #timeouts = 0;
  #timedOutAt = Number.NEGATIVE_INFINITY;
  /** ms; acks and transmissions push the timeout forward */
  #lastProgress = 0;
  readonly #probes = new ProbeTimer();
  #sinceAckWanted = 0;
  /** ms; when a packet reported missing may be found lost */
  #lossCheckAt = Number.POSITIVE_INFINITY;

  constructor(options: {
    readonly maxPayload: number;
    /** we answer a SYN: the peer's stream ID is known from the start */
    readonly established: boolean;
    readonly seed?: PathSeed | undefined;
    readonly ensemble: Ensemble;
  }) {
    this.#maxPayload = options.maxPayload;
    this.#established = options.established;
    this.#answers = options.established;
    this.rtt = new RttEstimator(options.seed);
    this.#ensemble = options.ensemble;
    this.#flow = new Flow(this.rtt, options.ensemble, options.seed?.window);
  }

  get window(): number {
    return this.#flow.window;
  }

  /** The peer has everything, our CLOSE included: an ack of CLOSE alone may have gaps before it. */
  get finished(): boolean {
    return this.#closeSent && this.buffer.unacknowledged === 0;
  }

  /** Every byte is acknowledged; only our CLOSE may still be on its way. */
  get onlyCloseLeft(): boolean {
    return this.#closeSent && this.buffer.unacknowledged <= 1 && this.buffer.oldest()?.part !== 'data';
  }

  get synAcknowledged(): boolean {
    return this.#synSent && this.buffer.oldest()?.part !== 'syn';
  }

  /** In a row, without progress in between. */
  get timeouts(): number {
    return this.#timeouts;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Our SYN waits until then, or until there is data to go with it. */
  hold(until: number): void {
    this.#holdUntil = until;
  }

  /** The peer's SYN came: its ID and payload limit are known. */
  establish(maxPayload: number): void {
    this.#established = true;
    this.#maxPayload = Math.min(this.#maxPayload, maxPayload);
  }

  end(): void {
    this.#ended = true;
  }

  /** Takes part in its ensemble while it has something to send. */
  enlist(): void {
    this.#ensemble.mark(this, this.buffer.unacknowledged + this.buffer.queued > 0);
  }

  /** Nothing of it leaves any more. */
  clear(): void {
    this.buffer.clear();
    this.enlist();
  }

  /** The next packet that may leave now, retransmissions first. It counts as sent. */
  next(now: number): Transmission | undefined {
    if (this.#probes.running) return this.#probe(now);
    if (now >= this.#lossCheckAt) this.#findLost(now);
    const lost = this.buffer.firstLost();
    if (lost) {
      if (!this.#flow.take(this.buffer.inFlight, now)) return undefined;
      this.buffer.resent(lost, now);
      return { packet: lost, ackWanted: !this.#moreToSend() };
    }
    if (!this.#mayStart(now) || !this.#fits()) return undefined;
    if (!this.#flow.take(this.buffer.inFlight, now)) return undefined;
    return this.#fresh(now);
  }

  /**
   * An ack came in. Undefined when it acknowledges what was never sent; otherwise whether anything was new.
   */
  acknowledge(
    ackThrough: number,
    nacks: readonly number[],
    now: number,
  ): { readonly progress: boolean } | undefined {
    const before = this.buffer.inFlight;
    const result = this.buffer.acknowledge(ackThrough, nacks, now);
    if (!result) return undefined;
    // Before a timeout the path was another, and an ack that was lost with it makes the longest RTT of all.
    if (result.rtt !== undefined && now - result.rtt >= this.#timedOutAt) {
      this.rtt.sample(result.rtt, now);
      this.#flow.measured();
    }
    if (result.acknowledged > 0) {
      this.#timeouts = 0;
      this.#lastProgress = now;
      this.rtt.progress();
      this.#flow.acknowledged(result.acknowledged, before, now);
    }
    this.#findLost(now);
    this.#flow.pace();
    return { progress: result.acknowledged > 0 };
  }

  /** ms; when the oldest unacknowledged packet is overdue. Infinity when there is none, or while choked. */
  get deadline(): number {
    const oldest = this.buffer.oldest();
    if (!oldest || this.#probes.running) return Number.POSITIVE_INFINITY;
    return (
      Math.max(this.#lastProgress, oldest.sentAt) +
      (oldest.part === 'syn' ? this.#synRto(oldest) : this.rtt.rto)
    );
  }

  /** At `deadline`: everything unacknowledged will be sent again. */
  timeout(now: number): void {
    if (++this.#timeouts >= DOUBTED_AFTER) this.#ensemble.doubted();
    this.#timedOutAt = now;
    this.#lastProgress = now;
    // Before anything was measured, each try goes another way instead of later.
    if (this.rtt.smoothed !== undefined) this.rtt.backOff();
    this.#flow.timedOut(this.buffer.nextSequence);
    this.rtt.pathChanged();
    this.buffer.loseAll();
    this.#flow.pace();
  }

  /** Perhaps a new way: what timed out goes again before its time. `certain`: it is one, patience begins anew. */
  resume(certain: boolean, now: number): void {
    if (this.#timeouts === 0 || this.#probes.running) return;
    if (certain) this.rtt.progress();
    if (certain) this.#timeouts = 0;
    this.#lastProgress = now;
    this.buffer.loseAll();
  }

  /** The peer has no room (Streaming API, "Windows and Choking"): stop, probe now and then. */
  choke(now: number): void {
    if (this.#probes.running) return;
    this.#probes.start(now, this.rtt.rto);
    this.#flow.choked();
  }

  unchoke(now: number): void {
    if (!this.#probes.running) return;
    this.#probes.stop();
    this.#lastProgress = now;
    this.#timeouts = 0;
  }

  /** The peer repeats its SYN: true when our answer has to be sent again. */
  repeatSyn(now: number): boolean {
    const oldest = this.buffer.oldest();
    if (oldest?.part !== 'syn' || now < oldest.sentAt + REPEATED_SYN_AFTER) return false;
    this.buffer.lose(oldest);
    return true;
  }

  /** Something was heard from the peer: it lives, even if it has no room. */
  heard(): void {
    if (this.#probes.running) this.#timeouts = 0;
  }

  /** When `next` or `timeout` has to be called again at the latest. */
  wakeAt(now: number): number {
    if (this.#probes.running) {
      const idle = this.buffer.unacknowledged === 0 && !this.#moreToSend();
      return idle ? Number.POSITIVE_INFINITY : this.#probes.at;
    }
    const at = Math.min(this.deadline, this.#lossCheckAt);
    const wantsToSend = this.buffer.firstLost() !== undefined || (this.#moreToSend() && this.#fits());
    if (!wantsToSend) return at;
    if (!this.#synSent && now < this.#holdUntil && this.buffer.queued === 0) {
      return Math.min(at, this.#holdUntil);
    }
    return Math.min(at, this.#flow.next(this.buffer.inFlight, now));
  }

  #fresh(now: number): Transmission {
    const part = !this.#synSent ? 'syn' : this.buffer.queued > 0 ? 'data' : 'close';
    const packet = this.buffer.pack(part, part === 'close' ? 0 : this.#maxPayload, now);
    if (part === 'syn') this.#synSent = true;
    if (part === 'close') this.#closeSent = true;
    if (this.buffer.unacknowledged === 1) this.#lastProgress = now;
    this.#sinceAckWanted++;
    const { room } = this.#flow;
    const full = this.buffer.inFlight >= room;
    const ackWanted = full || !this.#moreToSend() || this.#sinceAckWanted >= room / ACKS_PER_WINDOW;
    if (ackWanted) this.#sinceAckWanted = 0;
    return { packet, ackWanted };
  }

  /** Probes go out one at a time, at growing intervals, and never end the window. */
  #probe(now: number): Transmission | undefined {
    if (now < this.#probes.at) return undefined;
    const oldest = this.buffer.oldest();
    if (!oldest && !this.#moreToSend()) return undefined;
    this.#timeouts++;
    this.#probes.again(now);
    if (!oldest) return { ...this.#fresh(now), ackWanted: true };
    this.buffer.resent(oldest, now);
    return { packet: oldest, ackWanted: true };
  }

  #findLost(now: number): void {
    const { smoothed = INITIAL_RTO, variance, lowest = 0 } = this.rtt;
    const patience = smoothed + Math.max(lowest * REORDER_SHARE, 2 * variance) + REORDER_SLACK;
    const { count, first, again } = this.buffer.findLost(now, patience);
    this.#lossCheckAt = again;
    if (first !== undefined) this.#flow.lost(first, count, this.buffer.nextSequence);
  }

  #synRto(syn: SentPacket): number {
    const { rto, smoothed } = this.rtt;
    if (smoothed === undefined && syn.sends === 1) return FIRST_SYN_RTO;
    return Math.min(INITIAL_RTO, Math.max(this.#answers ? MIN_ANSWER_RTO : MIN_SYN_RTO, rto));
  }

  #mayStart(now: number): boolean {
    if (!this.#moreToSend()) return false;
    return this.#synSent || this.buffer.queued > 0 || this.#ended || now >= this.#holdUntil;
  }

  /** The peer keeps packets behind a gap, but not any number of them. */
  #fits(): boolean {
    const { nextSequence } = this.buffer;
    return nextSequence - (this.buffer.oldest()?.sequence ?? nextSequence) < this.#flow.span;
  }

  /** i2pd gives a stream up when data comes and our SYN, lost or overtaken, does not within 200 ms: the SYN goes alone. */
  #moreToSend(): boolean {
    if (!this.#synSent) return true;
    if (!this.#established || (this.#answers && !this.synAcknowledged)) return false;
    return this.buffer.queued > 0 || (this.#ended && !this.#closeSent);
  }
}
