import type { Share } from '@allium/common/core/shared-limit.ts';
import type { DestHash } from '../wire/hash.ts';
import type { ConnectionOptions } from './connection-options.ts';
import { Lifetime } from './lifetime.ts';
import { LAST_SEQUENCE, MAX_PACKET_SIZE, STALL_DUPLICATES, STALL_SPACING, SYN_DATA_DELAY } from './limits.ts';
import { type DecodedPacket, STREAM_FLAG } from './packet.ts';
import { PacketBuilder } from './packet-builder.ts';
import type { PathSeed } from './paths.ts';
import { Peer, payloadLimit } from './peer.ts';
import { Receiver } from './receiver.ts';
import { CROWDED_WATER, SEND_HIGH_WATER, SEND_LIMIT, SEND_LOW_WATER } from './send-buffer.ts';
import type { PeerKey } from './signing.ts';
import { CLOSE_RESENDS, MAX_RESENDS, Transmitter } from './transmitter.ts';
import type { ResetReason, StreamId, StreamOutput } from './types.ts';

/** ms; above this a delay option means that the peer has no room. */
const CHOKE_ABOVE = 60_000;
/** Flags that only the peer itself may send: a guessed stream ID is not enough. */
const PROVEN_FLAGS = STREAM_FLAG.synchronize | STREAM_FLAG.close | STREAM_FLAG.reset;

/** One stream: binds the sending and the receiving half to packets, proofs and the close handshake. */
export class Connection {
  readonly id: StreamId;
  readonly remote: DestHash;
  readonly localPort: number;
  readonly remotePort: number;
  readonly incoming: boolean;
  readonly #transmitter: Transmitter;
  readonly #receiver: Receiver;
  readonly #builder: PacketBuilder;
  readonly #peer: Peer;
  readonly lifetime: Lifetime;
  readonly #sent: Share;
  /** bytes that `#sent` knows of */
  #counted = 0;
  #blocked = false;
  #dead = false;
  #finished = false;
  #lastStall = Number.NEGATIVE_INFINITY;

  constructor(options: ConnectionOptions) {
    const { id, remote, peer, signer, target, now } = options;
    this.id = id;
    this.remote = remote;
    this.localPort = options.localPort;
    this.remotePort = options.remotePort;
    this.incoming = peer !== undefined;
    this.#sent = options.sent;
    this.#peer = new Peer(remote, peer?.key);
    this.#receiver = new Receiver(options.received);
    this.#builder = new PacketBuilder(peer?.streamId ?? 0, { id, signer, receiver: this.#receiver, target });
    this.#transmitter = new Transmitter({
      maxPayload: peer?.maxPayload ?? MAX_PACKET_SIZE,
      established: peer !== undefined,
      seed: options.seed,
      ensemble: options.ensemble,
    });
    this.lifetime = new Lifetime(now);
    if (peer) this.awaitData(now);
  }

  /** The application is about to write: the SYN waits for it. */
  awaitData(now: number): void {
    this.#transmitter.hold(now + SYN_DATA_DELAY);
  }

  /** Nothing more will come out of it; the manager forgets it. */
  get dead(): boolean {
    return this.#dead;
  }

  /** Both directions were closed in order; false for a stream that broke. */
  get finished(): boolean {
    return this.#finished;
  }

  /** The peer's SYN was seen. */
  get open(): boolean {
    return !this.#receiver.fresh;
  }

  /** Our SYN was acknowledged. */
  get confirmed(): boolean {
    return this.#transmitter.synAcknowledged;
  }

  get peerStreamId(): number {
    return this.#builder.peerStreamId;
  }

  /** The peer's key, once its SYN was seen. */
  get peerKey(): PeerKey | undefined {
    return this.#peer.key;
  }

  /** For the next stream to the same peer; undefined when nothing was measured. */
  get path(): PathSeed | undefined {
    const { smoothed, variance } = this.#transmitter.rtt;
    return smoothed === undefined ? undefined : { rtt: smoothed, variance, window: this.#transmitter.window };
  }

  /** Highest sequence number received, for whoever has to ack after the end. */
  get received(): number {
    return this.#receiver.fields()?.ackThrough ?? 0;
  }

  /** `trusted`: the session that carried the packet is bound to `remote`. */
  receive(packet: DecodedPacket, trusted: boolean, now: number, out: StreamOutput[]): void {
    const { flags } = packet;
    if (!this.#belongs(packet)) return;
    if ((flags & PROVEN_FLAGS) !== 0 && !this.#peer.sent(packet, trusted, now)) return;
    this.lifetime.heard(now);
    this.#transmitter.heard();
    if (flags & STREAM_FLAG.reset) {
      this.#die('peer', out);
      return;
    }
    const syn = (flags & STREAM_FLAG.synchronize) !== 0;
    if (syn && !this.#synchronize(packet)) return;
    if (syn && this.incoming && this.open && this.#transmitter.repeatSyn(now)) this.#stalled(now, out);
    // Its SYN may be late or lost: packets of a session that proves the peer tell the ID as well, for a NACK of it.
    if (trusted && this.peerStreamId === 0) this.#builder.peerStreamId = packet.receiveStreamId;
    // An ack of what was never sent is of no consequence, whoever sent it.
    const ack =
      flags & STREAM_FLAG.noAck
        ? undefined
        : this.#transmitter.acknowledge(packet.ackThrough, packet.nacks, now);
    // A peer without room says so with every ack; one that takes a probe without a word has it again.
    if (packet.delay !== undefined) this.#delayed(packet.delay, now);
    else if (ack?.progress) this.#transmitter.unchoke(now);
    if (syn || packet.sequence !== 0) this.#data(packet, now, out);
    this.flush(now, out);
  }

  write(bytes: Uint8Array, now: number, out: StreamOutput[]): void {
    const { buffer, ended } = this.#transmitter;
    if (ended) return;
    if (buffer.queued + bytes.length > SEND_LIMIT) {
      this.abort('overflow', now, out);
      return;
    }
    buffer.push(bytes);
    this.flush(now, out);
    if (this.#blocked || buffer.queued < (this.#sent.over ? CROWDED_WATER : SEND_HIGH_WATER)) return;
    this.#blocked = true;
    out.push({ kind: 'blocked', stream: this.id });
  }

  end(now: number, out: StreamOutput[]): void {
    this.#transmitter.end();
    this.flush(now, out);
  }

  consumed(bytes: number, now: number, out: StreamOutput[]): void {
    this.#receiver.consumed(bytes, now);
    this.flush(now, out);
  }

  /** Ends the stream and tells the peer. Without a reason it was the application's wish and needs no output. */
  abort(reason: ResetReason | undefined, now: number, out: StreamOutput[]): void {
    if (this.peerStreamId !== 0) {
      this.#emit(
        this.#builder.reset(this.#transmitter.buffer.nextSequence, this.#transmitter.rtt.rto),
        now,
        out,
      );
    }
    if (reason) this.#die(reason, out);
    else this.#bury();
  }

  /** What was sent lately went a way that is gone; there is another now. */
  resume(certain: boolean, now: number, out: StreamOutput[]): void {
    this.#transmitter.resume(certain, now);
    this.flush(now, out);
  }

  tick(now: number, out: StreamOutput[]): void {
    if (this.#dead) return;
    if (this.lifetime.expired(this.open, now)) this.abort('timeout', now, out);
    else if (now >= this.#transmitter.deadline) this.#overdue(now, out);
    this.flush(now, out);
    if (!this.#dead && this.lifetime.keepaliveDue(now)) this.#ack(true, now, out);
  }

  /** ms; when `tick` has work. */
  wakeAt(now: number): number {
    // What overtook the peer's SYN can't be acknowledged before that comes.
    const ackDue = this.peerStreamId === 0 ? Number.POSITIVE_INFINITY : this.#receiver.due;
    return Math.min(this.#transmitter.wakeAt(now), ackDue, this.lifetime.wakeAt(this.open));
  }

  /** Sends what may leave now. */
  flush(now: number, out: StreamOutput[]): void {
    const transmitter = this.#transmitter;
    // A due ack goes with our SYN, never before it: i2pd takes the plain ack for the SYN, then drops the SYN's data.
    if (this.#receiver.due <= now) transmitter.hold(now);
    transmitter.enlist();
    while (!this.#dead) {
      const sent = transmitter.next(now);
      if (!sent) break;
      const bytes = this.#builder.data(sent.packet, sent.ackWanted, transmitter.rtt.rto);
      this.#emit(bytes, now, out, sent.packet.part === 'syn');
      if (transmitter.buffer.nextSequence >= LAST_SEQUENCE) this.abort('protocol', now, out);
      else if (transmitter.timeouts > MAX_RESENDS) this.abort('timeout', now, out);
    }
    this.#sent.add(transmitter.buffer.heldBytes - this.#counted);
    this.#counted = transmitter.buffer.heldBytes;
    if (this.#dead) return;
    if (this.#receiver.due <= now && this.peerStreamId !== 0) this.#ack(false, now, out);
    if (
      this.#blocked &&
      transmitter.buffer.queued <= (this.#sent.over ? CROWDED_WATER / 2 : SEND_LOW_WATER)
    ) {
      this.#blocked = false;
      out.push({ kind: 'writable', stream: this.id });
    }
    if (this.#receiver.closed && transmitter.finished) this.#finish(out);
  }

  #overdue(now: number, out: StreamOutput[]): void {
    const transmitter = this.#transmitter;
    if (this.#receiver.closed && transmitter.onlyCloseLeft && transmitter.timeouts >= CLOSE_RESENDS) {
      this.#finish(out);
      return;
    }
    transmitter.timeout(now);
    if (this.open && transmitter.timeouts > MAX_RESENDS) this.abort('timeout', now, out);
    else this.#stalled(now, out);
  }

  #belongs(packet: DecodedPacket): boolean {
    if (this.#dead) return false;
    const { receiveStreamId } = packet;
    return this.peerStreamId === 0 || receiveStreamId === 0 || receiveStreamId === this.peerStreamId;
  }

  /** The first SYN of the peer tells its ID and limits; false when the packet makes no sense. */
  #synchronize(packet: DecodedPacket): boolean {
    if (packet.sequence !== 0 || packet.receiveStreamId === 0) return false;
    if (this.#peer.key) return packet.receiveStreamId === this.peerStreamId;
    if (!this.#peer.learn(packet)) return false;
    this.#builder.peerStreamId = packet.receiveStreamId;
    this.#transmitter.establish(payloadLimit(packet));
    return true;
  }

  #delayed(delay: number, now: number): void {
    if (delay > CHOKE_ABOVE) this.#transmitter.choke(now);
    else this.#transmitter.unchoke(now);
    if (delay === 0) this.#receiver.ack.requested(now);
  }

  #data(packet: DecodedPacket, now: number, out: StreamOutput[]): void {
    const wasOpen = this.open;
    const close = (packet.flags & STREAM_FLAG.close) !== 0;
    const rtt = this.#transmitter.rtt.smoothed;
    const ready = this.#receiver.receive(packet.sequence, packet.payload, close, now, rtt);
    if (!wasOpen && this.open) {
      const { id, remote, incoming, localPort, remotePort } = this;
      const destination = this.peerKey?.destination;
      out.push({ kind: 'opened', stream: id, remote, destination, incoming, localPort, remotePort });
    }
    for (const { payload, close: last } of ready) {
      if (payload.length > 0) out.push({ kind: 'data', stream: this.id, bytes: payload });
      if (!last) continue;
      out.push({ kind: 'end', stream: this.id });
      this.#receiver.ack.now(now);
    }
    if (this.#receiver.duplicates >= STALL_DUPLICATES) this.#stalled(now, out);
  }

  #ack(wantAnswer: boolean, now: number, out: StreamOutput[]): void {
    this.#emit(this.#builder.ack(wantAnswer, this.#transmitter.rtt.rto), now, out);
  }

  #emit(bytes: Uint8Array, now: number, out: StreamOutput[], compress = false): void {
    this.lifetime.sent(now);
    this.#receiver.sent(now, this.#transmitter.rtt.smoothed);
    const { remote: to, localPort: fromPort, remotePort: toPort } = this;
    out.push({ kind: 'packet', to, fromPort, toPort, bytes, compress });
  }

  #stalled(now: number, out: StreamOutput[]): void {
    if (now < this.#lastStall + STALL_SPACING) return;
    this.#lastStall = now;
    out.push({ kind: 'stalled', remote: this.remote, tries: this.#transmitter.timeouts });
  }

  #finish(out: StreamOutput[]): void {
    this.#finished = true;
    out.push({ kind: 'closed', stream: this.id });
    this.#bury();
  }

  /** Before the peer has answered, the end is a refusal. */
  #die(reason: ResetReason, out: StreamOutput[]): void {
    out.push({ kind: this.open ? 'reset' : 'refused', stream: this.id, reason });
    this.#bury();
  }

  #bury(): void {
    this.#dead = true;
    this.#transmitter.clear();
    this.#receiver.clear();
    this.#sent.give(this.#counted);
    this.#counted = 0;
  }
}
