import { BoundedMap } from '@allium/common/core/bounded-map.ts';
import type { DestHash } from '../wire/hash.ts';
import { ANNOUNCE_AGAIN, MAX_ANNOUNCEMENTS, MAX_REMOTES } from './limits.ts';

interface Known {
  /** `published` of the LeaseSet that the remote has confirmed; ms */
  confirmed: number;
  /** `published` of the one last sent to it, and when; ms */
  sent: number;
  sentAt: number;
}

/** Which of our LeaseSets each remote has: it has to answer us, and an unpublished one it cannot look up. */
export class Announcements {
  readonly #known = new BoundedMap<DestHash, Known>(MAX_REMOTES);
  /** by the name given to GarlicCore */
  readonly #awaited = new BoundedMap<number, { readonly remote: DestHash; readonly published: number }>(
    MAX_ANNOUNCEMENTS,
  );
  #lastName = 0;

  /** True when a message to `remote` should carry our LeaseSet of date `published`. */
  wanted(remote: DestHash, published: number, now: number): boolean {
    const known = this.#known.get(remote);
    if (!known) return true;
    if (known.confirmed >= published) return false;
    return known.sent < published || now >= known.sentAt + ANNOUNCE_AGAIN;
  }

  /** False once `remote` has confirmed our LeaseSet of date `published`, or a later one. */
  lacks(remote: DestHash, published: number): boolean {
    return (this.#known.get(remote)?.confirmed ?? 0) < published;
  }

  /** It is sent now; the returned name comes back from GarlicCore once it arrived. */
  sent(remote: DestHash, published: number, now: number): number {
    const known = this.#known.get(remote);
    this.#known.set(remote, { confirmed: known?.confirmed ?? 0, sent: published, sentAt: now });
    const name = ++this.#lastName;
    this.#awaited.set(name, { remote, published });
    return name;
  }

  confirmed(name: number): void {
    const awaited = this.#awaited.get(name);
    if (!awaited) return;
    this.#awaited.delete(name);
    const known = this.#known.get(awaited.remote);
    if (known) known.confirmed = Math.max(known.confirmed, awaited.published);
  }

  /** `remote` starts over: what it knew of us is gone. */
  forget(remote: DestHash): void {
    this.#known.delete(remote);
  }
}
