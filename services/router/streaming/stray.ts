import { BoundedMap } from '@allium/common/core/bounded-map.ts';
import { TokenBucket } from '@allium/common/core/token-bucket.ts';
import type { DestHash } from '../wire/hash.ts';
import type { Signer } from '../wire/identity.ts';
import type { Connection } from './connection.ts';
import { MAX_TOMBS, STRAY_BURST, STRAY_RATE, TOMB_LIFETIME } from './limits.ts';
import { type DecodedPacket, encodePacket, STREAM_FLAG, type StreamPacket } from './packet.ts';
import { encodeSigned } from './signing.ts';
import type { StreamId, StreamOutput } from './types.ts';

/** Bytes of a ping's payload that come back (Streaming API, "Ping / Pong"). */
const MAX_PONG_PAYLOAD = 32;
const NO_BYTES = new Uint8Array(0);

interface Tomb {
  readonly remote: DestHash;
  readonly peerStreamId: number;
  readonly received: number;
  readonly until: number;
}

/** Where a packet came from and how to answer it. */
export interface Route {
  readonly to: DestHash;
  readonly fromPort: number;
  readonly toPort: number;
}

/** Answers packets that belong to no living stream. Every answer is counted: strangers can provoke them. */
export class StrayPackets {
  readonly #signer: Signer;
  readonly #tombs = new BoundedMap<StreamId, Tomb>(MAX_TOMBS);
  readonly #answers = new TokenBucket(STRAY_RATE, STRAY_BURST);

  constructor(signer: Signer) {
    this.#signer = signer;
  }

  /**
   * The stream is over; what its peer repeats (a CLOSE whose ack was lost) will still be acknowledged. Of a stream that
   * broke it learns by a RESET, as the one before may have been lost with the rest.
   */
  buried(connection: Connection, now: number): void {
    if (connection.peerStreamId === 0 || !connection.finished) return;
    const { remote, peerStreamId, received } = connection;
    this.#tombs.set(connection.id, { remote, peerStreamId, received, until: now + TOMB_LIFETIME });
  }

  /** The ID belonged to a stream that ended a short while ago. */
  remembers(id: StreamId): boolean {
    return this.#tombs.has(id);
  }

  /** A packet for an unknown stream: an ack if we knew it until lately, else a RESET. */
  unknown(packet: DecodedPacket, route: Route, now: number): StreamOutput[] {
    if (packet.flags & STREAM_FLAG.reset) return [];
    const tomb = this.#tombs.get(packet.sendStreamId);
    if (tomb && tomb.until > now && tomb.remote === route.to) {
      const plainAck = packet.sequence === 0 && (packet.flags & STREAM_FLAG.synchronize) === 0;
      return plainAck || !this.#answers.take(now) ? [] : [this.#lastAck(packet.sendStreamId, tomb, route)];
    }
    return this.refuse(packet, route, now);
  }

  /** A RESET in answer to `packet`. */
  refuse(packet: DecodedPacket, route: Route, now: number): StreamOutput[] {
    if (packet.receiveStreamId === 0 || !this.#answers.take(now)) return [];
    const reset: StreamPacket = {
      sendStreamId: packet.receiveStreamId,
      receiveStreamId: packet.sendStreamId,
      // i2pd heeds a RESET only in sequence, and its ack field tells what it has.
      sequence: packet.flags & STREAM_FLAG.noAck ? 0 : (packet.ackThrough + 1) >>> 0,
      ackThrough: packet.sequence,
      nacks: [],
      resendDelay: 0,
      flags: STREAM_FLAG.reset | STREAM_FLAG.fromIncluded,
      from: this.#signer.destination,
      payload: NO_BYTES,
    };
    return [{ kind: 'packet', ...route, bytes: encodeSigned(reset, this.#signer), compress: true }];
  }

  /** The answer to a verified ping. */
  pong(packet: DecodedPacket, route: Route, now: number): StreamOutput[] {
    if (!this.#answers.take(now)) return [];
    const bytes = encodePacket({
      sendStreamId: 0,
      receiveStreamId: packet.sendStreamId,
      sequence: 0,
      ackThrough: 0,
      nacks: [],
      resendDelay: 0,
      flags: STREAM_FLAG.echo,
      payload: packet.payload.subarray(0, MAX_PONG_PAYLOAD),
    });
    return [{ kind: 'packet', ...route, bytes, compress: false }];
  }

  ping(id: number, payload: Uint8Array, route: Route): StreamOutput {
    const packet: StreamPacket = {
      sendStreamId: id,
      receiveStreamId: 0,
      sequence: 0,
      ackThrough: 0,
      nacks: [],
      resendDelay: 0,
      flags: STREAM_FLAG.echo | STREAM_FLAG.fromIncluded,
      from: this.#signer.destination,
      payload,
    };
    return { kind: 'packet', ...route, bytes: encodeSigned(packet, this.#signer), compress: true };
  }

  #lastAck(id: StreamId, tomb: Tomb, route: Route): StreamOutput {
    const bytes = encodePacket({
      sendStreamId: tomb.peerStreamId,
      receiveStreamId: id,
      sequence: 0,
      ackThrough: tomb.received,
      nacks: [],
      resendDelay: 0,
      flags: 0,
      payload: NO_BYTES,
    });
    return { kind: 'packet', ...route, bytes, compress: false };
  }
}
