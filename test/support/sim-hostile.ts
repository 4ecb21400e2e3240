import type { RandomBytes } from '@allium/common/core/random.ts';
import { randomBelow, randomU32 } from '@allium/common/core/random.ts';
import type { I2npMessage } from '@allium/router/i2np/message.ts';
import type { LinkId } from '@allium/router/node/node-io.ts';
import type { RouterInfo } from '@allium/router/wire/router-info.ts';
import type { LinkInput, Machine, SimLinks } from './sim-links.ts';
import type { SimNetwork } from './sim-network.ts';
import { SimPeer } from './sim-peer.ts';

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
export class HostileRouter extends SimPeer {
  sent = 0;
  readonly #talking = new Set<LinkId>();
  readonly #heard: I2npMessage[] = [];

  constructor(net: SimNetwork) {
    super(net, 'hostile', '10.250.0.1');
  }

  /** Sessions that stand. */
  get victims(): number {
    return this.#talking.size;
  }

  visit(info: RouterInfo): void {
    this.dial(info);
  }

  /** One message to everybody it is connected to. */
  speak(): void {
    for (const link of [...this.#talking]) {
      this.sent++;
      this.say(link, this.#message());
    }
  }

  protected established(link: LinkId): void {
    this.#talking.add(link);
  }

  protected gone(link: LinkId): void {
    this.#talking.delete(link);
  }

  protected heard(message: I2npMessage): void {
    this.#heard.push({ ...message, payload: Uint8Array.from(message.payload) });
    if (this.#heard.length > MEMORY) this.#heard.shift();
  }

  #message(): I2npMessage {
    const expires = this.net.now + 20_000;
    const known = this.#heard[randomBelow(this.random, MEMORY)];
    if (known)
      return { ...known, id: this.#either(known.id), expires, payload: this.#mutilated(known.payload) };
    const type = TYPES[randomBelow(this.random, TYPES.length)] ?? 0;
    const payload = this.random(randomBelow(this.random, 1_200));
    return { type, id: randomU32(this.random), expires, payload };
  }

  #either(id: number): number {
    return randomBelow(this.random, 2) === 0 ? id : randomU32(this.random);
  }

  /** Untouched, cut, grown, or with some bytes changed. */
  #mutilated(payload: Uint8Array): Uint8Array {
    const bytes = Uint8Array.from(payload);
    switch (randomBelow(this.random, 4)) {
      case 0:
        return bytes;
      case 1:
        return bytes.subarray(0, randomBelow(this.random, bytes.length + 1));
      case 2:
        return Buffer.concat([bytes, this.random(1 + randomBelow(this.random, 64))]);
      default:
        for (let i = randomBelow(this.random, 4); i >= 0 && bytes.length > 0; i--) {
          bytes[randomBelow(this.random, bytes.length)] = randomBelow(this.random, 256);
        }
        return bytes;
    }
  }
}
