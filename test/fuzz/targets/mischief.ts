import { randomU32 } from '@allium/common/core/random.ts';
import { encodeI2cp } from '@allium/router/destination/i2cp-gzip.ts';
import { sealNewSession } from '@allium/router/garlic/new-session.ts';
import { encodeBlocks } from '@allium/router/i2np/blocks.ts';
import type { I2npMessage } from '@allium/router/i2np/message.ts';
import { sealOneTime } from '@allium/router/i2np/one-time-garlic.ts';
import { sealForRouter } from '@allium/router/i2np/router-garlic.ts';
import { encodeSigned } from '@allium/router/streaming/signing.ts';
import { hashBytes } from '@allium/router/wire/hash.ts';
import { signerOf } from '@allium/router/wire/identity.ts';
import { createRouterKeys } from '@allium/router/wire/router-keys.ts';
import { Chance } from '../engine/chance.ts';
import { mutated } from '../engine/mutate.ts';
import type { Script } from '../engine/script.ts';
import { DESTINATION, oddLeaseSet, oddRouterInfo, ROUTER, STRANGER } from './forge.ts';
import { oddBlocks, oddBody, storeMessage } from './forge-messages.ts';
import { oddRequest, sealedRecord } from './forge-tunnel.ts';
import { type HostilePeer, messageFor } from './hostile-peer.ts';
import { SYN } from './streaming.ts';

const FAR = createRouterKeys(new Chance('far').random);

/** What hostile peers say to a node: decided by a script, made by chance. */
export class Mischief {
  readonly #script: Script;
  readonly #chance: Chance;
  readonly #peers: readonly HostilePeer[];
  readonly #now: () => number;

  constructor(script: Script, chance: Chance, peers: readonly HostilePeer[], now: () => number) {
    this.#script = script;
    this.#chance = chance;
    this.#peers = peers;
    this.#now = now;
  }

  /** Odd, or heard before and changed. */
  any(): I2npMessage {
    const script = this.#script;
    const heard = this.#peers[script.below(3)]?.heard ?? [];
    const known = heard[script.below(heard.length)];
    if (known && script.below(2) === 0) {
      const payload = script.below(3) === 0 ? known.payload : this.changed(known.payload);
      return { ...known, payload, type: script.below(8) === 0 ? script.below(28) : known.type };
    }
    const body = oddBody(this.#chance);
    return messageFor({ type: body.type, payload: body.payload.subarray(0, 60_000) }, this.#now());
  }

  /** Some steps away from what is right. */
  changed(payload: Uint8Array): Buffer {
    return mutated(payload, this.#chance, [], [], 60_000);
  }

  /** An answer to a question of the node's, under the key that it gave for it. */
  answer(peer: HostilePeer): I2npMessage | undefined {
    const script = this.#script;
    const question = peer.questions[script.below(peer.questions.length)];
    if (!question?.reply) return undefined;
    const inner = script.below(3) > 0 ? this.#found(question.key) : this.any();
    const cloves = encodeBlocks([{ kind: 'clove', clove: { delivery: { kind: 'local' }, message: inner } }]);
    const payload = script.below(4) === 0 ? oddBlocks(this.#chance) : cloves;
    return messageFor(
      { kind: 'garlic', data: sealOneTime(question.reply, payload.subarray(0, 40_000)) },
      this.#now(),
    );
  }

  #found(key: Uint8Array): I2npMessage {
    const script = this.#script;
    const hashes = Array.from({ length: script.below(17) }, () =>
      script.below(3) === 0 ? hashBytes(FAR.identity.hash) : this.#chance.bytes(32),
    );
    if (script.below(2) === 0)
      return messageFor(
        {
          kind: 'databaseSearchReply',
          key,
          peers: hashes,
          from: hashBytes(this.#peers[0]?.hash ?? FAR.identity.hash),
        },
        this.#now(),
      );
    const store =
      script.below(2) === 0
        ? storeMessage(this.#chance, oddRouterInfo(this.#chance), 0)
        : storeMessage(this.#chance, oddLeaseSet(this.#chance), 3);
    return messageFor({ type: 1, payload: store.subarray(0, 40_000) }, this.#now());
  }

  /** Garlic for the node's Destination, with a stream in it, or anything. */
  forDestination(): I2npMessage {
    const script = this.#script;
    const chance = this.#chance;
    const packet =
      script.below(2) === 0
        ? encodeSigned({ ...SYN, receiveStreamId: randomU32(chance.random) }, signerOf(STRANGER))
        : chance.bytes(chance.below(200));
    const frame = encodeI2cp({
      fromPort: 1,
      toPort: script.below(3),
      protocol: script.pick([6, 6, 6, 17, 18]),
      payload: packet,
    });
    const data = messageFor({ kind: 'data', data: frame }, this.#now());
    const store = messageFor({ type: 1, payload: storeMessage(chance, oddLeaseSet(chance), 3) }, this.#now());
    const blocks = encodeBlocks([
      { kind: 'dateTime', at: this.#now() },
      { kind: 'clove', clove: { delivery: { kind: 'local' }, message: store } },
      { kind: 'clove', clove: { delivery: { kind: 'local' }, message: data } },
    ]);
    const payload = script.below(3) === 0 ? this.changed(blocks) : blocks;
    const sealed = sealNewSession(
      DESTINATION.encryption.publicKey,
      script.below(4) > 0 ? STRANGER.encryption : undefined,
      payload,
      chance.random,
    );
    return messageFor({ kind: 'garlic', data: sealed?.message ?? payload }, this.#now());
  }

  /** A request to carry a tunnel, over a session or sealed for the router. */
  build(): I2npMessage {
    const record = sealedRecord(oddRequest(this.#chance));
    const payload = Buffer.concat([Buffer.of(4), record, this.#chance.bytes(3 * 218)]);
    const build = messageFor({ type: 25, payload }, this.#now());
    if (this.#script.below(2) === 0) return build;
    const blocks = encodeBlocks([{ kind: 'clove', clove: { delivery: { kind: 'local' }, message: build } }]);
    return messageFor(
      {
        kind: 'garlic',
        data: sealForRouter(ROUTER.encryption.publicKey, blocks, this.#chance.random) ?? blocks,
      },
      this.#now(),
    );
  }
}
