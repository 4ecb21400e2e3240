import type { RandomBytes } from '@allium/common/core/random.ts';
import { randomBelow, randomU32 } from '@allium/common/core/random.ts';
import type { I2npMessage } from '@allium/router/i2np/message.ts';
import type { LinkId } from '@allium/router/node/node-io.ts';
import { ReplayCache } from '@allium/router/ntcp2/replay-cache.ts';
import { Ntcp2Session } from '@allium/router/ntcp2/session.ts';
import type { Ntcp2Config, Input as SessionInput } from '@allium/router/ntcp2/types.ts';
import { publishedNtcp2Address, routerOptions } from '@allium/router/wire/own-router.ts';
import { ntcp2Address } from '@allium/router/wire/router-caps.ts';
import { createRouterInfo, type RouterInfo } from '@allium/router/wire/router-info.ts';
import { createRouterKeys, type RouterKeys } from '@allium/router/wire/router-keys.ts';
import type { LinkInput, Machine, SimLinks } from './sim-links.ts';
import { SIM_NET_ID, SIM_PORT, type SimNetwork } from './sim-network.ts';

/** Messages of others that are kept to be sent on, mutilated. */
const MEMORY = 200;
/** Types that exist, two that we don't speak, and one that nobody does. */
const TYPES = [1, 2, 3, 10, 11, 18, 19, 20, 25, 26, 21, 23, 0, 255];

/** Sends random bytes to whoever listens, without any handshake. */
export class NoiseMaker implements Machine {
  readonly name = 'noise';
  readonly host = undefined;
  alive = true;
  readonly #links: SimLinks;
  readonly #random: RandomBytes;
  #lastLink = 0;
  closed = 0;

  constructor(net: SimNetwork) {
    this.#links = net.links;
    this.#random = net.entropy('noise');
  }

  visit(host: string): void {
    this.#links.dial(this, ++this.#lastLink, host);
  }

  feed(input: LinkInput): void {
    if (input.kind === 'closed') this.closed++;
    if (input.kind !== 'dialed') return;
    // some say too little for a handshake, some far too much
    const length = randomBelow(this.#random, 2_000);
    this.#links.send(this, input.link, this.#random(length));
    if (randomBelow(this.#random, 4) === 0) this.#links.hangup(this, input.link);
  }
}

/** A router that shakes hands like everybody and then says anything at all: random, or what others said, mutilated. */
export class HostileRouter implements Machine {
  readonly name = 'hostile';
  readonly host = '10.250.0.1';
  readonly keys: RouterKeys;
  alive = true;
  sent = 0;
  readonly #net: SimNetwork;
  readonly #random: RandomBytes;
  readonly #sessions = new Map<LinkId, Ntcp2Session>();
  readonly #talking = new Set<LinkId>();
  readonly #heard: I2npMessage[] = [];
  readonly #replays = new ReplayCache();
  #lastLink = 0;

  constructor(net: SimNetwork) {
    this.#net = net;
    this.#random = net.entropy('hostile');
    this.keys = createRouterKeys(this.#random);
  }

  /** It claims to be a floodfill, so that it is asked a lot. */
  get routerInfo(): RouterInfo {
    return createRouterInfo(this.keys, {
      published: this.#net.now - 5_000,
      addresses: [publishedNtcp2Address(this.keys, { host: this.host, port: SIM_PORT })],
      options: routerOptions({ caps: 'XfR', netId: SIM_NET_ID, version: '0.9.68' }),
    });
  }

  /** Sessions that stand. */
  get victims(): number {
    return this.#talking.size;
  }

  visit(info: RouterInfo): void {
    const [address] = ntcp2Address(info);
    if (!address) return;
    const { host, staticKey, iv } = address;
    const link = ++this.#lastLink;
    this.#sessions.set(link, Ntcp2Session.initiator(this.#config, { hash: info.hash, staticKey, iv }));
    this.#net.links.dial(this, link, host);
  }

  /** One message to everybody it is connected to. */
  speak(): void {
    for (const link of [...this.#talking]) {
      this.sent++;
      this.#step(link, { kind: 'send', message: this.#message() });
    }
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

  get #config(): Ntcp2Config {
    const { keys: local, routerInfo } = this;
    const keepAlive = (): boolean => true;
    return { local, localRouterInfo: () => routerInfo, netId: SIM_NET_ID, random: this.#random, keepAlive };
  }

  #step(link: LinkId, input: SessionInput): void {
    const session = this.#sessions.get(link);
    for (const output of session?.step(input, this.#net.now) ?? []) {
      if (output.kind === 'send') this.#net.links.send(this, link, output.bytes);
      else if (output.kind === 'established') this.#talking.add(link);
      else if (output.kind === 'message') this.#remember(output.message);
      else if (output.kind === 'closed') {
        this.#forget(link);
        this.#net.links.hangup(this, link);
      }
    }
  }

  #forget(link: LinkId): void {
    this.#sessions.delete(link);
    this.#talking.delete(link);
  }

  #remember(message: I2npMessage): void {
    this.#heard.push({ ...message, payload: Uint8Array.from(message.payload) });
    if (this.#heard.length > MEMORY) this.#heard.shift();
  }

  #message(): I2npMessage {
    const expires = this.#net.now + 20_000;
    const known = this.#heard[randomBelow(this.#random, MEMORY)];
    if (known)
      return { ...known, id: this.#either(known.id), expires, payload: this.#mutilated(known.payload) };
    const type = TYPES[randomBelow(this.#random, TYPES.length)] ?? 0;
    const payload = this.#random(randomBelow(this.#random, 1_200));
    return { type, id: randomU32(this.#random), expires, payload };
  }

  #either(id: number): number {
    return randomBelow(this.#random, 2) === 0 ? id : randomU32(this.#random);
  }

  /** Untouched, cut, grown, or with some bytes changed. */
  #mutilated(payload: Uint8Array): Uint8Array {
    const bytes = Uint8Array.from(payload);
    switch (randomBelow(this.#random, 4)) {
      case 0:
        return bytes;
      case 1:
        return bytes.subarray(0, randomBelow(this.#random, bytes.length + 1));
      case 2:
        return Buffer.concat([bytes, this.#random(1 + randomBelow(this.#random, 64))]);
      default:
        for (let i = randomBelow(this.#random, 4); i >= 0 && bytes.length > 0; i--) {
          bytes[randomBelow(this.#random, bytes.length)] = randomBelow(this.#random, 256);
        }
        return bytes;
    }
  }
}
