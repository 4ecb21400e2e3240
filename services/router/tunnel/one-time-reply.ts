import { equalBytes } from '@allium/common/bytes/compare.ts';
import { DecodeError } from '@allium/common/bytes/errors.ts';
import { BoundedMap } from '@allium/common/core/bounded-map.ts';
import { type RandomBytes, randomU32 } from '@allium/common/core/random.ts';
import { decodeBlocks, encodeBlocks } from '../i2np/blocks.ts';
import { messageOf } from '../i2np/body.ts';
import { LOCAL_DELIVERY } from '../i2np/clove.ts';
import { I2NP_TYPE, type I2npMessage } from '../i2np/message.ts';
import { openOneTime, sealOneTime } from '../i2np/one-time-garlic.ts';

/** Keys that messages are waited for with: build replies and tests, each for half a minute at most. */
export const MAX_ONE_TIME_KEYS = 512;
const TAG_SIZE = 8;
/** A Garlic's payload starts with the length of what follows. Bytes. */
const TAG_OFFSET = 4;

export interface OneTimeKey {
  /** 32 bytes */
  readonly key: Uint8Array;
  /** 8 bytes */
  readonly tag: Uint8Array;
}

/** `message` as one local clove under a key that is used this once, before `padding` bytes. */
export function wrapOneTime(
  message: I2npMessage,
  key: OneTimeKey,
  id: number,
  expires: number,
  padding = 0,
): I2npMessage {
  const clove = { kind: 'clove', clove: { delivery: LOCAL_DELIVERY, message } } as const;
  const payload = encodeBlocks(padding > 0 ? [clove, { kind: 'padding', length: padding }] : [clove]);
  return messageOf({ kind: 'garlic', data: sealOneTime(key, payload) }, id, expires);
}

export function newOneTimeKey(random: RandomBytes): OneTimeKey {
  return { key: Buffer.from(random(32)), tag: Buffer.from(random(TAG_SIZE)) };
}

export function wrapWithNewKey(
  message: I2npMessage,
  padding: number,
  random: RandomBytes,
): { wrapped: I2npMessage; key: OneTimeKey } {
  const key = newOneTimeKey(random);
  return { wrapped: wrapOneTime(message, key, randomU32(random), message.expires, padding), key };
}

/** The keys that we wait with, by tag. */
export class OneTimeKeys {
  readonly #keys = new BoundedMap<string, { key: OneTimeKey; until: number }>(MAX_ONE_TIME_KEYS);

  add(key: OneTimeKey, until: number): void {
    this.#keys.set(tagText(key.tag), { key, until });
  }

  /** Messages of a Garlic whose tag is ours; undefined when it is somebody else's. A key opens one message. */
  open(message: I2npMessage): I2npMessage[] | undefined {
    if (message.type !== I2NP_TYPE.garlic || this.#keys.size === 0) return undefined;
    const data = message.payload.subarray(TAG_OFFSET);
    const text = tagText(data.subarray(0, TAG_SIZE));
    const found = this.#keys.get(text);
    if (!found || !equalBytes(found.key.tag, data.subarray(0, TAG_SIZE))) return undefined;
    const payload = openOneTime(found.key, data);
    if (!payload) return [];
    this.#keys.delete(text);
    return localMessages(payload);
  }

  expire(now: number): void {
    this.#keys.prune((entry) => now >= entry.until);
  }
}

function localMessages(payload: Uint8Array): I2npMessage[] {
  try {
    return decodeBlocks(payload).flatMap((block) =>
      block.kind === 'clove' && block.clove.delivery.kind === 'local' ? [block.clove.message] : [],
    );
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    return [];
  }
}

function tagText(tag: Uint8Array): string {
  return Buffer.from(tag).toString('latin1');
}
