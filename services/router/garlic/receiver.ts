import type { RandomBytes } from '@allium/common/core/random.ts';
import type { SymmetricState } from '../crypto/noise.ts';
import type { KeyPair } from '../crypto/x25519.ts';
import { applyControl, EXISTING_OVERHEAD, openExisting, wantsAnswer } from './existing-session.ts';
import type { Opened, Refused, RefusedCode, SessionKind } from './garlic-types.ts';
import { replyTagSet } from './key-schedule.ts';
import { ANSWER_AFTER, MAX_REPLY_TAGS, REPLY_TAGS } from './limits.ts';
import {
  ephemeralKeyOf,
  NEW_SESSION_OVERHEAD,
  openNewSession,
  openReply,
  REPLY_OVERHEAD,
  stateToward,
} from './new-session.ts';
import type { NewSessionGuard } from './new-session-guard.ts';
import { type Payload, readPayload } from './payload.ts';
import type { ReceiveTagSet } from './receive-tag-set.ts';
import type { Remotes } from './remotes.ts';
import { Incoming, type Outstanding, type Owner, type Remote, Session } from './session.ts';
import { tagKey } from './tag-table.ts';

/** The receiving half of GarlicCore. Throws `DecodeError` for authentic messages with malformed blocks. */
export class Receiver {
  readonly #keys: KeyPair;
  readonly #random: RandomBytes;
  readonly #remotes: Remotes;
  readonly #guard: NewSessionGuard;
  readonly #start: SymmetricState;

  constructor(keys: KeyPair, random: RandomBytes, remotes: Remotes, guard: NewSessionGuard) {
    this.#keys = keys;
    this.#random = random;
    this.#remotes = remotes;
    this.#guard = guard;
    this.#start = stateToward(keys.publicKey);
  }

  /** `bytes` has room for a tag at least. */
  open(bytes: Uint8Array, source: number, now: number): Opened | Refused {
    const entry = this.#remotes.tags.get(tagKey(bytes));
    if (!entry) return this.#newSession(bytes, source, now);
    const { set, index } = entry;
    return set.owner.kind === 'session'
      ? this.#existing(set.owner, set, index, bytes, now)
      : this.#reply(set.owner, index, bytes, now);
  }

  /** The rest of what `ReplyKeys` opened. */
  withReplyKey(answer: { payload: Uint8Array; query: number } | undefined): Opened | Refused {
    if (!answer) return refused('authentication');
    return opened('reply-key', undefined, readPayload(answer.payload), [], answer.query);
  }

  #existing(
    session: Session,
    set: ReceiveTagSet<Owner>,
    index: number,
    bytes: Uint8Array,
    now: number,
  ): Opened | Refused {
    if (bytes.length < EXISTING_OVERHEAD) return refused('short');
    const plaintext = openExisting(set, index, bytes);
    if (!plaintext) return refused('authentication');
    set.used(index);
    session.heardAt = now;
    session.heard = true;
    session.doubts = 0;
    for (const incoming of session.remote.incoming) incoming.overtaken = true;
    session.receiveRatchet.confirmed(set.id);
    if (set === session.receive) session.retireOld(now);
    const acked: number[] = [];
    if (session.origin) {
      acked.push(...session.replyAcks.splice(0));
      this.#remotes.establish(session, now);
    } else this.#remotes.touch(session.remote);
    const payload = readPayload(plaintext);
    acked.push(...applyControl(session, set, index, payload, this.#random));
    if (payload.terminated) this.#remotes.terminate(session);
    else if (wantsAnswer(payload)) this.#remotes.owe(session, now + ANSWER_AFTER);
    return opened('existing', session.remote, payload, acked);
  }

  #reply(outstanding: Outstanding, index: number, bytes: Uint8Array, now: number): Opened | Refused {
    if (bytes.length < REPLY_OVERHEAD) return refused('short');
    // Used up even by what does not open, since every look costs two DHs.
    outstanding.tags.consume(index);
    outstanding.tags.extend(Math.min(index + 1 + REPLY_TAGS, MAX_REPLY_TAGS));
    const reply = openReply(outstanding.sent, this.#keys, bytes);
    if (!reply) return refused('authentication');
    const payload = readPayload(reply.payload);
    const { remote } = outstanding;
    if (outstanding.open) {
      for (const other of remote.outstanding) other.open = false;
      const keys = { send: reply.keys.initiator, receive: reply.keys.responder };
      const session = new Session(this.#remotes.tags, remote, keys, now);
      this.#remotes.establish(session, now);
      // The remote may not use the session before it hears from us in it.
      this.#remotes.owe(session, now + ANSWER_AFTER);
    }
    const acked = outstanding.ack === undefined ? [] : [outstanding.ack];
    outstanding.ack = undefined;
    return opened('reply', remote, payload, acked);
  }

  #newSession(bytes: Uint8Array, source: number, now: number): Opened | Refused {
    if (bytes.length < NEW_SESSION_OVERHEAD) return refused('unknown');
    if (!this.#guard.admit(source, now)) return refused('flood');
    const ephemeralKey = ephemeralKeyOf(bytes);
    if (this.#guard.seen(ephemeralKey)) return refused('replay');
    const session = openNewSession(this.#start, this.#keys, ephemeralKey, bytes);
    if (!session) return refused('unknown');
    if (!this.#guard.afford(source, now)) return refused('flood');
    const payload = readPayload(session.payload);
    if (payload.dateTime === undefined) return refused('malformed');
    if (!this.#guard.timely(payload.dateTime, now)) return refused('clock');
    this.#guard.remember(ephemeralKey, payload.dateTime);
    const { received } = session;
    if (!received) return opened('one-time', undefined, payload, []);
    const remote = this.#remotes.knocking(received.staticKey);
    const incoming = new Incoming(remote, received, replyTagSet(received.state.ck), now);
    this.#remotes.addIncoming(incoming);
    this.#remotes.owe(incoming, now + ANSWER_AFTER);
    return opened('new', remote, payload, []);
  }
}

function opened(
  session: SessionKind,
  remote: Remote | undefined,
  payload: Payload,
  acked: readonly number[],
  query?: number,
): Opened {
  const { cloves } = payload;
  return { kind: 'opened', session, from: remote?.publicKey, hash: remote?.hash, cloves, acked, query };
}

function refused(code: RefusedCode): Refused {
  return { kind: 'refused', code };
}
