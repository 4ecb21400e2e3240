import { DecodeError } from '@allium/common/bytes/errors.ts';
import type { GarlicClove } from '../i2np/clove.ts';
import type {
  EncryptOptions,
  GarlicConfig,
  GarlicOutput,
  GarlicRemote,
  Opened,
  Refused,
  Stage,
} from './garlic-types.ts';
import { SWEEP_INTERVAL, TAG_LENGTH } from './limits.ts';
import { NewSessionGuard } from './new-session-guard.ts';
import { PayloadWriter } from './payload.ts';
import { Receiver } from './receiver.ts';
import { Remotes } from './remotes.ts';
import { ReplyKeys } from './reply-keys.ts';
import { Sender } from './sender.ts';

/**
 * End-to-end encryption of one local identity: ECIES-X25519-AEAD-Ratchet, without I/O.
 *
 *   const garlic = new GarlicCore({ keys, random, tags });
 *   garlic.stage(remote, now)                        what encrypt would write; 'new' should carry our LeaseSet
 *   garlic.encrypt(remote, cloves, now, { ack: 7 })  bytes for I2NP Garlic, behind its length field
 *   garlic.encryptOneTime(publicKey, cloves, now)    the same for somebody who shall not be able to answer
 *   garlic.decrypt(bytes, now)                       cloves, sender's static key, and names of what it acks
 *   garlic.registerReplyKey(tag, key, until, name)   one answer under a key that we gave away
 *   garlic.nextWake() → garlic.tick(now)             answers the application failed to give, for node to route
 *
 * A session belongs to an X25519 static key, not to a Destination: the caller binds `from` to the Destination whose
 * LeaseSet carries that key, and distrusts cloves that say otherwise.
 * Shapes are in garlic-types.ts.
 * After every decrypt and encrypt, ask `nextWake` again. Late, early and superfluous ticks are harmless.
 */
export class GarlicCore {
  readonly #remotes: Remotes;
  readonly #replyKeys = new ReplyKeys();
  readonly #guard: NewSessionGuard;
  readonly #sender: Sender;
  readonly #receiver: Receiver;
  #sweepAt: number | undefined;

  constructor({ keys, random, tags, newSessionsPerSecond, newSessionsBurst }: GarlicConfig) {
    this.#remotes = new Remotes(tags);
    this.#guard = new NewSessionGuard(newSessionsPerSecond, newSessionsBurst);
    this.#sender = new Sender(keys, random, this.#remotes, new PayloadWriter(random));
    this.#receiver = new Receiver(keys, random, this.#remotes, this.#guard);
  }

  /** How much is held, for counters. */
  get counts(): Readonly<
    Record<'remotes' | 'strangers' | 'sessions' | 'tags' | 'replyKeys' | 'replays', number>
  > {
    return { ...this.#remotes.counts, replyKeys: this.#replyKeys.size, replays: this.#guard.size };
  }

  /** What `encrypt` would write now. */
  stage(remote: GarlicRemote, now: number): Stage {
    return this.#sender.stage(remote.publicKey, now);
  }

  /**
   * Undefined when the remote's key is unusable (a low-order point). Throws `RangeError` when the cloves leave no
   * room for control blocks in 65519 bytes: stay below 65000.
   */
  encrypt(
    remote: GarlicRemote,
    cloves: readonly GarlicClove[],
    now: number,
    options: EncryptOptions = {},
  ): Uint8Array | undefined {
    this.#used(now);
    const bytes = this.#sender.encrypt(remote, cloves, now, options.ack);
    this.#remotes.makeRoom();
    return bytes;
  }

  /**
   * Messages to this remote get lost, and nothing is heard from it: the next few are New Sessions, in case it has
   * forgotten ours. A word from it under the old session ends that.
   */
  doubt(publicKey: Uint8Array): void {
    this.#sender.doubt(publicKey);
  }

  /** An unbound New Session: anonymous, without a session, never answered. Otherwise as `encrypt`. */
  encryptOneTime(publicKey: Uint8Array, cloves: readonly GarlicClove[], now: number): Uint8Array | undefined {
    return this.#sender.encryptOneTime(publicKey, cloves, now);
  }

  /**
   * Never throws for what is in `bytes`, which is an I2NP Garlic behind its length field. `source` tells apart the
   * tunnels that bring them, among which strangers have fair shares.
   */
  decrypt(bytes: Uint8Array, now: number, source = 0): Opened | Refused {
    this.#used(now);
    if (bytes.length < TAG_LENGTH) return { kind: 'refused', code: 'short' };
    try {
      const opened = this.#replyKeys.knows(bytes, now)
        ? this.#receiver.withReplyKey(this.#replyKeys.open(bytes))
        : this.#receiver.open(bytes, source, now);
      this.#remotes.makeRoom();
      return opened;
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      return { kind: 'refused', code: 'malformed' };
    }
  }

  /**
   * `tag` 8 bytes, `key` 32 bytes, as given to whoever shall answer; good once, until `until` (milliseconds).
   * `query` comes back in `Opened.query`.
   */
  registerReplyKey(tag: Uint8Array, key: Uint8Array, until: number, query: number, now: number): void {
    this.#used(now);
    this.#replyKeys.register(tag, key, until, query);
  }

  /** Answers that are due, and housekeeping. */
  tick(now: number): GarlicOutput[] {
    const outputs = this.#sender.answers(now);
    this.#remotes.makeRoom();
    if (this.#sweepAt !== undefined && now >= this.#sweepAt) {
      this.#remotes.sweep(now);
      this.#replyKeys.sweep(now);
      this.#guard.sweep(now);
      this.#sweepAt = this.#empty ? undefined : now + SWEEP_INTERVAL;
    }
    return outputs;
  }

  /** When `tick` has something to do, in milliseconds; undefined while nothing is held. */
  nextWake(): number | undefined {
    const [first] = this.#remotes.debtors;
    if (first?.answerAt === undefined) return this.#sweepAt;
    return Math.min(first.answerAt, this.#sweepAt ?? first.answerAt);
  }

  get #empty(): boolean {
    return Object.values(this.counts).every((count) => count === 0);
  }

  #used(now: number): void {
    this.#sweepAt ??= now + SWEEP_INTERVAL;
  }
}
