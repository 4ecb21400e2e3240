import { createHash } from 'node:crypto';
import type { LinkId, NodeOutput, StreamCommand, StreamEvent } from '../../services/router/node/node-io.ts';
import { RouterNode } from '../../services/router/node/router-node.ts';
import type { StreamId } from '../../services/router/streaming/types.ts';
import { createDestinationKeys, type DestinationKeys } from '../../services/router/wire/destination.ts';
import type { DestHash } from '../../services/router/wire/hash.ts';
import { publishedNtcp2Address, routerOptions } from '../../services/router/wire/own-router.ts';
import { createRouterInfo, type RouterInfo } from '../../services/router/wire/router-info.ts';
import { createRouterKeys, type RouterKeys } from '../../services/router/wire/router-keys.ts';
import { recordedEntropy } from './entropy.ts';

/** Any date: the simulation starts here and runs on its own time. */
const EPOCH = Date.UTC(2026, 0, 15, 12);
const PORT = 4_567;

export interface SimOptions {
  readonly seed: string;
  /** routers that listen; the first `floodfills` of them are floodfills */
  readonly routers: number;
  readonly floodfills: number;
  /** one-way delay of a TCP link, ms: base plus up to as much again */
  readonly latency?: number;
  /** chance that a dial fails, 0 to 1 */
  readonly dialLoss?: number;
}

interface Event {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

interface End {
  readonly router: SimRouter;
  readonly link: LinkId;
}

/** One router of ours in the simulated network, with what its streams said. */
export class SimRouter {
  readonly name: string;
  readonly node: RouterNode;
  readonly keys: RouterKeys;
  readonly host: string | undefined;
  readonly peers = new Map<LinkId, End>();
  readonly events: { destination: string; output: StreamEvent }[] = [];
  readonly ready = new Set<string>();
  onStream: ((destination: string, output: StreamEvent) => void) | undefined;
  alive = true;
  wakeAt = Number.POSITIVE_INFINITY;

  constructor(name: string, node: RouterNode, keys: RouterKeys, host: string | undefined) {
    this.name = name;
    this.node = node;
    this.keys = keys;
    this.host = host;
  }
}

/** A whole I2P network of our routers in one process: virtual time, seeded chance, no sockets. */
export class SimNetwork {
  readonly routers: SimRouter[] = [];
  readonly #options: Required<SimOptions>;
  readonly #chance: () => number;
  readonly #queue: Event[] = [];
  #order = 0;
  #accepted = 0x4000_0000;
  now = EPOCH;

  constructor(options: SimOptions) {
    this.#options = { latency: 20, dialLoss: 0, ...options };
    const random = recordedEntropy(`${options.seed}/chance`);
    this.#chance = () => Buffer.from(random(4)).readUInt32BE(0) / 2 ** 32;
    for (let i = 0; i < options.routers; i++) this.#addListening(i);
    const infos = this.routers.map((router) => this.#routerInfoOf(router));
    for (const router of this.routers) this.#start(router, infos);
  }

  /** A router like ours behind Tor: it dials and is never dialled. */
  addClient(name: string): SimRouter {
    const infos = this.routers.filter(({ host, alive }) => host && alive).map((r) => this.#routerInfoOf(r));
    const router = this.#make(name, undefined, false);
    this.#start(router, infos);
    return router;
  }

  openDestination(router: SimRouter, name: string, publish: boolean, length = 2): DestinationKeys {
    const keys = createDestinationKeys(recordedEntropy(`${this.#options.seed}/${router.name}/${name}`));
    const options = { keys, publish, length, quantity: 2 };
    this.#carryOut(router, router.node.step({ kind: 'openDestination', name, options }, this.now));
    return keys;
  }

  connect(router: SimRouter, destination: string, remote: DestHash, port: number): StreamId {
    const { stream, outputs } = router.node.connect(destination, remote, port, this.now);
    this.#carryOut(router, outputs);
    return stream;
  }

  command(router: SimRouter, destination: string, command: StreamCommand): void {
    this.#carryOut(router, router.node.step({ kind: 'stream', destination, command }, this.now));
  }

  /** The router vanishes: its links break after a while, nothing answers at its address. */
  kill(router: SimRouter): void {
    router.alive = false;
    for (const { router: other, link } of router.peers.values()) this.#closeLater(other, link);
    router.peers.clear();
  }

  /** Runs until `done`, or `forMs` of virtual time are over; returns whether it was done. */
  run(forMs: number, done: () => boolean = () => false): boolean {
    const end = this.now + forMs;
    for (;;) {
      if (done()) return true;
      const event = this.#queue[0];
      if (!event || event.at > end) break;
      this.#pop();
      this.now = Math.max(this.now, event.at);
      event.run();
    }
    this.now = end;
    return done();
  }

  #addListening(index: number): void {
    const host = `10.${index + 1}.0.1`;
    this.#make(`r${index}`, host, index < this.#options.floodfills);
  }

  #make(name: string, host: string | undefined, floodfill: boolean): SimRouter {
    const random = recordedEntropy(`${this.#options.seed}/${name}`);
    const keys = createRouterKeys(random);
    const node = new RouterNode(
      {
        netId: 99,
        allowPrivateAddresses: true,
        skipIpDiversity: false,
        exploratory: { length: 2, quantity: 2 },
        ...(host === undefined ? {} : { listen: { host, port: PORT, floodfill } }),
      },
      keys,
      random,
    );
    const router = new SimRouter(name, node, keys, host);
    this.routers.push(router);
    return router;
  }

  #start(router: SimRouter, infos: readonly RouterInfo[]): void {
    this.#carryOut(router, router.node.step({ kind: 'start', routerInfos: [], profiles: [] }, this.now));
    const others = infos.filter(({ hash }) => hash !== router.keys.identity.hash);
    this.#carryOut(router, router.node.step({ kind: 'reseeded', routerInfos: others }, this.now));
  }

  #routerInfoOf(router: SimRouter): RouterInfo {
    const index = this.routers.indexOf(router);
    const caps = `X${index < this.#options.floodfills ? 'f' : ''}R`;
    return createRouterInfo(router.keys, {
      published: this.now - 5_000,
      addresses: [publishedNtcp2Address(router.keys, { host: router.host ?? '', port: PORT })],
      options: routerOptions({ caps, netId: 99, version: '0.9.68' }),
    });
  }

  #carryOut(router: SimRouter, outputs: readonly NodeOutput[]): void {
    for (const output of outputs) {
      switch (output.kind) {
        case 'dial':
          this.#dial(router, output);
          break;
        case 'send':
          this.#send(router, output.link, output.bytes);
          break;
        case 'hangup':
          this.#hangup(router, output.link);
          break;
        case 'wake':
          this.#wake(router, output.at);
          break;
        case 'stream':
          router.events.push(output);
          router.onStream?.(output.destination, output.output);
          break;
        case 'destinationReady':
          if (output.ready) router.ready.add(output.name);
          else router.ready.delete(output.name);
          break;
        default:
          break;
      }
    }
  }

  #feed(router: SimRouter, input: Parameters<RouterNode['step']>[0]): void {
    if (router.alive) this.#carryOut(router, router.node.step(input, this.now));
  }

  #dial(router: SimRouter, { link, host }: Extract<NodeOutput, { kind: 'dial' }>): void {
    const target = this.routers.find((other) => other.host === host);
    this.#after(this.#delay() * 2, () => {
      if (!target?.alive || this.#chance() < this.#options.dialLoss) {
        this.#feed(router, { kind: 'dialFailed', link, code: 'refused' });
        return;
      }
      const far = ++this.#accepted;
      router.peers.set(link, { router: target, link: far });
      target.peers.set(far, { router, link });
      this.#feed(target, { kind: 'accepted', link: far });
      this.#feed(router, { kind: 'dialed', link });
    });
  }

  #send(router: SimRouter, link: LinkId, bytes: Uint8Array): void {
    const peer = router.peers.get(link);
    if (!peer) return;
    const copy = Uint8Array.from(bytes);
    // one delay for all bytes of a link keeps their order, as TCP does
    this.#after(this.#linkDelay(router, link), () =>
      this.#feed(peer.router, { kind: 'bytes', link: peer.link, bytes: copy }),
    );
  }

  #hangup(router: SimRouter, link: LinkId): void {
    const peer = router.peers.get(link);
    router.peers.delete(link);
    if (!peer) return;
    this.#after(this.#linkDelay(router, link), () => {
      if (peer.router.peers.delete(peer.link)) this.#feed(peer.router, { kind: 'closed', link: peer.link });
    });
  }

  #closeLater(router: SimRouter, link: LinkId): void {
    this.#after(1_000 + this.#delay(), () => {
      if (router.peers.delete(link)) this.#feed(router, { kind: 'closed', link });
    });
  }

  #wake(router: SimRouter, at: number): void {
    if (at >= router.wakeAt && router.wakeAt > this.now) return;
    router.wakeAt = at;
    this.#after(Math.max(0, at - this.now), () => {
      if (router.wakeAt > this.now) return;
      router.wakeAt = Number.POSITIVE_INFINITY;
      this.#feed(router, { kind: 'tick' });
    });
  }

  #delay(): number {
    return Math.floor(this.#options.latency * (1 + this.#chance()));
  }

  #linkDelay(router: SimRouter, link: LinkId): number {
    const digest = createHash('sha256').update(`${router.name}/${link}`).digest();
    return this.#options.latency + ((digest[0] ?? 0) % (this.#options.latency + 1));
  }

  #after(ms: number, run: () => void): void {
    const event = { at: this.now + ms, order: this.#order++, run };
    this.#queue.push(event);
    let at = this.#queue.length - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!earlier(event, this.#queue[parent])) break;
      this.#queue[at] = this.#queue[parent] as Event;
      at = parent;
    }
    this.#queue[at] = event;
  }

  #pop(): void {
    const last = this.#queue.pop();
    if (!last || this.#queue.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.#queue.length) break;
      if (child + 1 < this.#queue.length && earlier(this.#queue[child + 1], this.#queue[child])) child++;
      if (!earlier(this.#queue[child], last)) break;
      this.#queue[at] = this.#queue[child] as Event;
      at = child;
    }
    this.#queue[at] = last;
  }
}

function earlier(a: Event | undefined, b: Event | undefined): boolean {
  if (!a || !b) return false;
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
