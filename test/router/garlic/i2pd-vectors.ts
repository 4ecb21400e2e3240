/*
 * Printed by i2pd's own RatchetTagSet and HKDF (libi2pd at commit 59b50e7, linked to OpenSSL):
 * DHInitialize(rootKey, k), then the tags and keys of the given indices.
 */
export const I2PD_TAG_SET = {
  /** 00 01 … 1f */
  rootKey: Buffer.from(Array.from({ length: 32 }, (_, i) => i)),
  /** 80 81 … 9f */
  k: Buffer.from(Array.from({ length: 32 }, (_, i) => 0x80 + i)),
  nextRootKey: '42790fc0a69310c87d63281386ceed469d511683b9e2c0846332bf5ab5ac401d',
  tags: {
    0: '60528e61e26fbf9f',
    1: 'ffc937ab5faf6aa9',
    2: '9d1c441f77d24162',
    1000: '3338522fa7a9cd4c',
    1001: '896fe0e263464ebb',
  },
  keys: {
    0: 'a29d0a59a42e02c16f9e43d23f061cab90c565f94807c26990c8e1cb98ce25f0',
    1: 'd3e9aef8567e18c1a9b484bfb2f56e8ddd1202656edeb29d3ee4fdbcc687e735',
    2: '674443384ef3deab4d600b2cb01f4d9d11ef3dadb09f06dba7b9d34f2c0a24cd',
    500: 'f677a8b2f49b6d2891080cdfecc6baa5ed61bfbf5d21b600254fbace1d44ac61',
    1000: 'dd94661357840d6e4a364baf3c607e96e6af23b187a4c96750df0aec00b66d4f',
    1001: '6f12ad7ea5aeb578fa59fc0e9b71e720a52f4972ea5f8a0d953e99863eee4c10',
  },
  /** reply tags 0, 1, 2 with `rootKey` as chaining key */
  replyTags: ['12a08d3ff8289a4a', 'd96ac8c027c2abec', '17fdb97046b8579b'],
  /** first tag of the set after (`rootKey`, shared secret `k`) */
  ratchetedTag: 'a7017d427fd9052c',
  /** payload key of a reply with `k` as the responder's half of the split */
  replyPayloadKey: 'ca1f976a006411fae134a16c9854b03faa9150a3cf6a26e579fa728a7de5d4b4',
} as const;
