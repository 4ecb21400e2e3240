import { copyOf } from '@allium/common/bytes/compare.ts';
import type { RandomBytes } from '@allium/common/core/random.ts';
import { type KeyPair, x25519, x25519KeyPair } from '../crypto/x25519.ts';
import type { NextKeyBlock } from '../i2np/block-types.ts';
import { nextTagSet, type TagSetKeys } from './key-schedule.ts';
import { LAST_TAG_SET } from './limits.ts';

/*
 * The DH ratchet of one direction (ECIES Ratchet, "DH Ratchet Message Flow" and "Key and Tag Set IDs").
 * Tag set 1 takes a new key of both sides, an even one a new key of its sender, an odd one a new key of its receiver.
 */

/** Key ID that the sender of tag set `id` uses for it. */
const senderKeyId = (id: number): number => id >>> 1;
/** Key ID that the receiver of tag set `id` uses for it. */
const receiverKeyId = (id: number): number => (id - 1) >>> 1;

/** The side that sends under the tag sets and starts every step. */
export class SendRatchet {
  #ours: KeyPair | undefined;
  #theirs: Uint8Array | undefined;
  /** tag set that is being negotiated */
  #wanted: number | undefined;

  /** The block that every message carries until the answer is there. */
  get block(): NextKeyBlock | undefined {
    const id = this.#wanted;
    if (id === undefined) return undefined;
    const requestReverse = id % 2 === 1;
    const newKey = id === 1 || !requestReverse;
    const publicKey = newKey ? this.#ours?.publicKey : undefined;
    return nextKey({ keyId: senderKeyId(id), reverse: false, requestReverse }, publicKey);
  }

  /** Starts the step from tag set `current` to the next, unless it is under way or IDs are used up. */
  start(current: number, random: RandomBytes): void {
    if (this.#wanted !== undefined || current >= LAST_TAG_SET) return;
    const id = current + 1;
    if (id === 1 || id % 2 === 0) this.#ours = x25519KeyPair(random);
    this.#wanted = id;
  }

  /** The remote's answer: keys of the next tag set, or undefined when it answers nothing we asked. */
  answered(block: NextKeyBlock, rootKey: Uint8Array): { id: number; keys: TagSetKeys } | undefined {
    const id = this.#wanted;
    if (id === undefined || block.keyId !== receiverKeyId(id)) return undefined;
    const theirs = id % 2 === 1 ? block.publicKey : this.#theirs;
    if (!theirs || !this.#ours) return undefined;
    const secret = x25519(this.#ours.privateKey, theirs);
    if (!secret) return undefined;
    this.#theirs = copyOf(theirs);
    this.#wanted = undefined;
    return { id, keys: nextTagSet(rootKey, secret) };
  }
}

/** The side that receives under the tag sets and answers. */
export class ReceiveRatchet {
  #ours: KeyPair | undefined;
  #theirs: Uint8Array | undefined;
  /** tag set whose answer is repeated until a message under it arrives */
  #answering: number | undefined;

  /** The block that every message carries until the remote uses the new tag set. */
  get block(): NextKeyBlock | undefined {
    const id = this.#answering;
    if (id === undefined) return undefined;
    const publicKey = id % 2 === 1 ? this.#ours?.publicKey : undefined;
    return nextKey({ keyId: receiverKeyId(id), reverse: true, requestReverse: false }, publicKey);
  }

  /**
   * A forward key while `current` is our newest tag set: keys of the next one, or undefined when the block is
   * a repetition, out of sequence, or useless.
   */
  asked(
    block: NextKeyBlock,
    current: { readonly id: number; readonly nextRootKey: Uint8Array },
    random: RandomBytes,
  ): { id: number; keys: TagSetKeys } | undefined {
    const id = 2 * block.keyId + (block.requestReverse ? 1 : 0);
    if (id !== current.id + 1 || id > LAST_TAG_SET) return undefined;
    const theirs = id === 1 || id % 2 === 0 ? block.publicKey : this.#theirs;
    if (!theirs) return undefined;
    const ours = id % 2 === 1 ? x25519KeyPair(random) : this.#ours;
    if (!ours) return undefined;
    const secret = x25519(ours.privateKey, theirs);
    if (!secret) return undefined;
    this.#ours = ours;
    this.#theirs = copyOf(theirs);
    this.#answering = id;
    return { id, keys: nextTagSet(current.nextRootKey, secret) };
  }

  /** A message under tag set `id` arrived: the remote has our answer. */
  confirmed(id: number): void {
    if (this.#answering === id) this.#answering = undefined;
  }
}

function nextKey(
  ids: Pick<NextKeyBlock, 'keyId' | 'reverse' | 'requestReverse'>,
  publicKey: Uint8Array | undefined,
): NextKeyBlock {
  return publicKey ? { kind: 'nextKey', ...ids, publicKey } : { kind: 'nextKey', ...ids };
}
