import { decodeBlocks } from '@allium/router/i2np/blocks.ts';
import { decodeBody, encodeBody, type I2npBody } from '@allium/router/i2np/body.ts';
import type { DatabaseLookup } from '@allium/router/i2np/database-lookup.ts';
import type { I2npMessage } from '@allium/router/i2np/message.ts';
import { openForRouter } from '@allium/router/i2np/router-garlic.ts';
import { ReplayCache } from '@allium/router/ntcp2/replay-cache.ts';
import { Ntcp2Session } from '@allium/router/ntcp2/session.ts';
import type { Ntcp2Config, Input as SessionInput } from '@allium/router/ntcp2/types.ts';
import { findRequest } from '@allium/router/tunnel/build-reply.ts';
import { TunnelCore } from '@allium/router/tunnel/tunnel-core.ts';
import type { TunnelOutput } from '@allium/router/tunnel/tunnel-io.ts';
import { hashBytes, type RouterHash } from '@allium/router/wire/hash.ts';
import { publishedNtcp2Address, routerOptions } from '@allium/router/wire/own-router.ts';
import { createRouterInfo, type RouterInfo } from '@allium/router/wire/router-info.ts';
import { createRouterKeys, type RouterKeys } from '@allium/router/wire/router-keys.ts';
import { Chance } from '../engine/chance.ts';
import { NET_ID, NOW } from './forge.ts';

/** Messages of the node that are kept, to be said again otherwise. */
const HEARD_MAX = 24;
const PORT = 4_567;

export interface Identity {
  readonly keys: RouterKeys;
  readonly info: RouterInfo;
  readonly host: string;
}

/** Floodfills of three networks, made once. */
export const IDENTITIES: readonly Identity[] = [1, 2, 3].map((number) => {
  const keys = createRouterKeys(new Chance(`peer ${number}`).random);
  const host = `10.${number}.0.1`;
  const info = createRouterInfo(keys, {
    published: NOW - 60_000,
    addresses: [publishedNtcp2Address(keys, { host, port: PORT })],
    options: routerOptions({ caps: 'XfR', netId: NET_ID, version: '0.9.68' }),
  });
  return { keys, info, host };
});

/** Where an inbound tunnel of the node begins at one of us. */
export interface Entrance {
  readonly peer: HostilePeer;
  readonly tunnelId: number;
}

/** What a peer needs of the world around it. */
export interface Surroundings {
  /** bytes for the node */
  readonly say: (peer: HostilePeer, bytes: Uint8Array) => void;
  /** a message for another of us */
  readonly pass: (to: RouterHash, from: RouterHash, message: I2npMessage) => void;
  readonly now: () => number;
}

/** A router that shakes hands and carries tunnels as it should, notes all it can see, and says what it is told to. */
export class HostilePeer {
  readonly identity: Identity;
  readonly heard: I2npMessage[] = [];
  readonly entrances: number[] = [];
  readonly questions: DatabaseLookup[] = [];
  /** changes the next answer to a build */
  spoil: ((payload: Uint8Array) => Uint8Array) | undefined;
  readonly #around: Surroundings;
  readonly #tunnels: TunnelCore;
  #session: Ntcp2Session | undefined;
  #peer: RouterHash | undefined;

  constructor(identity: Identity, around: Surroundings) {
    this.identity = identity;
    this.#around = around;
    const { encryption: keys, identity: local } = identity.keys;
    const random = new Chance(`tunnels of ${identity.host}`).random;
    this.#tunnels = new TunnelCore({
      local: local.hash,
      keys,
      random,
      chooseHops: () => undefined,
      acceptTransit: true,
    });
  }

  get hash(): RouterHash {
    return this.identity.info.hash;
  }

  get up(): boolean {
    return this.#peer !== undefined;
  }

  /** The node has dialled us, or we dial it. */
  connect(node?: RouterInfo): void {
    const { keys, info } = this.identity;
    const random = new Chance(`session of ${this.identity.host}`).random;
    const config: Ntcp2Config = {
      local: keys,
      localRouterInfo: () => info,
      netId: NET_ID,
      random,
      keepAlive: () => true,
    };
    const address = node?.addresses[0]?.options;
    this.#session =
      node && address
        ? Ntcp2Session.initiator(config, { hash: node.hash, ...keysOf(address) })
        : Ntcp2Session.responder(config, { replays: new ReplayCache() });
    this.step({ kind: 'tick' });
    this.step({ kind: 'connected' });
  }

  hangUp(): void {
    this.#session = undefined;
    this.#peer = undefined;
  }

  step(input: SessionInput): void {
    for (const output of this.#session?.step(input, this.#around.now()) ?? []) {
      if (output.kind === 'send') this.#around.say(this, output.bytes);
      else if (output.kind === 'established') this.#peer = output.peer;
      else if (output.kind === 'message') this.#hear(output.message, this.#peer);
      else if (output.kind === 'closed') this.hangUp();
    }
  }

  /** To the node, over our session. */
  send(message: I2npMessage): void {
    this.step({ kind: 'send', message });
  }

  /** Into a tunnel that begins at us, or what another of us passes on. */
  take(message: I2npMessage, from: RouterHash | undefined): void {
    this.#hear(message, from);
  }

  #hear(message: I2npMessage, from: RouterHash | undefined): void {
    this.heard.push({ ...message, payload: Uint8Array.from(message.payload) });
    if (this.heard.length > HEARD_MAX) this.heard.shift();
    const body = bodyOf(message);
    if (body?.kind === 'shortTunnelBuild') this.#noteBuild(message.payload);
    if (body?.kind === 'garlic') return this.#open(body.data);
    if (body?.kind === 'databaseLookup' && this.questions.length < HEARD_MAX) this.questions.push(body);
    this.#carry(this.#tunnels.step({ kind: 'message', from, message }, this.#around.now()));
  }

  /** Who asks us through a tunnel seals it for us. */
  #open(data: Uint8Array): void {
    const payload = openForRouter(this.identity.keys, data);
    for (const block of payload ? decodeBlocks(payload) : []) {
      if (block.kind === 'clove') this.#hear(block.clove.message, undefined);
    }
  }

  #noteBuild(payload: Uint8Array): void {
    try {
      const found = findRequest(payload, hashBytes(this.hash), this.identity.keys.encryption);
      if (found?.request.role === 'gateway') this.entrances.push(found.request.receiveTunnelId);
    } catch {
      // no record for us: what the node sends of its own is not what is tried here
    }
  }

  #carry(outputs: readonly TunnelOutput[]): void {
    for (const output of outputs) {
      if (output.kind !== 'toRouter') continue;
      const { router } = output;
      const spoilt =
        this.spoil && output.message.type === 25
          ? { ...output.message, payload: this.spoil(output.message.payload) }
          : output.message;
      if (spoilt !== output.message) this.spoil = undefined;
      if (router === this.#peer) this.send(spoilt);
      else this.#around.pass(router, this.hash, spoilt);
    }
  }
}

function bodyOf(message: I2npMessage): I2npBody | undefined {
  try {
    return decodeBody(message);
  } catch {
    return undefined;
  }
}

function keysOf(options: ReadonlyMap<string, string>): {
  readonly staticKey: Uint8Array;
  readonly iv: Uint8Array;
} {
  const bytes = (key: string): Buffer =>
    Buffer.from((options.get(key) ?? '').replaceAll('-', '+').replaceAll('~', '/'), 'base64');
  return { staticKey: bytes('s'), iv: bytes('i') };
}

/** A body with a header that has not expired. */
export function messageFor(
  body: I2npBody | { readonly type: number; readonly payload: Uint8Array },
  now: number,
): I2npMessage {
  const encoded = 'kind' in body ? encodeBody(body) : body;
  return { ...encoded, id: 77, expires: now + 20_000 };
}
