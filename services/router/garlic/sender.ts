import type { RandomBytes } from '@allium/common/core/random.ts';
import type { KeyPair } from '../crypto/x25519.ts';
import type { PayloadBlock } from '../i2np/block-types.ts';
import type { GarlicClove } from '../i2np/clove.ts';
import { sealExisting } from './existing-session.ts';
import type { GarlicOutput, GarlicRemote, Stage } from './garlic-types.ts';
import { replyTagSet } from './key-schedule.ts';
import { DOUBTED_MESSAGES } from './limits.ts';
import { sealNewSession, sealReply } from './new-session.ts';
import type { PayloadWriter } from './payload.ts';
import type { Debtor, Remotes } from './remotes.ts';
import { type Incoming, Outstanding, type Remote, Session } from './session.ts';

/** The sending half of GarlicCore: which session a message takes, and how it is written. */
export class Sender {
  readonly #keys: KeyPair;
  readonly #random: RandomBytes;
  readonly #remotes: Remotes;
  readonly #writer: PayloadWriter;

  constructor(keys: KeyPair, random: RandomBytes, remotes: Remotes, writer: PayloadWriter) {
    this.#keys = keys;
    this.#random = random;
    this.#remotes = remotes;
    this.#writer = writer;
  }

  stage(publicKey: Uint8Array, now: number): Stage {
    const remote = this.#remotes.find(publicKey);
    const way = remote && wayTo(remote, now);
    if (!way) return 'new';
    return way.kind === 'session' ? 'existing' : 'reply';
  }

  /** See `GarlicCore.doubt`. */
  doubt(publicKey: Uint8Array): void {
    for (const session of this.#remotes.find(publicKey)?.sessions ?? []) session.doubts = DOUBTED_MESSAGES;
  }

  encrypt(
    to: GarlicRemote,
    cloves: readonly GarlicClove[],
    now: number,
    ack: number | undefined,
  ): Uint8Array | undefined {
    const found = this.#remotes.find(to.publicKey);
    const way = found && wayTo(found, now);
    const remote = found ?? this.#remotes.known(to.publicKey);
    // A stranger stays one until it confirms: that we answer it is no reason to keep it.
    if (way?.kind !== 'incoming') this.#remotes.touch(remote);
    remote.hash = to.hash ?? remote.hash;
    return way ? this.#answer(way, cloves, now, ack) : this.#newSession(remote, cloves, now, ack);
  }

  encryptOneTime(publicKey: Uint8Array, cloves: readonly GarlicClove[], now: number): Uint8Array | undefined {
    const payload = this.#writer.write([dateTime(now)], cloves);
    return sealNewSession(publicKey, undefined, payload, this.#random)?.message;
  }

  /** What the application left unsaid until now. */
  answers(now: number): GarlicOutput[] {
    const outputs: GarlicOutput[] = [];
    for (const debtor of [...this.#remotes.debtors]) {
      if (debtor.answerAt === undefined) continue;
      if (debtor.answerAt > now) break;
      this.#remotes.settle(debtor);
      // Of several New Sessions the newest is answered, and all are settled by that.
      const way = debtor.kind === 'session' ? debtor : newestAnswerable(debtor.remote, now);
      const payload = way && this.#answer(way, [], now, undefined);
      const { publicKey, hash } = debtor.remote;
      if (payload) outputs.push({ kind: 'reply', remote: { publicKey, hash }, payload });
    }
    return outputs;
  }

  #answer(
    way: Debtor,
    cloves: readonly GarlicClove[],
    now: number,
    ack: number | undefined,
  ): Uint8Array | undefined {
    for (const incoming of way.remote.incoming) this.#remotes.settle(incoming);
    if (way.kind === 'incoming') return this.#reply(way, cloves, now, ack);
    this.#remotes.settle(way);
    return sealExisting(way, cloves, ack, now, this.#writer, this.#random);
  }

  #reply(
    incoming: Incoming,
    cloves: readonly GarlicClove[],
    now: number,
    ack: number | undefined,
  ): Uint8Array | undefined {
    const payload = this.#writer.write([], cloves);
    const sealed = sealReply(incoming.received, incoming.replyTags.nextTag(), payload, this.#random);
    if (!sealed) return undefined;
    const { initiator, responder } = sealed.keys;
    const keys = { send: responder, receive: initiator };
    const candidate = new Session(this.#remotes.tags, incoming.remote, keys, now, incoming);
    if (ack !== undefined) candidate.replyAcks.push(ack);
    incoming.candidates.push(candidate);
    return sealed.message;
  }

  #newSession(
    remote: Remote,
    cloves: readonly GarlicClove[],
    now: number,
    ack: number | undefined,
  ): Uint8Array | undefined {
    const payload = this.#writer.write([dateTime(now)], cloves);
    const sealed = sealNewSession(remote.publicKey, this.#keys, payload, this.#random);
    if (!sealed) return undefined;
    for (const session of remote.sessions) if (session.doubts > 0) session.doubts--;
    const keys = replyTagSet(sealed.sent.state.ck);
    const outstanding = new Outstanding(this.#remotes.tags, remote, sealed.sent, keys, now);
    outstanding.ack = ack;
    this.#remotes.addOutstanding(outstanding);
    return sealed.message;
  }
}

/**
 * The newest session whose remote was heard of lately; or a New Session of the remote that came after that, since it
 * may have lost the session. Both sides choose so, and agree after one message each way.
 */
function wayTo(remote: Remote, now: number): Debtor | undefined {
  const session = remote.sessions.find((one) => one.usable(now));
  const incoming = newestAnswerable(remote, now);
  return session && (!incoming || incoming.overtaken) ? session : incoming;
}

function newestAnswerable(remote: Remote, now: number): Incoming | undefined {
  return remote.incoming.findLast((one) => one.answerable(now));
}

function dateTime(now: number): PayloadBlock {
  return { kind: 'dateTime', at: now };
}
