import type { RandomBytes } from '@allium/common/core/random.ts';
import type { I2npMessage } from '@allium/router/i2np/message.ts';
import { ReplayCache } from '@allium/router/ntcp2/replay-cache.ts';
import { Ntcp2Session } from '@allium/router/ntcp2/session.ts';
import type {
  Close,
  Input,
  Ntcp2Acceptance,
  Ntcp2Config,
  Ntcp2Peer,
  Output,
} from '@allium/router/ntcp2/types.ts';
import { routerOptions, unpublishedNtcp2Address } from '@allium/router/wire/own-router.ts';
import type { RouterAddress } from '@allium/router/wire/router-address.ts';
import { createRouterInfo, type RouterInfo, type RouterKeys } from '@allium/router/wire/router-info.ts';
import { createRouterKeys } from '@allium/router/wire/router-keys.ts';
import { recordedEntropy } from '../../support/entropy.ts';

export const NET_ID = 99;
/** Not a whole second, so that rounding shows. */
export const NOW = Date.UTC(2026, 10, 24, 12) + 700;

export const ALICE_KEYS = createRouterKeys(recordedEntropy('alice'));
export const BOB_KEYS = createRouterKeys(recordedEntropy('bob'));

export interface InfoChanges {
  readonly published?: number;
  readonly addresses?: readonly RouterAddress[];
  readonly options?: ReadonlyMap<string, string>;
}

export function routerInfo(keys: RouterKeys, changes: InfoChanges = {}): RouterInfo {
  return createRouterInfo(keys, {
    published: NOW - 10_000,
    addresses: [unpublishedNtcp2Address(keys)],
    options: routerOptions({ caps: 'LUG', netId: NET_ID, version: '0.9.68' }),
    ...changes,
  });
}

export const ALICE_INFO = routerInfo(ALICE_KEYS);
export const BOB_INFO = routerInfo(BOB_KEYS);

export const BOB: Ntcp2Peer = {
  hash: BOB_KEYS.identity.hash,
  staticKey: BOB_KEYS.ntcp2.publicKey,
  iv: BOB_KEYS.ntcp2Iv,
};

export function aliceConfig(changes: Partial<Ntcp2Config> = {}): Ntcp2Config {
  return {
    local: ALICE_KEYS,
    localRouterInfo: () => ALICE_INFO,
    netId: NET_ID,
    random: recordedEntropy('alice session'),
    keepAlive: () => false,
    ...changes,
  };
}

export function bobConfig(changes: Partial<Ntcp2Config> = {}): Ntcp2Config {
  return {
    ...aliceConfig(),
    local: BOB_KEYS,
    localRouterInfo: () => BOB_INFO,
    random: recordedEntropy('bob session'),
    ...changes,
  };
}

/** One side: the session, and everything it ever put out. */
export class Side {
  readonly session: Ntcp2Session;
  readonly outputs: Output[] = [];
  /** bytes to the other side that nobody has carried yet, one entry per `send` */
  readonly unsent: Uint8Array[] = [];

  constructor(session: Ntcp2Session) {
    this.session = session;
  }

  step(input: Input, now: number): Output[] {
    const outputs = this.session.step(input, now);
    this.outputs.push(...outputs);
    for (const output of outputs) if (output.kind === 'send') this.unsent.push(output.bytes);
    return outputs;
  }

  of<K extends Output['kind']>(kind: K): Extract<Output, { kind: K }>[] {
    return this.outputs.filter((output): output is Extract<Output, { kind: K }> => output.kind === kind);
  }

  get closed(): Close | undefined {
    const [first] = this.of('closed');
    if (!first) return undefined;
    const { kind: _, ...close } = first;
    return close;
  }

  get messages(): I2npMessage[] {
    return this.of('message').map((output) => output.message);
  }

  /** The time of the next tick that the session has asked for. */
  get wake(): number {
    return this.of('wake').at(-1)?.at ?? Number.POSITIVE_INFINITY;
  }
}

export interface PairOptions {
  readonly alice?: Partial<Ntcp2Config>;
  readonly bob?: Partial<Ntcp2Config>;
  readonly peer?: Partial<Ntcp2Peer>;
  readonly acceptance?: Partial<Ntcp2Acceptance>;
  /** how the network cuts what one side sent */
  readonly cut?: (bytes: Uint8Array) => readonly Uint8Array[];
}

/** Alice and Bob joined by a network without delay. */
export class Pair {
  readonly alice: Side;
  readonly bob: Side;
  readonly #cut: (bytes: Uint8Array) => readonly Uint8Array[];

  constructor(options: PairOptions = {}) {
    const peer = { ...BOB, ...options.peer };
    const acceptance = { replays: new ReplayCache(), ...options.acceptance };
    this.alice = new Side(Ntcp2Session.initiator(aliceConfig(options.alice), peer));
    this.bob = new Side(Ntcp2Session.responder(bobConfig(options.bob), acceptance));
    this.#cut = options.cut ?? ((bytes) => [bytes]);
  }

  connect(now: number): void {
    for (const side of [this.alice, this.bob]) side.step({ kind: 'tick' }, now);
    for (const side of [this.alice, this.bob]) side.step({ kind: 'connected' }, now);
  }

  /** Carries one `send` of one side, changed on the way or not. */
  carry(from: Side, now: number, change: (bytes: Uint8Array) => Uint8Array = (bytes) => bytes): void {
    const bytes = from.unsent.shift();
    if (!bytes) return;
    const to = from === this.alice ? this.bob : this.alice;
    for (const piece of this.#cut(change(bytes))) to.step({ kind: 'bytes', bytes: piece }, now);
  }

  /** Carries everything until both are silent. */
  settle(now: number): void {
    while (this.alice.unsent.length + this.bob.unsent.length > 0) {
      this.carry(this.alice, now);
      this.carry(this.bob, now);
    }
  }
}

/** A pair whose handshake is done. */
export function connectedPair(options: PairOptions = {}, now = NOW): Pair {
  const pair = new Pair(options);
  pair.connect(now);
  pair.settle(now);
  return pair;
}

export function message(id: number, length = 100, expires = NOW + 20_000): I2npMessage {
  return { type: 18, id, expires, payload: recordedEntropy(`payload ${id}`)(length) };
}

export function flipBit(bytes: Uint8Array, bit: number): Uint8Array {
  const out = Buffer.from(bytes);
  out[bit >>> 3] = (out[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
  return out;
}

/** Pieces of the given lengths, over and over. */
export function cutter(lengths: readonly number[]): (bytes: Uint8Array) => readonly Uint8Array[] {
  return (bytes) => {
    const pieces: Uint8Array[] = [];
    let at = 0;
    for (let i = 0; at < bytes.length; i++) {
      const length = Math.max(1, lengths[i % lengths.length] ?? 1);
      pieces.push(bytes.subarray(at, at + length));
      at += length;
    }
    return pieces;
  };
}

export function constantRandom(byte: number): RandomBytes {
  return (n) => new Uint8Array(n).fill(byte);
}
