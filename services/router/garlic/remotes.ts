import { copyOf } from '@allium/common/bytes/compare.ts';
import { BoundedMap } from '@allium/common/core/bounded-map.ts';
import type { Share } from '@allium/common/core/shared-limit.ts';
import { MAX_INCOMING, MAX_OUTSTANDING, MAX_REMOTES, MAX_SESSIONS, MAX_STRANGERS } from './limits.ts';
import type { ReceiveTagSet } from './receive-tag-set.ts';
import type { Incoming, Outstanding, Owner, Remote, Session, Tags } from './session.ts';
import { TagTable } from './tag-table.ts';

/** Who owes an answer if the application stays silent. */
export type Debtor = Incoming | Session;

/**
 * Everybody we share sessions with, bounded. Remotes that only knocked (a New Session that was never confirmed)
 * are kept apart, so that a flood of them displaces no one else.
 */
export class Remotes {
  readonly tags: Tags;
  /** oldest debt first, since all have the same term */
  readonly debtors = new Set<Debtor>();
  readonly #known = new BoundedMap<string, Remote>(MAX_REMOTES, (_, remote) => this.#close(remote));
  readonly #strangers = new BoundedMap<string, Remote>(MAX_STRANGERS, (_, remote) => this.#close(remote));

  constructor(tags: Share) {
    this.tags = new TagTable<ReceiveTagSet<Owner>>(tags);
  }

  get counts(): { remotes: number; strangers: number; sessions: number; tags: number } {
    let sessions = 0;
    for (const remote of this.#known.values()) sessions += remote.sessions.length;
    return { remotes: this.#known.size, strangers: this.#strangers.size, sessions, tags: this.tags.size };
  }

  find(publicKey: Uint8Array): Remote | undefined {
    const key = nameOf(publicKey);
    return this.#known.get(key) ?? this.#strangers.get(key);
  }

  /** The remote that knocks, known before or not. */
  knocking(publicKey: Uint8Array): Remote {
    const remote = this.find(publicKey) ?? newRemote(publicKey);
    if (!this.#known.has(remote.key)) this.#strangers.set(remote.key, remote);
    return remote;
  }

  /** The remote that we write to of our own accord. */
  known(publicKey: Uint8Array): Remote {
    const remote = this.find(publicKey) ?? newRemote(publicKey);
    this.touch(remote);
    return remote;
  }

  /** Makes it the youngest of those we know, for what it has confirmed or what we want of it. */
  touch(remote: Remote): void {
    this.#strangers.delete(remote.key);
    this.#known.set(remote.key, remote);
  }

  addOutstanding(outstanding: Outstanding): void {
    const list = outstanding.remote.outstanding;
    list.push(outstanding);
    if (list.length > MAX_OUTSTANDING) list.shift()?.close();
  }

  addIncoming(incoming: Incoming): void {
    const list = incoming.remote.incoming;
    list.push(incoming);
    if (list.length <= MAX_INCOMING) return;
    // One that we replied to may be what the remote goes on with.
    const unanswered = list.findIndex(({ candidates }) => candidates.length === 0);
    const [dropped] = list.splice(unanswered === list.length - 1 ? 0 : Math.max(0, unanswered), 1);
    this.#closeIncoming(dropped);
  }

  /** `session` is what we send on from now; the ones before it run out. */
  establish(session: Session, now: number): void {
    const { remote, origin } = session;
    this.touch(remote);
    for (const other of remote.sessions) other.replacedAt ??= now;
    remote.sessions.unshift(session);
    while (remote.sessions.length > MAX_SESSIONS) this.#closeSession(remote.sessions.pop());
    if (!origin) return;
    session.origin = undefined;
    origin.candidates.splice(origin.candidates.indexOf(session), 1);
    this.#drop(remote.incoming, origin);
    this.#closeIncoming(origin);
  }

  terminate(session: Session): void {
    this.#drop(session.remote.sessions, session);
    this.#closeSession(session);
  }

  owe(debtor: Debtor, at: number): void {
    if (debtor.answerAt !== undefined) return;
    debtor.answerAt = at;
    this.debtors.add(debtor);
  }

  settle(debtor: Debtor): void {
    debtor.answerAt = undefined;
    this.debtors.delete(debtor);
  }

  /** Lets whole remotes go, strangers first, until the tags fit. The one used last is the last to go. */
  makeRoom(): void {
    while (this.tags.crowded) {
      const from = this.#strangers.size > 0 ? this.#strangers : this.#known;
      const oldest = from.values().next();
      if (oldest.done) return;
      from.delete(oldest.value.key);
      this.#close(oldest.value);
    }
  }

  sweep(now: number): void {
    for (const map of [this.#known, this.#strangers]) {
      map.prune((remote) => {
        this.#sweepRemote(remote, now);
        return remote.sessions.length + remote.incoming.length + remote.outstanding.length === 0;
      });
    }
  }

  #sweepRemote(remote: Remote, now: number): void {
    for (const outstanding of remote.outstanding.filter((one) => one.expired(now))) {
      outstanding.close();
      this.#drop(remote.outstanding, outstanding);
    }
    for (const incoming of remote.incoming.filter((one) => one.expired(now))) {
      this.#closeIncoming(incoming);
      this.#drop(remote.incoming, incoming);
    }
    for (const session of [...remote.sessions]) {
      if (session.expired(now)) this.terminate(session);
      else session.sweep(now);
    }
  }

  #close(remote: Remote): void {
    for (const outstanding of remote.outstanding) outstanding.close();
    for (const incoming of remote.incoming) this.#closeIncoming(incoming);
    for (const session of remote.sessions) this.#closeSession(session);
  }

  #closeIncoming(incoming: Incoming | undefined): void {
    if (!incoming) return;
    incoming.close();
    for (const candidate of incoming.candidates) this.settle(candidate);
    this.settle(incoming);
  }

  #closeSession(session: Session | undefined): void {
    if (!session) return;
    session.close();
    this.settle(session);
  }

  #drop<T>(list: T[], item: T): void {
    const at = list.indexOf(item);
    if (at >= 0) list.splice(at, 1);
  }
}

function newRemote(publicKey: Uint8Array): Remote {
  return {
    key: nameOf(publicKey),
    publicKey: copyOf(publicKey),
    hash: undefined,
    outstanding: [],
    incoming: [],
    sessions: [],
  };
}

function nameOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1');
}
