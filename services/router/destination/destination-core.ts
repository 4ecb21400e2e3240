import { type RandomBytes, randomU32 } from '@allium/common/core/random.ts';
import type { Share } from '@allium/common/core/shared-limit.ts';
import { Wake } from '@allium/common/core/wake.ts';
import { GarlicCore } from '../garlic/garlic-core.ts';
import type { Opened } from '../garlic/garlic-types.ts';
import { type I2npBody, messageOf } from '../i2np/body.ts';
import type { GarlicClove } from '../i2np/clove.ts';
import { expiration } from '../i2np/expiration.ts';
import { I2NP_TYPE, type I2npMessage } from '../i2np/message.ts';
import { type DestHash, destHash } from '../wire/hash.ts';
import type { Identity } from '../wire/identity.ts';
import type { Lease, LeaseSet2 } from '../wire/lease-set2.ts';
import { Announcements } from './announcements.ts';
import { dataClove, frameOf, garlicOf, leaseSetClove, leaseSetOf } from './clove-content.ts';
import { LeaseSetAnnouncer } from './lease-set-announcer.ts';
import { DOUBT_AFTER, DOUBT_TRIES, MAX_SENT_PAYLOAD, MESSAGE_LIFETIME, REFRESH_SPACING } from './limits.ts';
import { OwnLeaseSet } from './own-lease-set.ts';
import { type Remote, Remotes } from './remotes.ts';
import { Route } from './route.ts';
import type { DestinationInput, DestinationOutput, UnreachableReason } from './types.ts';
import { type Outgoing, Waiting } from './waiting.ts';

/** What a Destination may hold of what all have. */
export interface CoreShares {
  /** session tags */
  readonly tags: Share;
  /** LeaseSets of others */
  readonly remotes: Share;
  /** bytes that wait for a LeaseSet */
  readonly waiting: Share;
}

/** What does not change while a Destination lives. */
export interface DestinationConfig {
  readonly identity: Identity;
  /** others may find us in the NetDB: a server. A client's LeaseSet travels inside its messages only. */
  readonly publish: boolean;
  readonly random: RandomBytes;
  readonly shares: CoreShares;
}

/** One local Destination: its LeaseSet, its sessions, and the ways to those it talks with. No state is shared. */
export class DestinationCore {
  readonly hash: DestHash;
  readonly #random: RandomBytes;
  readonly #garlic: GarlicCore;
  readonly #own: OwnLeaseSet;
  readonly #remotes: Remotes;
  readonly #waiting: Waiting;
  readonly #announcements = new Announcements();
  readonly #announcer: LeaseSetAnnouncer;
  readonly #asked = new Wake();

  constructor({ identity, publish, random, shares }: DestinationConfig) {
    this.hash = identity.destination.hash;
    this.#random = random;
    this.#garlic = new GarlicCore({ keys: identity.leaseSetKeys, random, tags: shares.tags });
    this.#own = new OwnLeaseSet(identity, publish);
    this.#waiting = new Waiting(shares.waiting);
    this.#remotes = new Remotes(random, shares.remotes);
    this.#announcer = new LeaseSetAnnouncer(this.#remotes, this.#announcements);
  }

  /** Our LeaseSet, while tunnels lead to us. */
  leaseSet(now: number): LeaseSet2 | undefined {
    return this.#own.current(now);
  }

  /** How much is held, for counters. */
  get counts(): Readonly<Record<'remotes' | 'waiting' | 'sessions' | 'tags' | 'leaseSets', number>> {
    const { sessions, tags } = this.#garlic.counts;
    const leaseSets = this.#own.changes;
    return { remotes: this.#remotes.size, waiting: this.#waiting.size, sessions, tags, leaseSets };
  }

  /** One answer under a key that we give away (a NetDB lookup through our tunnels); it comes as `reply`. */
  registerReplyKey(tag: Uint8Array, key: Uint8Array, until: number, query: number, now: number): void {
    this.#garlic.registerReplyKey(tag, key, until, query, now);
  }

  step(input: DestinationInput, now: number): DestinationOutput[] {
    const out: DestinationOutput[] = [];
    this.#apply(input, now, out);
    this.#wake(now, out);
    return out;
  }

  #apply(input: DestinationInput, now: number, out: DestinationOutput[]): void {
    switch (input.kind) {
      case 'leases':
        this.#leases(input.leases, now, out);
        break;
      case 'send':
        this.#send(input, now, out);
        break;
      case 'message':
        this.#message(input.message, input.tunnel, now, out);
        break;
      case 'leaseSet':
        this.#learn(input.leaseSet, now, out);
        break;
      case 'lookupFailed':
        this.#lookupFailed(input.hash, input.unreadable ? 'unreadable' : 'noLeaseSet', now, out);
        break;
      case 'leaseSetSigned':
        this.#signed(input.leaseSet, now, out);
        break;
      case 'published':
        this.#own.published(input.confirmed, now);
        break;
      case 'stalled':
        this.#stalled(this.#remotes.get(input.remote, now), input.tries ?? 1, now, out);
        break;
      case 'tick':
        this.#tick(now, out);
        break;
    }
  }

  #leases(leases: readonly Lease[], now: number, out: DestinationOutput[]): void {
    const before = this.#own.current(now);
    this.#own.update(leases, now);
    this.#publish(now, out);
    if (this.#own.current(now) !== before) this.#announcer.changed(now);
  }

  #signed(leaseSet: LeaseSet2, now: number, out: DestinationOutput[]): void {
    if (!this.#own.signed(leaseSet)) {
      out.push({ kind: 'rejected', code: 'ownLeaseSet' });
      return;
    }
    this.#publish(now, out);
    this.#announcer.changed(now);
  }

  /** Messages to `remote` get lost: our tunnel, its leases or its side of the session may be gone. */
  #stalled(remote: Remote | undefined, tries: number, now: number, out: DestinationOutput[]): void {
    if (!remote) return;
    remote.lost = true;
    remote.route.stalled(now);
    if (!remote.leaseSet.unpublished) this.#refresh(remote, now, out);
    // It may have lost our session while we still hear it: started anew, or out of step after a tunnel full of losses.
    const doubtful = tries >= DOUBT_TRIES || now >= remote.heardAt + DOUBT_AFTER;
    if (!remote.publicKey || !doubtful || now < remote.doubtedAt + DOUBT_AFTER) return;
    remote.doubtedAt = now;
    this.#garlic.doubt(remote.publicKey);
  }

  #refresh(remote: Remote, now: number, out: DestinationOutput[]): void {
    if (now < remote.refreshedAt + REFRESH_SPACING) return;
    remote.refreshedAt = now;
    out.push({ kind: 'lookup', hash: remote.hash });
  }

  #tell(now: number, out: DestinationOutput[]): void {
    const { remotes, again } = this.#announcer.due(this.#own.current(now), now);
    for (const remote of remotes) {
      if (again) this.#stalled(remote, 1, now, out);
      const lease = remote.route.choose(remote.leaseSet.leases, now);
      if (lease) this.#encrypt(remote, lease, undefined, now, out);
    }
  }

  #tick(now: number, out: DestinationOutput[]): void {
    this.#asked.spent();
    this.#publish(now, out);
    this.#tell(now, out);
    for (const remote of this.#waiting.overdue(now))
      out.push({ kind: 'unreachable', remote, reason: 'noLeaseSet' });
    for (const { remote, payload } of this.#garlic.tick(now)) {
      const hash = remote.hash ?? this.#remotes.withKey(remote.publicKey)[0];
      const known = hash && this.#remotes.get(hash, now);
      const lease = known?.route.choose(known.leaseSet.leases, now);
      // Without a way back the answer is lost; the remote's next message may bring one.
      if (known && lease) out.push(this.#toTunnel(known, lease, payload, now));
    }
  }

  #publish(now: number, out: DestinationOutput[]): void {
    const leaseSet = this.#own.publication(now);
    if (leaseSet) out.push({ kind: 'publish', leaseSet });
    const content = this.#own.takeWanted();
    if (content) out.push({ kind: 'signLeaseSet', content });
  }

  #send(message: Outgoing, now: number, out: DestinationOutput[]): void {
    if (message.payload.length > MAX_SENT_PAYLOAD) {
      out.push({ kind: 'rejected', code: 'oversized' });
      return;
    }
    const remote = this.#remotes.get(message.to, now);
    const lease = remote?.route.choose(remote.leaseSet.leases, now);
    if (!remote || !lease) {
      if (this.#waiting.add(message, now)) out.push({ kind: 'lookup', hash: message.to });
      return;
    }
    if (Route.agesOut(remote.leaseSet.leases, now)) this.#refresh(remote, now, out);
    this.#encrypt(remote, lease, message, now, out);
  }

  /** Without a message: only our LeaseSet, if the remote lacks it. */
  #encrypt(
    remote: Remote,
    lease: Lease,
    message: Outgoing | undefined,
    now: number,
    out: DestinationOutput[],
  ): void {
    const { hash, publicKey } = remote;
    if (!publicKey) {
      out.push({ kind: 'unreachable', remote: hash, reason: 'noSupportedKey' });
      return;
    }
    const i2np = (body: I2npBody): I2npMessage => this.#i2np(body, now);
    const cloves = message ? [dataClove(remote.hashBytes, message, i2np)] : [];
    const own = this.#own.current(now);
    const fresh = this.#garlic.stage({ publicKey }, now) !== 'existing';
    const announce = own && (fresh || this.#announcements.wanted(hash, own.published, now));
    if (announce) cloves.unshift(leaseSetClove(own, i2np));
    const options = announce ? { ack: this.#announcements.sent(hash, own.published, now) } : {};
    const payload = this.#garlic.encrypt({ publicKey, hash }, cloves, now, options);
    if (payload) out.push(this.#toTunnel(remote, lease, payload, now));
    else out.push({ kind: 'unreachable', remote: hash, reason: 'badKey' });
  }

  #toTunnel(remote: Remote, lease: Lease, data: Uint8Array, now: number): DestinationOutput {
    const { outbound: stickyKey } = remote.route;
    return { kind: 'toTunnel', lease, message: this.#i2np({ kind: 'garlic', data }, now), stickyKey };
  }

  #i2np(body: I2npBody, now: number): I2npMessage {
    const expires = expiration(now, MESSAGE_LIFETIME, this.#random);
    return messageOf(body, randomU32(this.#random), expires);
  }

  #message(message: I2npMessage, tunnel: number | undefined, now: number, out: DestinationOutput[]): void {
    const data = message.type === I2NP_TYPE.garlic ? garlicOf(message) : undefined;
    if (!data) {
      out.push({ kind: 'rejected', code: 'message' });
      return;
    }
    const opened = this.#garlic.decrypt(data, now, tunnel);
    if (opened.kind === 'refused') {
      out.push({ kind: 'rejected', code: opened.code });
      return;
    }
    for (const name of opened.acked) this.#announcements.confirmed(name);
    this.#cloves(opened, now, out);
  }

  /** LeaseSets first: they tell who the sender of the rest is, and where answers go. */
  #cloves(opened: Opened, now: number, out: DestinationOutput[]): void {
    const { query } = opened;
    if (query !== undefined) {
      for (const { message } of opened.cloves) out.push({ kind: 'reply', query, message });
      return;
    }
    const ours = opened.cloves.filter(({ delivery }) => this.#isOurs(delivery));
    if (ours.length < opened.cloves.length) out.push({ kind: 'rejected', code: 'clove' });
    for (const { message } of ours) {
      if (message.type === I2NP_TYPE.databaseStore) this.#store(message, opened.from, now, out);
    }
    const senders = opened.from ? this.#remotes.withKey(opened.from) : [];
    for (const sender of senders) this.#remotes.heard(sender, now);
    if (opened.session === 'new') for (const sender of senders) this.#announcements.forget(sender);
    for (const { message } of ours) {
      if (message.type === I2NP_TYPE.data) this.#data(message, senders, out);
    }
  }

  #isOurs(delivery: GarlicClove['delivery']): boolean {
    return (
      delivery.kind === 'local' || (delivery.kind === 'destination' && destHash(delivery.hash) === this.hash)
    );
  }

  #store(message: I2npMessage, from: Uint8Array | undefined, now: number, out: DestinationOutput[]): void {
    const leaseSet = leaseSetOf(message, from);
    if (leaseSet) this.#learn(leaseSet, now, out);
    else out.push({ kind: 'rejected', code: 'leaseSet' });
  }

  #data(message: I2npMessage, senders: readonly DestHash[], out: DestinationOutput[]): void {
    const frame = frameOf(message);
    if (frame) out.push({ kind: 'received', senders, ...frame });
    else out.push({ kind: 'rejected', code: 'payload' });
  }

  #learn(leaseSet: LeaseSet2, now: number, out: DestinationOutput[]): void {
    if (leaseSet.hash === this.hash) return;
    const taken = this.#remotes.learn(leaseSet, now);
    const remote = this.#remotes.get(leaseSet.hash, now);
    if (!remote?.route.choose(remote.leaseSet.leases, now)) {
      // The answer to a lookup may be as stale as what we had: then the lookup has failed.
      if (!taken) this.#lookupFailed(leaseSet.hash, 'noLeaseSet', now, out);
      return;
    }
    for (const message of this.#waiting.take(leaseSet.hash, now)) this.#send(message, now, out);
    if (taken && remote.lost) out.push({ kind: 'resume', remote: leaseSet.hash });
  }

  #lookupFailed(hash: DestHash, reason: UnreachableReason, now: number, out: DestinationOutput[]): void {
    if (!this.#waiting.has(hash)) return;
    this.#waiting.take(hash, now);
    out.push({ kind: 'unreachable', remote: hash, reason });
  }

  #wake(now: number, out: DestinationOutput[]): void {
    const garlic = this.#garlic.nextWake() ?? Number.POSITIVE_INFINITY;
    const next = Math.min(garlic, this.#own.wakeAt, this.#waiting.wakeAt, this.#announcer.wakeAt);
    const at = this.#asked.ask(next, now);
    if (at !== undefined) out.push({ kind: 'wake', at });
  }
}
