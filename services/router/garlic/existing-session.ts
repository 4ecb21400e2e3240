import type { RandomBytes } from '@allium/common/core/random.ts';
import { AEAD_TAG_LENGTH, aeadOpen, aeadSealInto } from '../crypto/aead.ts';
import type { NextKeyBlock, PayloadBlock } from '../i2np/block-types.ts';
import type { GarlicClove } from '../i2np/clove.ts';
import { MAX_PENDING_ACKS, PROBE_AFTER, RATCHET_AFTER_MESSAGES, TAG_LENGTH } from './limits.ts';
import type { Payload, PayloadWriter } from './payload.ts';
import type { ReceiveTagSet } from './receive-tag-set.ts';
import { SendTagSet } from './send-tag-set.ts';
import type { Owner, Session } from './session.ts';

/*
 * Existing Session messages (ECIES Ratchet sections 1h and 4) and what their control blocks do to a session.
 */

/** Bytes around the payload of an Existing Session message. */
export const EXISTING_OVERHEAD = TAG_LENGTH + AEAD_TAG_LENGTH;

/** How an ack names a message, as one number. */
const messageId = (tagSetId: number, messageNumber: number): number => tagSetId * 0x1_0000 + messageNumber;

/**
 * Writes a message with everything the session owes. `ack` asks for an ack and names the message.
 * Undefined when the tag set is exhausted.
 */
export function sealExisting(
  session: Session,
  cloves: readonly GarlicClove[],
  ack: number | undefined,
  now: number,
  writer: PayloadWriter,
  random: RandomBytes,
): Uint8Array | undefined {
  if (session.send.nextIndex >= RATCHET_AFTER_MESSAGES) session.sendRatchet.start(session.send.id, random);
  const ask = ack !== undefined || asksForLife(session, now);
  const plaintext = writer.write(controlBlocks(session, ask), cloves);
  const entry = session.send.next();
  if (!entry) return undefined;
  session.acksOwed.length = 0;
  session.answerAt = undefined;
  if (ask) session.askedAt = now;
  if (ack !== undefined) session.awaited.set(messageId(session.send.id, entry.index), ack);
  const out = Buffer.allocUnsafe(plaintext.length + EXISTING_OVERHEAD);
  out.set(entry.tag, 0);
  aeadSealInto(out.subarray(TAG_LENGTH), entry.key, entry.index, entry.tag, plaintext);
  return out;
}

/** Opens a message under tag `index` of `set`; undefined, and the tag stays, when it does not authenticate. */
export function openExisting(
  set: ReceiveTagSet<Owner>,
  index: number,
  message: Uint8Array,
): Uint8Array | undefined {
  if (message.length < EXISTING_OVERHEAD) return undefined;
  const tag = message.subarray(0, TAG_LENGTH);
  return aeadOpen(set.key(index), index, tag, message.subarray(TAG_LENGTH));
}

/** Acts on the control blocks of message `index` under `set`. Returns the names of our messages that it acks. */
export function applyControl(
  session: Session,
  set: ReceiveTagSet<Owner>,
  index: number,
  payload: Payload,
  random: RandomBytes,
): number[] {
  if (payload.ackRequested && session.acksOwed.length < MAX_PENDING_ACKS) {
    session.acksOwed.push({ tagSetId: set.id, messageNumber: index });
  }
  for (const block of payload.nextKeys) applyNextKey(session, block, random);
  const acked: number[] = [];
  for (const { tagSetId, messageNumber } of payload.acks) {
    const id = messageId(tagSetId, messageNumber);
    const name = session.awaited.get(id);
    if (name === undefined) continue;
    acked.push(name);
    session.awaited.delete(id);
  }
  return acked;
}

/** Whether the payload wants an answer even if the application has none. */
export function wantsAnswer(payload: Payload): boolean {
  return payload.ackRequested || payload.nextKeys.some(({ reverse }) => !reverse);
}

function applyNextKey(session: Session, block: NextKeyBlock, random: RandomBytes): void {
  if (block.reverse) {
    const next = session.sendRatchet.answered(block, session.send.nextRootKey);
    if (next) session.send = new SendTagSet(next.id, next.keys);
    return;
  }
  const next = session.receiveRatchet.asked(block, session.receive, random);
  if (next) session.nextReceive(next.id, next.keys);
}

/**
 * The remote may never have got our first message, and then knows no session: all messages ask until it says
 * something. Later, one-sided traffic asks now and then.
 */
function asksForLife(session: Session, now: number): boolean {
  if (!session.heard) return true;
  return now > session.heardAt + PROBE_AFTER && now > session.askedAt + PROBE_AFTER;
}

function controlBlocks(session: Session, ask: boolean): PayloadBlock[] {
  const blocks: PayloadBlock[] = [];
  if (ask) blocks.push({ kind: 'ackRequest' });
  if (session.acksOwed.length > 0) blocks.push({ kind: 'ack', acks: [...session.acksOwed] });
  const answer = session.receiveRatchet.block;
  if (answer) blocks.push(answer);
  const question = session.sendRatchet.block;
  if (question) blocks.push(question);
  return blocks;
}
