import { REPEATED_SYN_AFTER } from './limits.ts';
import { Pacer } from './pacer.ts';
import { ProbeTimer } from './probe-timer.ts';
import { INITIAL_RTO, RttEstimator } from './rtt.ts';
import { SendBuffer, type SentPacket } from './send-buffer.ts';
import { CongestionWindow, INITIAL_WINDOW } from './window.ts';

/** Timeouts in a row without any progress until the stream is given up; Java 8, i2pd 10. */
export const MAX_RESENDS = 8;
/** Resends of a CLOSE whose sender is closed already: i2pd forgets a stream as soon as it sent its own CLOSE. */
export const CLOSE_RESENDS = 2;
/** ms; a SYN may have to wait for a LeaseSet and a new ratchet session, whatever the last stream measured. */
const MIN_SYN_RTO = 3_000;
/** ms; the first try of a SYN. Sooner than Java's 9 s: a lost SYN is what a user waits for, a needless one is cheap. */
const FIRST_SYN_RTO = 5_000;
/** Share of the lowest RTT, and ms, that packets may overtake each other by before one counts as lost. */
const REORDER_SHARE = 1 / 4;
const REORDER_SLACK = 5;
/** Window-shares: an ack is asked for about this often per window, so that it never runs dry. */
const ACKS_PER_WINDOW = 4;

/** What is known of a path from an earlier stream to the same peer. */
export interface PathSeed {
  /** ms */
  readonly rtt: number;
  /** ms */
  readonly variance: number;
  /** packets */
  readonly window: number;
}

export interface Transmission {
  readonly packet: SentPacket;
  /** the sender of data stops here for now: ask for an ack at once */
  readonly ackWanted: boolean;
}

/** The sending half of a stream: what leaves when. Knows sequence numbers and times, no packet format. */
export class Transmitter {
  readonly buffer = new SendBuffer();
  readonly rtt: RttEstimator;
  readonly #window: CongestionWindow;
  readonly #pacer = new Pacer();
  /** payload bytes per packet */
  #maxPayload: number;
  #holdUntil = Number.NEGATIVE_INFINITY;
  #synSent = false;
  /** until the peer's stream ID is known only the SYN may leave */
  #established: boolean;
  #ended = false;
  #closeSent = false;
  #timeouts = 0;
  #timedOutAt = Number.NEGATIVE_INFINITY;
  /** the RTT is that of the path since then */
  #measured = true;
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
  }) {
    this.#maxPayload = options.maxPayload;
    this.#established = options.established;
    this.rtt = new RttEstimator(options.seed);
    this.#window = new CongestionWindow(options.seed?.window ?? INITIAL_WINDOW);
    this.#pace();
  }

  get window(): number {
    return this.#window.size;
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

  /** The next packet that may leave now, retransmissions first. It counts as sent. */
  next(now: number): Transmission | undefined {
    if (this.#probes.running) return this.#probe(now);
    if (now >= this.#lossCheckAt) this.#findLost(now);
    const lost = this.buffer.firstLost();
    if (lost) {
      if (this.buffer.inFlight >= this.#window.size || !this.#pacer.take(now)) return undefined;
      this.buffer.resent(lost, now);
      return { packet: lost, ackWanted: !this.#moreToSend() };
    }
    if (!this.#mayStart(now) || !this.#fits()) return undefined;
    if (this.buffer.inFlight >= this.#window.size || !this.#pacer.take(now)) return undefined;
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
      this.#measured = true;
    }
    if (result.acknowledged > 0) {
      this.#timeouts = 0;
      this.#lastProgress = now;
      this.rtt.progress();
      const limited = before + 1 >= this.#window.size * 0.75;
      this.#window.acknowledged(result.acknowledged, limited, this.rtt, now);
    }
    this.#findLost(now);
    this.#pace();
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
    this.#timeouts++;
    this.#timedOutAt = now;
    this.#measured = false;
    this.#lastProgress = now;
    // Before anything was measured, each try goes another way instead of later.
    if (this.rtt.smoothed !== undefined) this.rtt.backOff();
    this.#window.timedOut(this.buffer.nextSequence, this.rtt.lowest);
    this.rtt.pathChanged();
    this.buffer.loseAll();
    this.#pace();
  }

  /** Perhaps a new way: what timed out goes again before its time. `certain`: it is one, patience begins anew. */
  resume(certain: boolean, now: number): void {
    if (this.#timeouts === 0 || this.#probes.running) return;
    if (certain) this.rtt.progress();
    if (certain) this.#timeouts = 0;
    this.#lastProgress = now;
    this.buffer.loseAll();
  }

  /** The peer has no room (api/streaming.md, "Windows and Choking"): stop, probe now and then. */
  choke(now: number): void {
    if (this.#probes.running) return;
    this.#probes.start(now, this.rtt.rto);
    this.#window.choked();
    this.#pace();
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
    let at = Math.min(this.deadline, this.#lossCheckAt);
    const wantsToSend = this.buffer.firstLost() !== undefined || (this.#moreToSend() && this.#fits());
    if (!wantsToSend) return at;
    if (!this.#synSent && now < this.#holdUntil && this.buffer.queued === 0) {
      return Math.min(at, this.#holdUntil);
    }
    if (this.buffer.inFlight < this.#window.size) at = Math.min(at, this.#pacer.next(now));
    return at;
  }

  #fresh(now: number): Transmission {
    const part = !this.#synSent ? 'syn' : this.buffer.queued > 0 ? 'data' : 'close';
    const packet = this.buffer.pack(part, part === 'close' ? 0 : this.#maxPayload, now);
    if (part === 'syn') this.#synSent = true;
    if (part === 'close') this.#closeSent = true;
    if (this.buffer.unacknowledged === 1) this.#lastProgress = now;
    this.#sinceAckWanted++;
    const full = this.buffer.inFlight >= this.#window.size;
    const ackWanted =
      full || !this.#moreToSend() || this.#sinceAckWanted >= this.#window.size / ACKS_PER_WINDOW;
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
    if (first !== undefined) this.#window.lost(first, count, this.buffer.nextSequence, this.rtt.lowest);
  }

  #synRto(syn: SentPacket): number {
    const { rto, smoothed } = this.rtt;
    if (smoothed === undefined && syn.sends === 1) return FIRST_SYN_RTO;
    return Math.min(INITIAL_RTO, Math.max(MIN_SYN_RTO, rto));
  }

  #mayStart(now: number): boolean {
    if (!this.#moreToSend()) return false;
    return this.#synSent || this.buffer.queued > 0 || this.#ended || now >= this.#holdUntil;
  }

  /** The peer keeps packets behind a gap, but not any number of them. */
  #fits(): boolean {
    const { nextSequence } = this.buffer;
    return nextSequence - (this.buffer.oldest()?.sequence ?? nextSequence) < this.#window.span;
  }

  #moreToSend(): boolean {
    if (!this.#synSent) return true;
    if (!this.#established) return false;
    return this.buffer.queued > 0 || (this.#ended && !this.#closeSent);
  }

  #pace(): void {
    // Repeated packets give no RTT: until a new one does, acks alone set the pace.
    const rtt = this.#measured ? this.rtt.smoothed : undefined;
    this.#pacer.adjust(this.#window.size, rtt, this.#window.slowStart);
  }
}
