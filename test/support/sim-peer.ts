import type { RandomBytes } from '@allium/common/core/random.ts';
import type { I2npMessage } from '@allium/router/i2np/message.ts';
import type { LinkId } from '@allium/router/node/node-io.ts';
import { ReplayCache } from '@allium/router/ntcp2/replay-cache.ts';
import { Ntcp2Session } from '@allium/router/ntcp2/session.ts';
import type { Ntcp2Config, Input as SessionInput } from '@allium/router/ntcp2/types.ts';
import { publishedNtcp2Address, routerOptions } from '@allium/router/wire/own-router.ts';
import { ntcp2Address } from '@allium/router/wire/router-caps.ts';
import { createRouterInfo, type RouterInfo } from '@allium/router/wire/router-info.ts';
import { createRouterKeys, type RouterKeys } from '@allium/router/wire/router-keys.ts';
import type { LinkInput, Machine } from './sim-links.ts';
import { SIM_NET_ID, SIM_PORT, type SimNetwork } from './sim-network.ts';

/** A router of somebody else: it shakes hands like everybody, and what it says then is the subclass's. */
export abstract class SimPeer implements Machine {
  readonly name: string;
  readonly host: string;
  readonly keys: RouterKeys;
  alive = true;
  protected readonly net: SimNetwork;
  protected readonly random: RandomBytes;
  readonly #sessions = new Map<LinkId, Ntcp2Session>();
  readonly #replays = new ReplayCache();
  #lastLink = 0;

  constructor(net: SimNetwork, name: string, host: string) {
    this.net = net;
    this.name = name;
    this.host = host;
    this.random = net.entropy(name);
    this.keys = createRouterKeys(this.random);
  }

  /** It claims to be a floodfill, so that it is asked a lot. */
  get routerInfo(): RouterInfo {
    return createRouterInfo(this.keys, {
      published: this.net.now - 5_000,
      addresses: [publishedNtcp2Address(this.keys, { host: this.host, port: SIM_PORT })],
      options: routerOptions({ caps: 'XfR', netId: SIM_NET_ID, version: '0.9.68' }),
    });
  }

  feed(input: LinkInput): void {
    const { link } = input;
    if (input.kind === 'accepted') {
      this.#sessions.set(link, Ntcp2Session.responder(this.#config, { replays: this.#replays }));
    }
    if (input.kind === 'dialFailed') this.#forget(link);
    else if (input.kind === 'bytes') this.#step(link, input);
    else if (input.kind === 'accepted' || input.kind === 'dialed') this.#step(link, { kind: 'connected' });
    else this.#step(link, { kind: input.kind });
  }

  /** Undefined when it has no address. */
  protected dial(info: RouterInfo): LinkId | undefined {
    const [address] = ntcp2Address(info);
    if (!address) return undefined;
    const { host, staticKey, iv } = address;
    const link = ++this.#lastLink;
    this.#sessions.set(link, Ntcp2Session.initiator(this.#config, { hash: info.hash, staticKey, iv }));
    this.net.links.dial(this, link, host);
    return link;
  }

  protected say(link: LinkId, message: I2npMessage): void {
    this.#step(link, { kind: 'send', message });
  }

  protected abstract established(link: LinkId): void;
  protected abstract heard(message: I2npMessage): void;
  protected abstract gone(link: LinkId): void;

  get #config(): Ntcp2Config {
    const { keys: local, routerInfo, random } = this;
    const keepAlive = (): boolean => true;
    return { local, localRouterInfo: () => routerInfo, netId: SIM_NET_ID, random, keepAlive };
  }

  #step(link: LinkId, input: SessionInput): void {
    const session = this.#sessions.get(link);
    for (const output of session?.step(input, this.net.now) ?? []) {
      if (output.kind === 'send') this.net.links.send(this, link, output.bytes);
      else if (output.kind === 'established') this.established(link);
      else if (output.kind === 'message') this.heard(output.message);
      else if (output.kind === 'closed') {
        this.#forget(link);
        this.net.links.hangup(this, link);
      }
    }
  }

  #forget(link: LinkId): void {
    this.#sessions.delete(link);
    this.gone(link);
  }
}
