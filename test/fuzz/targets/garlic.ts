import { gzipSync } from 'node:zlib';
import { SharedLimit } from '@allium/common/core/shared-limit.ts';
import { aeadSeal } from '@allium/router/crypto/aead.ts';
import { frameOf, garlicOf, leaseSetOf } from '@allium/router/destination/clove-content.ts';
import { DestinationCore } from '@allium/router/destination/destination-core.ts';
import { decodeI2cp, encodeI2cp } from '@allium/router/destination/i2cp-gzip.ts';
import { GarlicCore } from '@allium/router/garlic/garlic-core.ts';
import {
  ephemeralKeyOf,
  openNewSession,
  openReply,
  sealNewSession,
  stateToward,
} from '@allium/router/garlic/new-session.ts';
import { readPayload } from '@allium/router/garlic/payload.ts';
import { ReplyKeys } from '@allium/router/garlic/reply-keys.ts';
import { SendTagSet } from '@allium/router/garlic/send-tag-set.ts';
import { encodeBlocks } from '@allium/router/i2np/blocks.ts';
import { messageOf } from '@allium/router/i2np/body.ts';
import { sealOneTime } from '@allium/router/i2np/one-time-garlic.ts';
import { Budget, MAX_TAGS } from '@allium/router/node/budget.ts';
import { routerHash } from '@allium/router/wire/hash.ts';
import { identityOf, signerOf } from '@allium/router/wire/identity.ts';
import { createLeaseSet2 } from '@allium/router/wire/lease-set2.ts';
import { Chance } from '../engine/chance.ts';
import { pieces, Script } from '../engine/script.ts';
import { promise, type Targets } from '../engine/target.ts';
import { DESTINATION, NOW, oddLeaseSet, STRANGER } from './forge.ts';
import { BLOCKS, oddBlocks, oddBody, storeMessage } from './forge-messages.ts';

const fixed = new Chance('garlic');
const OURS = DESTINATION.encryption;
const THEIRS = STRANGER.encryption;
const START = stateToward(OURS.publicKey);
const DATE = encodeBlocks([{ kind: 'dateTime', at: NOW }]);
const LEASE = { gateway: routerHash(Buffer.alloc(32, 8)), tunnelId: 5, expires: NOW + 500_000 };
const THEIR_SET = createLeaseSet2(signerOf(STRANGER), {
  published: NOW,
  leases: [LEASE],
  encryptionKeys: [{ type: 4, key: THEIRS.publicKey }],
});
const REPLY_KEY = { key: Buffer.alloc(32, 5), tag: Buffer.alloc(8, 6) };
/** Bytes of a payload that a session can carry. */
const PAYLOAD_MAX = 60_000;

const newSession = (payload: Uint8Array, bound = true): Uint8Array =>
  sealNewSession(OURS.publicKey, bound ? THEIRS : undefined, payload.subarray(0, PAYLOAD_MAX), fixed.random)
    ?.message ?? payload;

/** Some cloves with messages in them, as a Destination gets them. */
function oddCloves(chance: Chance): Buffer {
  const count = 1 + chance.below(3);
  const parts = Array.from({ length: count }, () => {
    const { type, payload } = chance.oneIn(2) ? oddContent(chance) : oddBody(chance);
    const delivery = chance.oneIn(4) ? Buffer.of(chance.u32() & 255) : Buffer.of(0);
    const head = Buffer.from([type, 0, 0, 0, 1, 0xff, 0, 0, 0]);
    const content = Buffer.concat([delivery, head, payload]).subarray(0, 20_000);
    return Buffer.concat([Buffer.of(11, content.length >> 8, content.length & 255), content]);
  });
  return Buffer.concat([
    chance.oneIn(9) ? Buffer.alloc(0) : DATE,
    ...parts,
    chance.oneIn(4) ? oddBlocks(chance) : Buffer.alloc(0),
  ]).subarray(0, PAYLOAD_MAX);
}

function oddContent(chance: Chance): { readonly type: number; readonly payload: Buffer } {
  if (chance.oneIn(2))
    return {
      type: 1,
      payload: storeMessage(chance, chance.oneIn(3) ? THEIR_SET.raw : oddLeaseSet(chance), 3),
    };
  const frame = oddFrame(chance);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(frame.length);
  return { type: 20, payload: Buffer.concat([length, frame]) };
}

/** gzip with ports in it; sometimes of what grows very much. */
function oddFrame(chance: Chance): Buffer {
  const payload = chance.oneIn(6) ? Buffer.alloc(chance.below(200_000)) : chance.bytes(chance.below(120));
  if (chance.oneIn(3)) return gzipSync(payload);
  const ports = {
    fromPort: chance.below(65_536),
    toPort: 80,
    protocol: chance.pick([6, 17, 18, 0] as const),
  };
  return Buffer.from(encodeI2cp({ ...ports, payload: payload.subarray(0, 65_535) }, chance.oneIn(2)));
}

/** A core with a session that a stranger has, who may put any payload into it. */
function withSession(core: GarlicCore): { readonly seal: (payload: Uint8Array) => Buffer } | undefined {
  const first = sealNewSession(OURS.publicKey, THEIRS, BLOCKS, fixed.random);
  if (!first || core.decrypt(first.message, NOW).kind !== 'opened') return undefined;
  const reply = core.encrypt({ publicKey: THEIRS.publicKey }, [], NOW);
  const opened = reply && openReply(first.sent, THEIRS, reply);
  if (!opened) return undefined;
  const set = new SendTagSet(0, opened.keys.initiator);
  return {
    seal(payload) {
      const entry = set.next();
      if (!entry) return Buffer.alloc(0);
      return Buffer.concat([entry.tag, aeadSeal(entry.key, entry.index, entry.tag, payload)]);
    },
  };
}

/** What a core may hold, by garlic/limits.ts and node/budget.ts. */
function bounded(core: GarlicCore): void {
  const { remotes, strangers, sessions, tags, replyKeys } = core.counts;
  promise(remotes <= 1_024 && strangers <= 256 && sessions <= 3_072, 'so many remotes and sessions');
  promise(tags <= MAX_TAGS && replyKeys <= 1_024, 'so many tags and keys');
}

function newCore(): GarlicCore {
  const core = new GarlicCore({
    keys: OURS,
    random: new Chance('core').random,
    tags: new SharedLimit(2 * MAX_TAGS).share(),
    newSessionsPerSecond: 1e6,
    newSessionsBurst: 1e6,
  });
  core.registerReplyKey(REPLY_KEY.tag, REPLY_KEY.key, NOW + 60_000, 7, NOW);
  return core;
}

/** Payloads one after the other: under a session, as new sessions, under a reply key, as they are. */
function playGarlic(input: Buffer): unknown {
  const script = new Script(input);
  const core = newCore();
  const session = withSession(core);
  const out: unknown[] = [];
  for (let now = NOW, steps = 0; !script.ended && steps < 24; steps++) {
    const what = script.u8();
    const payload = script.piece();
    if (what % 8 < 4) out.push(core.decrypt(session?.seal(payload) ?? payload, now));
    else if (what % 8 === 4) out.push(core.decrypt(newSession(payload, what > 128), now));
    else if (what % 8 === 5) out.push(core.decrypt(sealOneTime(REPLY_KEY, payload), now));
    else if (what % 8 === 6) out.push(core.decrypt(payload, now));
    else out.push(core.encrypt({ publicKey: THEIRS.publicKey }, [], now, { ack: what }));
    now += what > 250 ? 100_000 : 10;
    out.push(core.tick(now));
    bounded(core);
  }
  return out;
}

/** The same for a whole Destination: messages that came out of its tunnels. */
function playDestination(input: Buffer): unknown {
  const script = new Script(input);
  const core = new DestinationCore({
    identity: identityOf(DESTINATION),
    publish: true,
    random: new Chance('destination').random,
    shares: new Budget().share(),
  });
  core.step({ kind: 'leases', leases: [LEASE] }, NOW);
  let weight = 0;
  for (let now = NOW, steps = 0; !script.ended && steps < 16; steps++) {
    const what = script.u8();
    const payload = script.piece();
    const data = what % 4 === 3 ? payload : newSession(payload, what % 4 > 0);
    const message =
      what === 255
        ? { type: 20, id: 1, expires: now, payload }
        : messageOf({ kind: 'garlic', data: Uint8Array.from(data) }, 1, now + 1_000);
    const outputs = core.step({ kind: 'message', message }, now);
    promise(outputs.length < 1_000, 'so much comes of one message');
    weight += outputs.length;
    if (what > 200)
      core.step(
        { kind: 'send', to: STRANGER.destination.hash, protocol: 6, fromPort: 0, toPort: 0, payload: DATE },
        now,
      );
    now += what % 16 === 0 ? 20_000 : 100;
    core.step({ kind: 'tick' }, now);
    promise(core.counts.remotes <= 1_024 && core.counts.waiting <= 8_192, 'so many remotes');
  }
  return weight;
}

const SCRIPTED = 'by GarlicCore.decrypt, whose session it needs';
const frames = (chance: Chance): Buffer => Buffer.concat([Buffer.of(20), oddContent(chance).payload]);

export const TARGETS: Targets = {
  'router/destination/clove-content frameOf': {
    run: (input) => frameOf({ type: input[0] ?? 0, id: 1, expires: NOW, payload: input.subarray(1) }),
    make: frames,
    outcome: (length) => 100_000 + length,
  },
  'router/destination/clove-content garlicOf': {
    run: (input) => garlicOf({ type: input[0] ?? 0, id: 1, expires: NOW, payload: input.subarray(1) }),
    make: frames,
  },
  'router/destination/clove-content leaseSetOf': {
    run: (input) => leaseSetOf({ type: 1, id: 1, expires: NOW, payload: input }, OURS.publicKey),
    make: (chance) => storeMessage(chance, oddLeaseSet(chance), 3),
  },
  'router/destination/destination-core DestinationCore.step': {
    run: playDestination,
    slow: true,
    make: (chance) =>
      Buffer.concat(
        Array.from({ length: 1 + chance.below(4) }, () =>
          Buffer.concat([chance.bytes(1), pieces(oddCloves(chance))]),
        ),
      ),
    longest: 20_000,
  },
  'router/destination/i2cp-gzip decodeI2cp': {
    run(input) {
      const frame = decodeI2cp(input);
      promise(frame.payload.length <= 65_535, 'at most 65,535 bytes');
      return frame;
    },
    make: oddFrame,
    outcome: (length) => 70_000 + length,
    longest: 70_000,
  },
  'router/destination/waiting Waiting.take': 'messages of ours that wait',
  'router/garlic/existing-session openExisting': SCRIPTED,
  'router/garlic/garlic-core GarlicCore.decrypt': {
    run: (input) => newCore().decrypt(input, NOW),
    seeds: () => [newSession(BLOCKS), newSession(BLOCKS, false), sealOneTime(REPLY_KEY, BLOCKS)],
    longest: 1_024,
  },
  'router/garlic/garlic-core GarlicCore.decrypt (sealed)': {
    run: playGarlic,
    slow: true,
    make: (chance) =>
      Buffer.concat(
        Array.from({ length: 1 + chance.below(5) }, () =>
          Buffer.concat([chance.bytes(1), pieces(chance.oneIn(2) ? oddBlocks(chance) : oddCloves(chance))]),
        ),
      ),
    longest: 20_000,
    outcome: (length) => 200_000 + 96 * length,
  },
  'router/garlic/new-session openNewSession': {
    run: (input) =>
      input.length < 96 ? undefined : openNewSession(START, OURS, ephemeralKeyOf(input), input),
    seeds: () => [newSession(BLOCKS), newSession(BLOCKS, false)],
    longest: 512,
  },
  'router/garlic/new-session openReply': {
    run: (input) => (input.length < 72 || !SENT ? undefined : openReply(SENT.sent, THEIRS, input)),
    seeds: () => (REPLIED ? [REPLIED] : []),
    longest: 512,
  },
  'router/garlic/payload readPayload': {
    run: readPayload,
    seeds: () => [BLOCKS],
    make: (chance) => (chance.oneIn(2) ? oddBlocks(chance) : oddCloves(chance)),
    longest: 20_000,
  },
  'router/garlic/receiver Receiver.open': SCRIPTED,
  'router/garlic/reply-keys ReplyKeys.open': {
    run(input) {
      const keys = new ReplyKeys();
      keys.register(REPLY_KEY.tag, REPLY_KEY.key, NOW, 7);
      return input.length < 8 ? undefined : keys.open(input);
    },
    seeds: () => [sealOneTime(REPLY_KEY, BLOCKS)],
    longest: 512,
  },
};

const SENT = sealNewSession(OURS.publicKey, THEIRS, BLOCKS, fixed.random);
const REPLIED = SENT && reply(SENT.message);

/** What a core answers to a new session. */
function reply(message: Uint8Array): Uint8Array | undefined {
  const core = newCore();
  core.decrypt(message, NOW);
  return core.encrypt({ publicKey: THEIRS.publicKey }, [], NOW);
}
