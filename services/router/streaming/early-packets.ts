import { copyOf } from '@allium/common/bytes/compare.ts';
import { BoundedMap } from '@allium/common/core/bounded-map.ts';
import type { DestHash } from '../wire/hash.ts';
import { EARLY_LIFETIME, MAX_EARLY_PACKETS, MAX_EARLY_SIZE, MAX_EARLY_STREAMS } from './limits.ts';

interface Early {
  readonly until: number;
  readonly packets: Uint8Array[];
}

/** Packets of streams whose SYN has not come yet (Streaming API, "Setup"): kept for a short time. */
export class EarlyPackets {
  readonly #streams = new BoundedMap<string, Early>(MAX_EARLY_STREAMS);

  keep(from: DestHash, receiveStreamId: number, bytes: Uint8Array, now: number): void {
    if (bytes.length > MAX_EARLY_SIZE) return;
    const key = keyOf(from, receiveStreamId);
    const early = this.#streams.get(key);
    if (!early || early.until <= now) {
      this.#streams.set(key, { until: now + EARLY_LIFETIME, packets: [copyOf(bytes)] });
    } else if (early.packets.length < MAX_EARLY_PACKETS) {
      early.packets.push(copyOf(bytes));
    }
  }

  take(from: DestHash, receiveStreamId: number, now: number): readonly Uint8Array[] {
    const key = keyOf(from, receiveStreamId);
    const early = this.#streams.get(key);
    this.#streams.delete(key);
    return early && early.until > now ? early.packets : [];
  }
}

/** Names a stream by its peer, while or where our own ID is not in the packet. */
export function keyOf(from: DestHash, receiveStreamId: number): string {
  return `${from}/${receiveStreamId}`;
}
