import { BoundedMap } from '@allium/common/core/bounded-map.ts';
import type { Share } from '@allium/common/core/shared-limit.ts';
import type { DestHash } from '../wire/hash.ts';
import { LOOKUP_TIMEOUT, MAX_WAITING_PER_REMOTE, MAX_WAITING_REMOTES, WAITING_LIFETIME } from './limits.ts';
import type { DestinationInput } from './types.ts';

export type Outgoing = Extract<DestinationInput, { readonly kind: 'send' }>;

interface Queue {
  /** ms; when the lookup counts as failed */
  readonly deadline: number;
  readonly messages: { readonly message: Outgoing; readonly until: number }[];
}

/** Messages whose remote's LeaseSet is being looked up. */
export class Waiting {
  readonly #share: Share;
  readonly #queues = new BoundedMap<DestHash, Queue>(MAX_WAITING_REMOTES, (_, queue) => this.#give(queue));

  constructor(bytes: Share) {
    this.#share = bytes;
  }

  get size(): number {
    return this.#queues.size;
  }

  has(remote: DestHash): boolean {
    return this.#queues.has(remote);
  }

  /**
   * True when nobody waited for this remote before: a lookup has to start. What has no room is lost, as it may be in the
   * network; who sent it repeats it.
   */
  add(message: Outgoing, now: number): boolean {
    const known = this.#queues.get(message.to);
    const queue = known ?? { deadline: now + LOOKUP_TIMEOUT, messages: [] };
    if (this.#share.take(message.payload.length)) {
      queue.messages.push({ message, until: now + WAITING_LIFETIME });
    }
    if (queue.messages.length > MAX_WAITING_PER_REMOTE) {
      this.#share.give(queue.messages.shift()?.message.payload.length ?? 0);
    }
    if (!known) this.#queues.set(message.to, queue);
    return !known;
  }

  /** The messages that are still worth sending; nobody waits for `remote` any more. */
  take(remote: DestHash, now: number): Outgoing[] {
    const queue = this.#queues.get(remote);
    this.#queues.delete(remote);
    if (queue) this.#give(queue);
    return queue ? queue.messages.filter(({ until }) => until > now).map(({ message }) => message) : [];
  }

  /** Remotes whose lookup took too long; they are forgotten. */
  overdue(now: number): DestHash[] {
    const overdue: DestHash[] = [];
    for (const [remote, queue] of this.#queues.entries()) {
      if (queue.deadline > now) continue;
      this.#queues.delete(remote);
      this.#give(queue);
      overdue.push(remote);
    }
    return overdue;
  }

  #give({ messages }: Queue): void {
    for (const { message } of messages) this.#share.give(message.payload.length);
  }

  get wakeAt(): number {
    let earliest = Number.POSITIVE_INFINITY;
    for (const { deadline } of this.#queues.values()) earliest = Math.min(earliest, deadline);
    return earliest;
  }
}
