import { ByteReader } from '@allium/common/bytes/reader.ts';
import { Accumulator } from '@allium/router/ntcp2/accumulator.ts';
import { readBlockHeader } from '@allium/router/ntcp2/blocks.ts';
import { checkConfirmed } from '@allium/router/ntcp2/confirmed-checks.ts';
import { FrameOpener, FrameSealer } from '@allium/router/ntcp2/frame.ts';
import { FrameReader } from '@allium/router/ntcp2/frame-reader.ts';
import { createdOptionsCodec, requestOptionsCodec } from '@allium/router/ntcp2/handshake-options.ts';
import { ReplayCache } from '@allium/router/ntcp2/replay-cache.ts';
import { Ntcp2Session } from '@allium/router/ntcp2/session.ts';
import type { Ntcp2Config, Output } from '@allium/router/ntcp2/types.ts';
import { publishedNtcp2Address, routerOptions } from '@allium/router/wire/own-router.ts';
import { createRouterInfo } from '@allium/router/wire/router-info.ts';
import { createRouterKeys } from '@allium/router/wire/router-keys.ts';
import { Chance } from '../engine/chance.ts';
import { pieces, Script } from '../engine/script.ts';
import { promise, type Targets } from '../engine/target.ts';
import { NET_ID, NOW, oddRouterInfo, ROUTER, signedRouterInfo } from './forge.ts';
import { codecTarget } from './wire.ts';

const fixed = new Chance('ntcp2');
const BOB = createRouterKeys(fixed.random);
const infoOf = (keys: typeof BOB) =>
  createRouterInfo(keys, {
    published: NOW - 10_000,
    addresses: [publishedNtcp2Address(keys, { host: '203.0.113.7', port: 4_567 })],
    options: routerOptions({ caps: 'XfR', netId: NET_ID, version: '0.9.68' }),
  });
const [ALICE_INFO, BOB_INFO] = [infoOf(ROUTER), infoOf(BOB)];
const DIRECTION = { key: Buffer.alloc(32, 1), sipKey: Buffer.alloc(16, 2), sipIv: Buffer.alloc(8, 3) };

const config = (local: typeof BOB, info: typeof BOB_INFO, seed: string): Ntcp2Config => ({
  local,
  localRouterInfo: () => info,
  netId: NET_ID,
  random: new Chance(seed).random,
  keepAlive: () => false,
});
const alice = (): Ntcp2Session =>
  Ntcp2Session.initiator(config(ROUTER, ALICE_INFO, 'alice'), {
    hash: BOB.identity.hash,
    staticKey: BOB.ntcp2.publicKey,
    iv: BOB.ntcp2Iv,
  });
const bob = (): Ntcp2Session =>
  Ntcp2Session.responder(config(BOB, BOB_INFO, 'bob'), { replays: new ReplayCache() });

/** Feeds one side with the pieces of an input; there may be a pause between two. */
function feed(session: Ntcp2Session, input: Buffer): unknown {
  const script = new Script(input);
  let now = NOW;
  const outputs: Output[] = [
    ...session.step({ kind: 'tick' }, now),
    ...session.step({ kind: 'connected' }, now),
  ];
  for (let steps = 0; !script.ended && steps < 64; steps++) {
    const what = script.u8();
    if (what > 250) now += 20_000;
    const step = session.step({ kind: 'bytes', bytes: script.piece() }, now);
    promise(step.length <= 10_000, 'so much comes of one piece');
    outputs.push(...step, ...session.step({ kind: 'tick' }, now));
  }
  promise(outputs.filter(({ kind }) => kind === 'closed').length <= 1, 'it is closed once');
  return outputs.length;
}

const said = (outputs: readonly Output[]): Buffer[] =>
  outputs.flatMap((output) => (output.kind === 'send' ? [Buffer.from(output.bytes)] : []));

/** What each side hears from the other in a handshake that goes well, piece by piece. */
function transcript(): { readonly toAlice: Buffer; readonly toBob: Buffer } {
  const [one, two] = [alice(), bob()];
  const heard = { one: [] as Buffer[], two: [] as Buffer[] };
  for (const side of [one, two]) side.step({ kind: 'tick' }, NOW);
  let toTwo = said(one.step({ kind: 'connected' }, NOW));
  two.step({ kind: 'connected' }, NOW);
  for (let round = 0; round < 4; round++) {
    const toOne = toTwo.flatMap((bytes) => {
      heard.two.push(bytes);
      return said(two.step({ kind: 'bytes', bytes }, NOW));
    });
    toTwo = toOne.flatMap((bytes) => {
      heard.one.push(bytes);
      return said(one.step({ kind: 'bytes', bytes }, NOW));
    });
    const message = { type: 11, id: round, expires: NOW + 9_000, payload: Buffer.alloc(40) };
    if (round > 0) toTwo.push(...said(one.step({ kind: 'send', message }, NOW)));
  }
  const script = (parts: readonly Buffer[]): Buffer =>
    Buffer.concat(parts.map((part) => Buffer.concat([Buffer.of(0), pieces(part)])));
  return { toAlice: script(heard.one), toBob: script(heard.two) };
}

/** Blocks of a frame, more or less right. */
export function oddFrameBlocks(chance: Chance): Buffer {
  const parts = Array.from({ length: 1 + chance.below(6) }, () => {
    const type = chance.pick([0, 1, 2, 3, 3, 3, 4, 254, 200] as const);
    const data =
      type === 2
        ? Buffer.concat([chance.bytes(1), oddRouterInfo(chance)])
        : chance.bytes(chance.pick([0, 4, 9, 12, 40] as const));
    const length = chance.oneIn(8) ? chance.below(2_000) : data.length;
    return Buffer.concat([Buffer.of(type, length >> 8, length & 255), data]);
  });
  return Buffer.concat(parts);
}

const BY_SESSION = 'by Ntcp2Session.step, whose keys it needs';
const { toAlice, toBob } = transcript();

export const TARGETS: Targets = {
  'router/ntcp2/accumulator Accumulator.feed': {
    run(input) {
      const script = new Script(input);
      const pool = new Accumulator();
      const taken: Uint8Array[] = [];
      let wanted = script.below(300);
      for (let fed = 0; !script.ended && fed < 32; fed++) {
        pool.feed(script.piece());
        for (
          let piece = pool.take(wanted);
          piece !== undefined && taken.length < 64;
          piece = pool.take(wanted)
        ) {
          promise(piece.length === wanted, 'as many bytes as were wanted');
          taken.push(piece);
          wanted = script.below(300);
        }
      }
      return taken.length;
    },
    make: (chance) =>
      Buffer.concat([
        chance.bytes(1),
        pieces(chance.bytes(chance.below(90)), chance.bytes(chance.below(90))),
      ]),
  },
  'router/ntcp2/blocks readBlockHeader': {
    run: (input) => readBlockHeader(new ByteReader(input, 'block')),
    seeds: () => [Buffer.of(3, 0, 1, 5)],
    longest: 64,
  },
  'router/ntcp2/confirmed-checks checkConfirmed': {
    run: (input) =>
      checkConfirmed(
        input,
        { staticKey: ROUTER.ntcp2.publicKey, skewed: (input[0] ?? 0) > 250 },
        { now: NOW, netId: NET_ID, acceptance: { replays: new ReplayCache(), remoteHost: '203.0.113.7' } },
      ),
    make: (chance) => {
      const info = Buffer.concat([Buffer.of(0), chance.oneIn(2) ? ALICE_INFO.raw : oddRouterInfo(chance)]);
      return Buffer.concat([
        Buffer.of(2, info.length >> 8, info.length & 255),
        info,
        Buffer.of(254, 0, 3, 1, 2, 3),
      ]);
    },
    mend: (input) => {
      const info = signedRouterInfo(input.subarray(4));
      const length = info.length + 1;
      return Buffer.concat([Buffer.of(2, length >> 8, length & 255, 0), info]);
    },
  },
  'router/ntcp2/data-phase DataPhase.receive': BY_SESSION,
  'router/ntcp2/frame FrameOpener.open': {
    run(input) {
      const opener = new FrameOpener(DIRECTION);
      const length = opener.length(input.subarray(0, 2));
      return length === undefined ? undefined : opener.open(input.subarray(2, 2 + length));
    },
    seeds: () => {
      const sealer = new FrameSealer(DIRECTION);
      const out = sealer.open(12);
      out.bytes(Buffer.from('\x03\x00\x09123456789', 'latin1'));
      return [sealer.seal(out)];
    },
    longest: 256,
  },
  'router/ntcp2/frame-reader FrameReader.read': {
    run(input) {
      const outputs: Output[] = [];
      // nothing that is in a frame is a reason to throw
      try {
        const end = new FrameReader().read(input, NOW, outputs);
        promise(outputs.length <= 1 + input.length / 3, 'no more than there are blocks');
        return [end, outputs];
      } catch (error) {
        throw new Error('a frame made its reader throw', { cause: error });
      }
    },
    make: oddFrameBlocks,
    longest: 8_192,
  },
  'router/ntcp2/handshake-options createdOptionsCodec': codecTarget(createdOptionsCodec, {
    exact: false,
    seeds: () => [Buffer.alloc(16)],
    longest: 24,
  }),
  'router/ntcp2/handshake-options requestOptionsCodec': codecTarget(requestOptionsCodec, {
    exact: false,
    seeds: () => [Buffer.alloc(16)],
    longest: 24,
  }),
  'router/ntcp2/initiator Ntcp2Initiator.receive': BY_SESSION,
  'router/ntcp2/responder Ntcp2Responder.receive': BY_SESSION,
  'router/ntcp2/send-queue SendQueue.push': 'messages of ours',
  'router/ntcp2/session Ntcp2Session.step': {
    run: (input) => feed(bob(), input),
    seeds: () => [toBob],
    longest: 8_192,
  },
  'router/ntcp2/session Ntcp2Session.step (dialling)': {
    run: (input) => feed(alice(), input),
    seeds: () => [toAlice],
    longest: 8_192,
  },
};
