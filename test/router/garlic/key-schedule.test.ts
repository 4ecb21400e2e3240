import test from 'ava';
import {
  initializeTagSet,
  nextTagSet,
  replyPayloadKey,
  replyTagSet,
} from '../../../services/router/garlic/key-schedule.ts';
import { I2PD_TAG_SET } from './i2pd-vectors.ts';

const { rootKey, k } = I2PD_TAG_SET;
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

test('a tag set has the root key, tags and keys that i2pd derives', (t) => {
  const { nextRootKey, tagChain, keyChain } = initializeTagSet(rootKey, k);
  t.is(hex(nextRootKey), I2PD_TAG_SET.nextRootKey);
  const tags = Array.from({ length: 1002 }, () => hex(tagChain.next()));
  const keys = Array.from({ length: 1002 }, () => hex(keyChain.next()));
  for (const [index, tag] of Object.entries(I2PD_TAG_SET.tags))
    t.is(tags[Number(index)], tag, `tag ${index}`);
  for (const [index, key] of Object.entries(I2PD_TAG_SET.keys))
    t.is(keys[Number(index)], key, `key ${index}`);
});

test('reply tags, ratcheted tag sets and the reply payload key are those of i2pd', (t) => {
  const { tagChain } = replyTagSet(rootKey);
  for (const tag of I2PD_TAG_SET.replyTags) t.is(hex(tagChain.next()), tag);
  t.is(hex(nextTagSet(rootKey, k).tagChain.next()), I2PD_TAG_SET.ratchetedTag);
  t.is(hex(replyPayloadKey(k)), I2PD_TAG_SET.replyPayloadKey);
});
