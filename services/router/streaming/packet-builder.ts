import type { Signer } from '../wire/identity.ts';
import { MAX_PACKET_SIZE } from './limits.ts';
import { encodePacket, STREAM_FLAG, type StreamPacket } from './packet.ts';
import type { Receiver } from './receiver.ts';
import type { SentPacket } from './send-buffer.ts';
import { encodeSigned } from './signing.ts';
import type { StreamId } from './types.ts';

const NO_BYTES = new Uint8Array(0);

export interface BuilderOptions {
  readonly id: StreamId;
  readonly signer: Signer;
  readonly receiver: Receiver;
  /** 32-byte hash for the replay protection of our SYN; the answer to a SYN has none (proposal 164) */
  readonly target: Uint8Array | undefined;
}

/** Gives the packets of one stream their form: IDs, the current ack, flags, signature. */
export class PacketBuilder {
  /** 0 until known */
  peerStreamId: number;
  readonly #options: BuilderOptions;

  constructor(peerStreamId: number, options: BuilderOptions) {
    this.peerStreamId = peerStreamId;
    this.#options = options;
  }

  /** SYN, data or CLOSE. `rto` in ms. */
  data(sent: SentPacket, ackWanted: boolean, rto: number): Uint8Array {
    const { signer, target } = this.#options;
    switch (sent.part) {
      case 'data':
        return encodePacket({ ...this.#header(sent.sequence, ackWanted, rto), payload: sent.payload });
      case 'close': {
        const header = this.#header(sent.sequence, ackWanted, rto);
        return encodeSigned({ ...header, flags: header.flags | STREAM_FLAG.close }, signer);
      }
      case 'syn': {
        const header = this.#header(sent.sequence, false, rto);
        const flags = STREAM_FLAG.synchronize | STREAM_FLAG.fromIncluded | STREAM_FLAG.maxPacketSizeIncluded;
        const { destination: from } = signer;
        const { payload } = sent;
        return encodeSigned(
          { ...header, flags: header.flags | flags, from, maxPacketSize: MAX_PACKET_SIZE, target, payload },
          signer,
        );
      }
    }
  }

  /** A plain ack; `wantAnswer` asks the peer for one in turn. */
  ack(wantAnswer: boolean, rto: number): Uint8Array {
    return encodePacket(this.#header(0, wantAnswer, rto));
  }

  /** i2pd heeds a RESET only when its sequence number is the next in line. */
  reset(nextSequence: number, rto: number): Uint8Array {
    const header = this.#header(nextSequence, false, rto);
    return encodeSigned({ ...header, flags: header.flags | STREAM_FLAG.reset }, this.#options.signer);
  }

  #header(sequence: number, ackWanted: boolean, rto: number): StreamPacket {
    const { id, receiver } = this.#options;
    const ack = receiver.fields();
    const delay = receiver.delay() ?? (ackWanted ? 0 : undefined);
    return {
      sendStreamId: this.peerStreamId,
      receiveStreamId: id,
      sequence,
      ackThrough: ack?.ackThrough ?? 0,
      nacks: ack?.nacks ?? [],
      resendDelay: Math.min(255, Math.ceil(rto / 1_000)),
      flags: (ack ? 0 : STREAM_FLAG.noAck) | (delay === undefined ? 0 : STREAM_FLAG.delayRequested),
      delay,
      payload: NO_BYTES,
    };
  }
}
