import type { DestHash } from '../wire/hash.ts';
import { DEFAULT_PACKET_SIZE, MAX_PACKET_SIZE, MIN_PACKET_SIZE } from './limits.ts';
import type { DecodedPacket } from './packet.ts';
import { type PeerKey, verifyPacket } from './signing.ts';

/** Who is at the other end of a stream, and what it has proved. */
export class Peer {
  readonly hash: DestHash;
  #key: PeerKey | undefined;

  constructor(hash: DestHash, key: PeerKey | undefined) {
    this.hash = hash;
    this.#key = key;
  }

  /** Its Destination, once its SYN was seen. */
  get key(): PeerKey | undefined {
    return this.#key;
  }

  /** True when the session (`trusted`) or a signature proves the packet. SYN, CLOSE and RESET need that. */
  sent(packet: DecodedPacket, trusted: boolean, now: number): boolean {
    if (packet.from && packet.from.hash !== this.hash) return false;
    if (trusted) return true;
    const destination = packet.from ?? this.#key?.destination;
    return (
      destination !== undefined && verifyPacket(packet, { destination, offline: this.#key?.offline }, now)
    );
  }

  /** Takes the key from its first SYN; false when that brings none. */
  learn(syn: DecodedPacket): boolean {
    if (!syn.from) return false;
    this.#key = { destination: syn.from, offline: syn.offline };
    return true;
  }
}

/** Bytes of payload that the sender of a SYN takes. */
export function payloadLimit(syn: DecodedPacket): number {
  return Math.max(MIN_PACKET_SIZE, Math.min(MAX_PACKET_SIZE, syn.maxPacketSize ?? DEFAULT_PACKET_SIZE));
}
