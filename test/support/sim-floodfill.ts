import { randomU32 } from '@allium/common/core/random.ts';
import { decodeBlocks, encodeBlocks } from '@allium/router/i2np/blocks.ts';
import { decodeBody, messageOf } from '@allium/router/i2np/body.ts';
import { LOCAL_DELIVERY } from '@allium/router/i2np/clove.ts';
import type { DatabaseLookup } from '@allium/router/i2np/database-lookup.ts';
import { type SentEntry, storeOf } from '@allium/router/i2np/database-store.ts';
import { encodeLong, I2NP_TYPE, type I2npMessage } from '@allium/router/i2np/message.ts';
import { sealOneTime } from '@allium/router/i2np/one-time-garlic.ts';
import { openForRouter } from '@allium/router/i2np/router-garlic.ts';
import type { LinkId } from '@allium/router/node/node-io.ts';
import { type DestHash, destHash, routerHash } from '@allium/router/wire/hash.ts';
import type { SimNetwork } from './sim-network.ts';
import { SimPeer } from './sim-peer.ts';

/** A floodfill that has what it is told to have, readable or not, and answers nothing else. */
export class OddFloodfill extends SimPeer {
  /** what it gives, by the hash that it is asked for */
  readonly entries = new Map<DestHash, SentEntry>();
  answered = 0;
  readonly #unsent = new Map<LinkId, I2npMessage>();

  constructor(net: SimNetwork) {
    super(net, 'odd floodfill', '10.251.0.1');
    net.addStranger(this, this.routerInfo);
  }

  protected established(link: LinkId): void {
    const message = this.#unsent.get(link);
    if (this.#unsent.delete(link) && message) this.say(link, message);
  }

  protected gone(link: LinkId): void {
    this.#unsent.delete(link);
  }

  protected heard(message: I2npMessage): void {
    if (message.type !== I2NP_TYPE.garlic) return;
    const body = decodeBody(message);
    const payload = body.kind === 'garlic' && openForRouter(this.keys, body.data);
    for (const block of payload ? decodeBlocks(payload) : []) {
      if (block.kind !== 'clove' || block.clove.message.type !== I2NP_TYPE.databaseLookup) continue;
      const lookup = decodeBody(block.clove.message);
      if (lookup.kind === 'databaseLookup') this.#answer(lookup);
    }
  }

  #answer({ key, from, reply, replyTunnelId }: DatabaseLookup): void {
    const entry = this.entries.get(destHash(key));
    if (!entry || !reply || replyTunnelId === undefined) return;
    this.answered++;
    const expires = this.net.now + 20_000;
    const store = messageOf({ ...storeOf(entry), key }, randomU32(this.random), expires);
    const data = sealOneTime(
      reply,
      encodeBlocks([{ kind: 'clove', clove: { delivery: LOCAL_DELIVERY, message: store } }]),
    );
    const garlic = messageOf({ kind: 'garlic', data }, randomU32(this.random), expires);
    const body = { kind: 'tunnelGateway', tunnelId: replyTunnelId, data: encodeLong(garlic) } as const;
    this.#dial(routerHash(from), messageOf(body, randomU32(this.random), expires));
  }

  #dial(gateway: string, message: I2npMessage): void {
    const info = this.net.routers.map(({ ownInfo }) => ownInfo).find(({ hash }) => hash === gateway);
    const link = info && this.dial(info);
    if (link !== undefined) this.#unsent.set(link, message);
  }
}
