import { concatBytes } from '@allium/common/bytes/compare.ts';

/** Bytes not yet sent at which the writer is asked to wait. */
export const SEND_HIGH_WATER = 256 * 1_024;
/** Bytes not yet sent at which a waiting writer may go on. */
export const SEND_LOW_WATER = 128 * 1_024;
/** Bytes not yet sent at which a writer waits when all streams together hold their share. */
export const CROWDED_WATER = 16 * 1_024;
/** Bytes not yet sent; a writer that ignores `blocked` this far loses the stream. */
export const SEND_LIMIT = 4 * 1_048_576;
/** Taken chunks are dropped from the front of the queue in lots of this many. */
const COMPACT_AT = 64;

export interface SentPacket {
  readonly sequence: number;
  readonly part: 'syn' | 'data' | 'close';
  readonly payload: Uint8Array;
  /** ms; latest transmission */
  sentAt: number;
  /** transmissions so far */
  sends: number;
  /** the peer reported it missing since then */
  nacked: boolean;
  /** waits for retransmission */
  lost: boolean;
}

export interface AckResult {
  /** packets acknowledged for the first time */
  readonly acknowledged: number;
  /** ms; RTT of the newest of them that was sent once */
  readonly rtt: number | undefined;
}

export interface LossResult {
  /** packets found lost, and the lowest of them */
  readonly count: number;
  readonly first: number | undefined;
  /** ms; when to look again, Infinity when nothing is missing */
  readonly again: number;
}

/** What was written and not yet acknowledged: a queue of bytes, and packets in flight in order of sequence. */
export class SendBuffer {
  #chunks: Uint8Array[] = [];
  #head = 0;
  /** bytes of the head chunk that are taken already */
  #offset = 0;
  #queued = 0;
  /** payload of packets in flight */
  #sentBytes = 0;
  readonly #sent = new Map<number, SentPacket>();
  #lostCount = 0;
  #nextSequence = 0;
  /** highest `ackThrough` so far: what is left below was reported missing */
  #through = -1;

  /** Bytes written and not yet put into a packet. */
  get queued(): number {
    return this.#queued;
  }

  /** Bytes kept: not yet in a packet, or in one that is not acknowledged. */
  get heldBytes(): number {
    return this.#queued + this.#sentBytes;
  }

  /** Packets in the network: sent, not acknowledged, not known to be lost. */
  get inFlight(): number {
    return this.#sent.size - this.#lostCount;
  }

  get unacknowledged(): number {
    return this.#sent.size;
  }

  /** Sequence number of the next new packet. */
  get nextSequence(): number {
    return this.#nextSequence;
  }

  /** Keeps the view: the bytes must not change any more. */
  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#chunks.push(bytes);
    this.#queued += bytes.length;
  }

  /** Makes the next packet with up to `max` queued bytes; a large chunk is cut into views. */
  pack(part: SentPacket['part'], max: number, now: number): SentPacket {
    const packet: SentPacket = {
      sequence: this.#nextSequence++,
      part,
      payload: this.#take(max),
      sentAt: now,
      sends: 1,
      nacked: false,
      lost: false,
    };
    this.#sent.set(packet.sequence, packet);
    this.#sentBytes += packet.payload.length;
    return packet;
  }

  oldest(): SentPacket | undefined {
    return this.#sent.values().next().value;
  }

  /** The lowest packet that waits for retransmission. */
  firstLost(): SentPacket | undefined {
    if (this.#lostCount === 0) return undefined;
    for (const packet of this.#sent.values()) if (packet.lost) return packet;
    return undefined;
  }

  resent(packet: SentPacket, now: number): void {
    if (packet.lost) this.#lostCount--;
    packet.lost = false;
    packet.sentAt = now;
    packet.sends++;
    packet.nacked = false;
  }

  /** The timer ran out: everything unacknowledged has to be sent again, lowest first. */
  loseAll(): void {
    for (const packet of this.#sent.values()) this.lose(packet);
  }

  /** It has to be sent again. */
  lose(packet: SentPacket): void {
    if (packet.lost) return;
    packet.lost = true;
    this.#lostCount++;
  }

  /** Undefined when `ackThrough` acknowledges what was never sent. */
  acknowledge(ackThrough: number, nacks: readonly number[], now: number): AckResult | undefined {
    if (ackThrough >= this.#nextSequence) return undefined;
    this.#through = Math.max(this.#through, ackThrough);
    const missing = nacks.length > 0 ? new Set(nacks) : undefined;
    let acknowledged = 0;
    let rtt: number | undefined;
    for (const packet of this.#sent.values()) {
      if (packet.sequence > ackThrough) break;
      if (missing?.has(packet.sequence)) {
        packet.nacked = true;
        continue;
      }
      acknowledged++;
      if (packet.sends === 1) rtt = now - packet.sentAt;
      if (packet.lost) this.#lostCount--;
      this.#sent.delete(packet.sequence);
      this.#sentBytes -= packet.payload.length;
    }
    return { acknowledged, rtt };
  }

  /**
   * A packet that was reported missing is lost once `patience` ms have passed since it was sent (RFC 8985's idea):
   * counting NACKs, as Streaming Protocol has it, would take every reordering between tunnels for loss.
   */
  findLost(now: number, patience: number): LossResult {
    let count = 0;
    let first: number | undefined;
    let again = Number.POSITIVE_INFINITY;
    for (const packet of this.#sent.values()) {
      if (packet.sequence > this.#through) break;
      if (packet.lost || !packet.nacked) continue;
      if (packet.sentAt + patience > now) {
        again = Math.min(again, packet.sentAt + patience);
        continue;
      }
      this.lose(packet);
      count++;
      first ??= packet.sequence;
    }
    return { count, first, again };
  }

  clear(): void {
    this.#chunks = [];
    this.#head = 0;
    this.#offset = 0;
    this.#queued = 0;
    this.#sentBytes = 0;
    this.#sent.clear();
    this.#lostCount = 0;
  }

  #take(max: number): Uint8Array {
    const first = this.#chunks[this.#head];
    if (!first || max <= 0) return new Uint8Array(0);
    // Mostly one chunk fills the packet: then it is a view and nothing is copied.
    if (first.length - this.#offset >= max) return this.#cut(first, max);
    const parts: Uint8Array[] = [];
    let room = max;
    for (let chunk = this.#chunks[this.#head]; chunk && room > 0; chunk = this.#chunks[this.#head]) {
      const part = this.#cut(chunk, Math.min(room, chunk.length - this.#offset));
      parts.push(part);
      room -= part.length;
    }
    return parts.length === 1 && parts[0] ? parts[0] : concatBytes(...parts);
  }

  #cut(chunk: Uint8Array, length: number): Uint8Array {
    const part = chunk.subarray(this.#offset, this.#offset + length);
    this.#offset += length;
    this.#queued -= length;
    if (this.#offset >= chunk.length) {
      this.#head++;
      this.#offset = 0;
      if (this.#head >= COMPACT_AT) {
        this.#chunks.splice(0, this.#head);
        this.#head = 0;
      }
    }
    return part;
  }
}
