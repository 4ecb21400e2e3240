import type { Share } from '@allium/common/core/shared-limit.ts';
import type { DestHash } from '../wire/hash.ts';
import type { Connection } from './connection.ts';
import { keyOf } from './early-packets.ts';
import { MAX_PENDING, MAX_STREAMS, MAX_STREAMS_PER_REMOTE } from './limits.ts';
import type { StreamId } from './types.ts';

/** The living streams of one Destination, and whether there may be more. */
export class StreamRegistry {
  readonly #share: Share;
  readonly #byId = new Map<StreamId, Connection>();
  /** incoming streams by the peer's name for them, for repeated SYNs and packets without our ID */
  readonly #byPeer = new Map<string, Connection>();
  readonly #perRemote = new Map<DestHash, number>();

  constructor(share: Share) {
    this.#share = share;
  }

  get size(): number {
    return this.#byId.size;
  }

  get full(): boolean {
    return this.#byId.size >= MAX_STREAMS || !this.#share.fits(1);
  }

  get(id: StreamId): Connection | undefined {
    return this.#byId.get(id);
  }

  /** The stream that one of `senders` calls `peerStreamId` and opened. */
  find(senders: readonly DestHash[], peerStreamId: number): Connection | undefined {
    for (const sender of senders) {
      const connection = this.#byPeer.get(keyOf(sender, peerStreamId));
      if (connection) return connection;
    }
    return undefined;
  }

  /** A copy: what is done to the streams may remove them. */
  all(): Connection[] {
    return [...this.#byId.values()];
  }

  /** Whether `remote` may open one more. */
  admits(remote: DestHash): boolean {
    if (this.full || (this.#perRemote.get(remote) ?? 0) >= MAX_STREAMS_PER_REMOTE) return false;
    let pending = 0;
    for (const connection of this.#byPeer.values()) if (!connection.confirmed) pending++;
    return pending < MAX_PENDING;
  }

  add(connection: Connection): void {
    const { id, remote, incoming, peerStreamId } = connection;
    this.#byId.set(id, connection);
    this.#share.add(1);
    if (!incoming) return;
    this.#byPeer.set(keyOf(remote, peerStreamId), connection);
    this.#perRemote.set(remote, (this.#perRemote.get(remote) ?? 0) + 1);
  }

  /** False when it was not there. */
  remove(connection: Connection): boolean {
    const { id, remote, incoming, peerStreamId } = connection;
    if (!this.#byId.delete(id)) return false;
    this.#share.give(1);
    if (!incoming) return true;
    this.#byPeer.delete(keyOf(remote, peerStreamId));
    const left = (this.#perRemote.get(remote) ?? 1) - 1;
    if (left > 0) this.#perRemote.set(remote, left);
    else this.#perRemote.delete(remote);
    return true;
  }
}
