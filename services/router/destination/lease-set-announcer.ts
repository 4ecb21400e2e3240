import type { LeaseSet2 } from '../wire/lease-set2.ts';
import type { Announcements } from './announcements.ts';
import {
  ANNOUNCE_AGAIN,
  CORRESPONDENT_FOR,
  MAX_TELL_PAUSE,
  MAX_TOLD,
  TELL_DELAY,
  TELL_GROWTH,
} from './limits.ts';
import type { Remote, Remotes } from './remotes.ts';

const NOBODY = { remotes: [], again: false } as const;

/**
 * Whom to tell that our LeaseSet has changed. Messages carry it anyway, but whoever only receives, as in a download,
 * sends none once its tunnels are gone: the other side would go on sending into tunnels that don't exist.
 */
export class LeaseSetAnnouncer {
  readonly #remotes: Remotes;
  readonly #announcements: Announcements;
  #at = Number.POSITIVE_INFINITY;
  #tries = 0;

  constructor(remotes: Remotes, announcements: Announcements) {
    this.#remotes = remotes;
    this.#announcements = announcements;
  }

  /** ms; when `due` has somebody. */
  get wakeAt(): number {
    return this.#at;
  }

  changed(now: number): void {
    this.#tries = 0;
    this.#at = Math.min(this.#at, now + TELL_DELAY);
  }

  /** Correspondents who lack our LeaseSet; `again`: telling them before was of no use. Nobody while we have none. */
  due(
    own: LeaseSet2 | undefined,
    now: number,
  ): { readonly remotes: readonly Remote[]; readonly again: boolean } {
    if (now < this.#at) return NOBODY;
    this.#at = Number.POSITIVE_INFINITY;
    if (!own) return NOBODY;
    const { published } = own;
    const lacking = this.#remotes
      .heardSince(now - CORRESPONDENT_FOR, MAX_TOLD, now)
      .filter(({ hash }) => this.#announcements.lacks(hash, published));
    const pause = Math.min(MAX_TELL_PAUSE, ANNOUNCE_AGAIN * TELL_GROWTH ** this.#tries);
    if (lacking.length > 0) this.#at = now + pause;
    const again = this.#tries++ > 0;
    return { remotes: lacking.filter(({ hash }) => this.#announcements.wanted(hash, published, now)), again };
  }
}
