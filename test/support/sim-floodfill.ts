import type { RandomBytes } from '@allium/common/core/random.ts';
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
import { ReplayCache } from '@allium/router/ntcp2/replay-cache.ts';
import { Ntcp2Session } from '@allium/router/ntcp2/session.ts';
import type { Ntcp2Config, Input as SessionInput } from '@allium/router/ntcp2/types.ts';
import { type DestHash, destHash, routerHash } from '@allium/router/wire/hash.ts';
import { publishedNtcp2Address, routerOptions } from '@allium/router/wire/own-router.ts';
import { ntcp2Address } from '@allium/router/wire/router-caps.ts';
import { createRouterInfo, type RouterInfo } from '@allium/router/wire/router-info.ts';
import { createRouterKeys, type RouterKeys } from '@allium/router/wire/router-keys.ts';
import type { LinkInput, Machine } from './sim-links.ts';
import { SIM_NET_ID, SIM_PORT, type SimNetwork } from './sim-network.ts';

/** A floodfill that has what it is told to have, readable or not, and answers nothing else. */
export class OddFloodfill implements Machine {
  readonly name = 'odd floodfill';
  readonly host = '10.251.0.1';
  readonly keys: RouterKeys;
  alive = true;
  /** what it gives, by the hash that it is asked for */
  readonly entries = new Map<DestHash, SentEntry>();
  answered = 0;
  readonly #net: SimNetwork;
  readonly #random: RandomBytes;
  readonly #sessions = new Map<LinkId, Ntcp2Session>();
  readonly #unsent = new Map<LinkId, I2npMessage>();
  readonly #replays = new ReplayCache();
  #lastLink = 0;

  constructor(net: SimNetwork) {
    this.#net = net;
    this.#random = net.entropy(this.name);
    this.keys = createRouterKeys(this.#random);
    net.addStranger(this, this.routerInfo);
  }

  get routerInfo(): RouterInfo {
    return createRouterInfo(this.keys, {
      published: this.#net.now - 5_000,
      addresses: [publishedNtcp2Address(this.keys, { host: this.host, port: SIM_PORT })],
      options: routerOptions({ caps: 'XfR', netId: SIM_NET_ID, version: '0.9.68' }),
    });
  }

  feed(input: LinkInput): void {
    const { link } = input;
    if (input.kind === 'accepted') {
      this.#sessions.set(link, Ntcp2Session.responder(this.#config, { replays: this.#replays }));
    }
    if (input.kind === 'dialFailed') this.#sessions.delete(link);
    else if (input.kind === 'bytes') this.#step(link, input);
    else if (input.kind === 'accepted' || input.kind === 'dialed') this.#step(link, { kind: 'connected' });
    else this.#step(link, { kind: input.kind });
  }

  get #config(): Ntcp2Config {
    const { keys: local, routerInfo } = this;
    const keepAlive = (): boolean => true;
    return { local, localRouterInfo: () => routerInfo, netId: SIM_NET_ID, random: this.#random, keepAlive };
  }

  #step(link: LinkId, input: SessionInput): void {
    const session = this.#sessions.get(link);
    for (const output of session?.step(input, this.#net.now) ?? []) {
      if (output.kind === 'send') this.#net.links.send(this, link, output.bytes);
      else if (output.kind === 'established') this.#sendLate(link);
      else if (output.kind === 'message') this.#heard(output.message);
      else if (output.kind === 'closed') {
        this.#sessions.delete(link);
        this.#net.links.hangup(this, link);
      }
    }
  }

  #sendLate(link: LinkId): void {
    const message = this.#unsent.get(link);
    if (this.#unsent.delete(link) && message) this.#step(link, { kind: 'send', message });
  }

  #heard(message: I2npMessage): void {
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
    const expires = this.#net.now + 20_000;
    const store = messageOf({ ...storeOf(entry), key }, randomU32(this.#random), expires);
    const data = sealOneTime(
      reply,
      encodeBlocks([{ kind: 'clove', clove: { delivery: LOCAL_DELIVERY, message: store } }]),
    );
    const garlic = messageOf({ kind: 'garlic', data }, randomU32(this.#random), expires);
    const body = { kind: 'tunnelGateway', tunnelId: replyTunnelId, data: encodeLong(garlic) } as const;
    this.#dial(routerHash(from), messageOf(body, randomU32(this.#random), expires));
  }

  #dial(gateway: string, message: I2npMessage): void {
    const info = this.#net.routers.map(({ ownInfo }) => ownInfo).find(({ hash }) => hash === gateway);
    const [address] = info ? ntcp2Address(info) : [];
    if (!info || !address) return;
    const link = ++this.#lastLink;
    const { host, staticKey, iv } = address;
    this.#sessions.set(link, Ntcp2Session.initiator(this.#config, { hash: info.hash, staticKey, iv }));
    this.#unsent.set(link, message);
    this.#net.links.dial(this, link, host);
  }
}
