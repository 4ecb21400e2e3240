import { type RandomBytes, randomBelow, randomU32 } from '@allium/common/core/random.ts';
import type { Counters } from '@allium/common/observe/counters.ts';
import type { StoreEntry } from '../i2np/database-store.ts';
import type { PoolId } from '../tunnel/pool-id.ts';
import { type DestHash, hashBytes, type RouterHash } from '../wire/hash.ts';
import type { Reply } from './fetches.ts';
import { type FloodfillChoice, MIDNIGHT_MARGIN } from './floodfill-choice.ts';
import { UNSENT_PAUSE } from './lookup.ts';
import type { NetDbOutput } from './netdb-events.ts';
import {
  hashOf,
  MAX_PUBLICATIONS,
  MAX_STORE_TRIES,
  MAX_UNSENT,
  MAX_VERIFIES,
  nameOfCopy,
  newPublication,
  type Publication,
  publishedOf,
  STORE_TIMEOUT,
  VERIFY_AFTER,
  VERIFY_JITTER,
  VERIFY_TIMEOUT,
} from './publication.ts';
import { routingKeysAt } from './routing-key.ts';

export interface PublishModules {
  readonly choice: FloodfillChoice;
  readonly counters: Counters;
  readonly random: RandomBytes;
  readonly nextId: () => number;
}

/**
 * Stores of our own entries: at the nearest floodfill with a token, at the next one when no confirmation comes, then a
 * check with a *different* floodfill whether the entry was flooded ("LeaseSet Storage Verification").
 */
export class Publications {
  readonly #modules: PublishModules;
  readonly #open = new Map<string, Publication>();

  constructor(modules: PublishModules) {
    this.#modules = modules;
  }

  get size(): number {
    return this.#open.size;
  }

  /** Replaces a publication of an older entry of the same hash. */
  start(entry: StoreEntry, pool: PoolId, now: number): NetDbOutput[] {
    const hash = hashOf(entry);
    const running = this.#open.get(hash);
    if (running && publishedOf(running.entry) >= publishedOf(entry)) return [];
    this.stop(hash);
    const targets = routingKeysAt(hashBytes(hash), now, MIDNIGHT_MARGIN, 0);
    if (this.#open.size + targets.length > MAX_PUBLICATIONS) {
      this.#modules.counters.add('publish-busy');
      return [{ kind: 'publishFailed', hash, reason: 'busy' }];
    }
    this.#modules.counters.add('publish');
    return targets.flatMap((target, i) => {
      const publication = newPublication(entry, pool, target, i > 0, now);
      const name = i > 0 ? nameOfCopy(hash) : hash;
      this.#open.set(name, publication);
      return this.#store(name, publication, now);
    });
  }

  stop(hash: RouterHash | DestHash): void {
    this.#open.delete(hash);
    this.#open.delete(nameOfCopy(hash));
  }

  /** A floodfill has it, if the word comes by the pool that published. */
  confirmed(token: number, pool: PoolId, now: number): NetDbOutput[] | undefined {
    for (const [name, publication] of this.#open) {
      const { phase } = publication;
      if (phase.kind !== 'storing' || phase.token !== token || publication.pool !== pool) continue;
      return this.#confirmed(name, publication, phase.to, now);
    }
    return undefined;
  }

  /** A LeaseSet arrived: perhaps the answer of a checking query. */
  arrived(entry: StoreEntry, query: number | undefined, now: number): NetDbOutput[] {
    const name = hashOf(entry);
    const publication = this.#open.get(name);
    if (publication?.phase.kind !== 'verifying') return [];
    const { id, to } = publication.phase;
    if (query !== undefined && query !== id) return [];
    this.#modules.choice.answered(to);
    if (publishedOf(entry) < publishedOf(publication.entry)) return this.#missing(name, publication, now);
    this.#open.delete(name);
    this.#modules.counters.add('publish-verified');
    return entry.what === 'leaseSet' ? [{ kind: 'verified', hash: entry.leaseSet.hash, at: to }] : [];
  }

  replied(reply: Reply, now: number): NetDbOutput[] | undefined {
    const publication = this.#open.get(reply.key);
    if (publication?.phase.kind !== 'verifying') return undefined;
    const { id, to } = publication.phase;
    if (reply.query === undefined ? reply.from !== to : reply.query !== id) return undefined;
    this.#modules.choice.answered(to);
    return this.#missing(reply.key, publication, now);
  }

  unsent(id: number, now: number): NetDbOutput[] | undefined {
    for (const [name, publication] of this.#open) {
      const { phase } = publication;
      if (phase.kind === 'storing' && phase.token === id) {
        publication.tried.delete(phase.to);
        publication.attempts--;
        publication.phase = { kind: 'paused', until: now + UNSENT_PAUSE };
      } else if (phase.kind === 'verifying' && phase.id === id) {
        publication.asked.delete(phase.to);
        publication.verifies--;
        publication.phase = { kind: 'settling', until: now + UNSENT_PAUSE };
      } else continue;
      this.#modules.counters.add('publish-unsent');
      return ++publication.unsent < MAX_UNSENT ? [] : this.#fail(name, publication, 'unconfirmed');
    }
    return undefined;
  }

  tick(now: number): NetDbOutput[] {
    const outputs: NetDbOutput[] = [];
    for (const [name, publication] of this.#open) {
      if (now >= publication.phase.until) outputs.push(...this.#timeUp(name, publication, now));
    }
    return outputs;
  }

  wakeAt(): number {
    let at = Number.POSITIVE_INFINITY;
    for (const { phase } of this.#open.values()) at = Math.min(at, phase.until);
    return at;
  }

  #timeUp(name: string, publication: Publication, now: number): NetDbOutput[] {
    const { phase } = publication;
    switch (phase.kind) {
      case 'paused':
        return this.#store(name, publication, now);
      case 'storing':
        this.#modules.choice.silent(phase.to, now);
        this.#modules.counters.add('publish-timeout');
        return this.#store(name, publication, now);
      case 'settling':
        return this.#verify(name, publication, now);
      case 'verifying':
        this.#modules.choice.silent(phase.to, now);
        this.#modules.counters.add('publish-verify-timeout');
        return this.#verify(name, publication, now);
    }
  }

  #store(name: string, publication: Publication, now: number): NetDbOutput[] {
    const { choice, random } = this.#modules;
    const { target, tried, pool, entry } = publication;
    if (publication.attempts >= MAX_STORE_TRIES) return this.#fail(name, publication, 'unconfirmed');
    const to = choice.nearestTo(target, now, tried);
    if (!to) return this.#fail(name, publication, tried.size > 0 ? 'unconfirmed' : 'no-floodfill');
    const token = randomU32(random);
    tried.add(to.hash);
    publication.attempts++;
    publication.phase = { kind: 'storing', token, to: to.hash, until: now + STORE_TIMEOUT };
    return [{ kind: 'storeAt', token, to, pool, entry }];
  }

  #confirmed(name: string, publication: Publication, at: RouterHash, now: number): NetDbOutput[] {
    this.#modules.choice.answered(at);
    this.#modules.counters.add('publish-confirmed');
    publication.asked.add(at);
    if (publication.silent || publication.entry.what === 'routerInfo') this.#open.delete(name);
    else {
      const jitter = randomBelow(this.#modules.random, VERIFY_JITTER);
      publication.phase = { kind: 'settling', until: now + VERIFY_AFTER + jitter };
    }
    if (publication.silent) return [];
    return [{ kind: 'published', hash: hashOf(publication.entry), at, attempts: publication.attempts }];
  }

  #verify(name: string, publication: Publication, now: number): NetDbOutput[] {
    const { choice, nextId, counters } = this.#modules;
    const to =
      publication.verifies < MAX_VERIFIES
        ? choice.nearestTo(publication.target, now, publication.asked)
        : undefined;
    if (!to) {
      // confirmed, and nobody is left to ask: a small or silent network, not a failure
      this.#open.delete(name);
      counters.add('publish-not-verifiable');
      return [];
    }
    const id = nextId();
    publication.asked.add(to.hash);
    publication.verifies++;
    publication.phase = { kind: 'verifying', id, to: to.hash, until: now + VERIFY_TIMEOUT };
    const key = hashBytes(hashOf(publication.entry));
    const pool = publication.pool;
    return [{ kind: 'query', id, to, pool, what: publication.entry.what, key, exclude: [] }];
  }

  /** Another floodfill does not have it (yet): store once more, at a floodfill not tried before. */
  #missing(name: string, publication: Publication, now: number): NetDbOutput[] {
    this.#modules.counters.add('publish-missing');
    if (publication.verifies >= MAX_VERIFIES) return this.#fail(name, publication, 'unverified');
    return this.#store(name, publication, now);
  }

  #fail(
    name: string,
    publication: Publication,
    reason: 'unconfirmed' | 'unverified' | 'no-floodfill',
  ): NetDbOutput[] {
    this.#open.delete(name);
    this.#modules.counters.add(`publish-${reason}`);
    return publication.silent ? [] : [{ kind: 'publishFailed', hash: hashOf(publication.entry), reason }];
  }
}
