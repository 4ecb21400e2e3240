import { BoundedMap } from '@allium/common/core/bounded-map.ts';
import type { AckedMessage } from '../i2np/block-types.ts';
import type { DestHash } from '../wire/hash.ts';
import type { TagSetKeys } from './key-schedule.ts';
import {
  CONFIRM_WITHIN,
  INCOMING_LIFETIME,
  MAX_AWAITED_ACKS,
  MAX_OLD_TAG_SETS,
  OUTSTANDING_LIFETIME,
  REPLACED_LIFETIME,
  REPLY_TAGS,
  RESTART_AFTER_AGE,
  RESTART_AFTER_SILENCE,
  SESSION_LIFETIME,
  TAGS_AHEAD_MIN,
} from './limits.ts';
import type { ReceivedNewSession, SentNewSession } from './new-session.ts';
import { ReceiveRatchet, SendRatchet } from './next-key.ts';
import { ReceiveTagSet } from './receive-tag-set.ts';
import { SendTagSet } from './send-tag-set.ts';
import type { TagTable } from './tag-table.ts';

/*
 * What is held for one remote. All times are milliseconds of network time.
 */

/** What a tag of ours leads to. */
export type Owner = Outstanding | Session;
export type Tags = TagTable<ReceiveTagSet<Owner>>;

/** Somebody we share sessions with, known by its X25519 static key alone. */
export interface Remote {
  /** the static key as a Map key */
  readonly key: string;
  readonly publicKey: Uint8Array;
  /** once the application told us */
  hash: DestHash | undefined;
  /** New Sessions of ours that wait for a reply; newest last */
  readonly outstanding: Outstanding[];
  /** New Sessions of the remote that are not confirmed yet; newest last */
  readonly incoming: Incoming[];
  /** confirmed sessions; newest first */
  readonly sessions: Session[];
}

/** A New Session that we sent. */
export class Outstanding {
  readonly kind = 'outstanding';
  readonly remote: Remote;
  readonly sent: SentNewSession;
  readonly tags: ReceiveTagSet<Owner>;
  readonly createdAt: number;
  /** the application's name for the message, reported when a reply comes */
  ack: number | undefined;
  /** false once a session came out of this one or of another sent at the same time; late replies still deliver */
  open = true;

  constructor(tags: Tags, remote: Remote, sent: SentNewSession, keys: TagSetKeys, now: number) {
    this.remote = remote;
    this.sent = sent;
    this.createdAt = now;
    this.tags = new ReceiveTagSet<Owner>(tags, this, 0, keys);
    this.tags.extend(REPLY_TAGS);
  }

  expired(now: number): boolean {
    return now > this.createdAt + OUTSTANDING_LIFETIME;
  }

  close(): void {
    this.tags.close();
  }
}

/** A bound New Session that we received. */
export class Incoming {
  readonly kind = 'incoming';
  readonly remote: Remote;
  readonly received: ReceivedNewSession;
  readonly replyTags: SendTagSet;
  /** one for each reply sent; the remote confirms at most one of them */
  readonly candidates: Session[] = [];
  readonly receivedAt: number;
  /** the remote has spoken in a session since, so it needs no reply to go on */
  overtaken = false;
  /** when we answer ourselves; undefined when nothing is owed */
  answerAt: number | undefined;

  constructor(remote: Remote, received: ReceivedNewSession, replyTags: TagSetKeys, now: number) {
    this.remote = remote;
    this.received = received;
    this.replyTags = new SendTagSet(0, replyTags);
    this.receivedAt = now;
  }

  expired(now: number): boolean {
    return now > this.receivedAt + INCOMING_LIFETIME;
  }

  /** Whether the remote still looks out for a reply. */
  answerable(now: number): boolean {
    return this.candidates.length < REPLY_TAGS && !this.expired(now);
  }

  close(): void {
    for (const candidate of this.candidates) candidate.close();
  }
}

/** Tag sets of both directions, their ratchets, and what has to be said in the next message. */
export class Session {
  readonly kind = 'session';
  readonly remote: Remote;
  /** the New Session this one replies to; undefined when we started it, and once it is confirmed */
  origin: Incoming | undefined;
  send: SendTagSet;
  readonly sendRatchet = new SendRatchet();
  /** the current inbound tag set */
  receive: ReceiveTagSet<Owner>;
  readonly receiveRatchet = new ReceiveRatchet();
  /** replaced inbound tag sets, newest first */
  readonly old: ReceiveTagSet<Owner>[] = [];
  readonly createdAt: number;
  heardAt: number;
  /** false in a session of ours until the first message comes under its tags */
  heard: boolean;
  /** last ack request of ours */
  askedAt: number;
  /** when another session took this one's place */
  replacedAt: number | undefined;
  answerAt: number | undefined;
  /** messages that still go as New Sessions instead, as the remote may have lost this one */
  doubts = 0;
  readonly acksOwed: AckedMessage[] = [];
  /** tag set ID and index of our messages that carried an ack request → the application's names */
  readonly awaited = new BoundedMap<number, number>(MAX_AWAITED_ACKS);
  /** names of what the reply carried, reported when the session is confirmed */
  readonly replyAcks: number[] = [];
  constructor(
    tags: Tags,
    remote: Remote,
    keys: { readonly send: TagSetKeys; readonly receive: TagSetKeys },
    now: number,
    origin?: Incoming,
  ) {
    this.remote = remote;
    this.origin = origin;
    this.send = new SendTagSet(0, keys.send);
    this.receive = new ReceiveTagSet<Owner>(tags, this, 0, keys.receive);
    this.receive.extend(TAGS_AHEAD_MIN);
    this.createdAt = now;
    this.heardAt = now;
    this.heard = false;
    this.askedAt = now;
  }

  /** Whether messages are still sent here; if not, a New Session is due. */
  usable(now: number): boolean {
    if (this.doubts > 0 || this.send.exhausted || (!this.heard && now > this.createdAt + CONFIRM_WITHIN))
      return false;
    return now <= this.heardAt + RESTART_AFTER_SILENCE || now <= this.createdAt + RESTART_AFTER_AGE;
  }

  expired(now: number): boolean {
    const lifetime = this.replacedAt === undefined ? SESSION_LIFETIME : REPLACED_LIFETIME;
    return now > Math.max(this.heardAt, this.replacedAt ?? 0) + lifetime;
  }

  /** Listens under the next tag set too. */
  nextReceive(id: number, keys: TagSetKeys): void {
    this.old.unshift(this.receive);
    this.receive = this.receive.successor(id, keys);
    while (this.old.length > MAX_OLD_TAG_SETS) this.old.pop()?.close();
  }

  /** The remote sends under the current tag set: the ones before it are running out. */
  retireOld(now: number): void {
    for (const set of this.old) set.expiresAt ??= now + REPLACED_LIFETIME;
  }

  sweep(now: number): void {
    for (let oldest = this.old.at(-1); oldest !== undefined; oldest = this.old.at(-1)) {
      if (oldest.expiresAt === undefined || now <= oldest.expiresAt) return;
      oldest.close();
      this.old.pop();
    }
  }

  close(): void {
    this.receive.close();
    for (const set of this.old) set.close();
  }
}
