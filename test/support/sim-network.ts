import { createCipheriv, createHash, type Hash } from 'node:crypto';
import type { RandomBytes } from '@allium/common/core/random.ts';
import type { DestinationId, NodeConfig, NodeOutput } from '@allium/router/node/node-io.ts';
import { RouterNode } from '@allium/router/node/router-node.ts';
import { createDestinationKeys, type DestinationKeys } from '@allium/router/wire/destination.ts';
import { identityOf } from '@allium/router/wire/identity.ts';
import { publishedNtcp2Address, routerOptions } from '@allium/router/wire/own-router.ts';
import { createRouterInfo, type RouterInfo } from '@allium/router/wire/router-info.ts';
import { createRouterKeys, type RouterKeys } from '@allium/router/wire/router-keys.ts';
import { type Conditions, type Machine, SimLinks } from './sim-links.ts';
import { SimRouter } from './sim-router.ts';
import { SimTime } from './sim-time.ts';

/** Any date, far from midnight: the simulation starts here and runs on its own time. */
export const SIM_EPOCH = Date.UTC(2026, 0, 15, 12);
export const SIM_NET_ID = 99;
export const SIM_PORT = 4_567;

export interface SimOptions extends Partial<Conditions> {
  readonly seed: string;
  /** routers that listen; the first `floodfills` of them are floodfills */
  readonly routers: number;
  readonly floodfills: number;
  /** keep a hash of all that happens */
  readonly trace?: boolean;
  /** ms that the clock of the listening router `index` is ahead */
  readonly clockOffset?: (index: number) => number;
  readonly start?: number;
  /** may put something in the way of the random bytes of a node, named `<router>/node-<n>` */
  readonly entropy?: (name: string, random: RandomBytes) => RandomBytes;
}

const BENIGN: Conditions = { latency: 20, dialLoss: 0, bandwidth: 4_000_000 };

/** A whole I2P network of our routers in one process: virtual time, seeded chance, no sockets. */
export class SimNetwork {
  readonly time: SimTime;
  readonly links: SimLinks;
  /** those that listen */
  readonly routers: SimRouter[] = [];
  readonly #options: SimOptions;
  readonly #seed: string;
  readonly #machines: Machine[] = [];
  readonly #trace: Hash | undefined;
  #traced = 0;
  #generation = 0;

  constructor(options: SimOptions) {
    this.#options = options;
    // other chances for the same tests: SIM_SEED=2 ava 'test/sim/**'
    this.#seed = `${options.seed}${process.env.SIM_SEED ?? ''}`;
    this.#trace = options.trace ? createHash('sha256') : undefined;
    this.time = new SimTime(options.start ?? SIM_EPOCH);
    const random = fastEntropy(`${this.#seed}/chance`);
    const chance = (): number => Buffer.from(random(4)).readUInt32BE(0) / 2 ** 32;
    const { latency, dialLoss, bandwidth } = { ...BENIGN, ...options };
    this.links = new SimLinks(this.time, chance, this.#machines, { latency, dialLoss, bandwidth });
    const keys: RouterKeys[] = [];
    for (let i = 0; i < options.routers; i++) {
      const router = this.#newRouter(`r${i}`, `10.${i + 1}.0.1`);
      router.clockOffset = options.clockOffset?.(i) ?? 0;
      this.routers.push(router);
      keys.push(createRouterKeys(this.entropy(router.name)));
    }
    for (const [i, router] of this.routers.entries())
      router.start(this.#newNode(router, keys[i] as RouterKeys), keys[i] as RouterKeys);
    for (const router of this.routers) this.reseed(router);
  }

  get now(): number {
    return this.time.now;
  }

  get floodfills(): SimRouter[] {
    return this.routers.slice(0, this.#options.floodfills);
  }

  /** All that every router has put out so far, as one hash, and how much it was. */
  get trace(): { readonly digest: string; readonly outputs: number } {
    return { digest: this.#trace?.copy().digest('hex') ?? '', outputs: this.#traced };
  }

  /** Reproducible bytes of this network's seed. */
  entropy(name: string): RandomBytes {
    return fastEntropy(`${this.#seed}/${name}`);
  }

  /** A router like ours behind Tor: it dials and is never dialled. */
  addClient(name: string, clockOffset = 0): SimRouter {
    const router = this.#newRouter(name, undefined);
    router.clockOffset = clockOffset;
    const keys = createRouterKeys(this.entropy(name));
    router.start(this.#newNode(router, keys), keys);
    this.reseed(router);
    return router;
  }

  /** Somebody who is no router of ours; `info` is how the others hear of it. */
  addStranger(machine: Machine, info?: RouterInfo): void {
    this.#machines.push(machine);
    if (!info) return;
    for (const router of this.routers) router.input({ kind: 'reseeded', routerInfos: [info] });
  }

  /** Gives it the RouterInfos of all that listen. */
  reseed(router: SimRouter): void {
    const others = this.routers.filter((other) => other !== router && other.alive);
    router.input({ kind: 'reseeded', routerInfos: others.map((other) => this.#routerInfoOf(other)) });
  }

  /** Of a Destination, the same for the same name. */
  keysOf(name: string): DestinationKeys {
    return createDestinationKeys(this.entropy(name));
  }

  /** A published one keeps its keys over restarts, as servers do; the others are new every time. */
  openDestination(
    router: SimRouter,
    destination: DestinationId,
    publish: boolean,
    length = 2,
  ): DestinationKeys {
    const time = publish ? '' : `/${++this.#generation}`;
    const keys = this.keysOf(`${router.name}/${destination}${time}`);
    router.input({
      kind: 'openDestination',
      destination,
      options: { identity: identityOf(keys), publish, length, quantity: 2 },
    });
    return keys;
  }

  /** The router vanishes: its links break after a while, nothing answers at its address. */
  kill(router: SimRouter): void {
    router.kill();
    this.links.cut(router);
  }

  /** Starts a killed router again with what its disk holds. */
  restart(router: SimRouter, identity: 'same' | 'new' = 'same'): void {
    const keys =
      identity === 'same'
        ? router.keys
        : createRouterKeys(this.entropy(`${router.name}+${++this.#generation}`));
    router.start(this.#newNode(router, keys), keys);
  }

  /** Runs until `done`, or `forMs` of virtual time are over; returns whether it was done. */
  run(forMs: number, done: () => boolean = () => false): boolean {
    return this.time.run(forMs, done);
  }

  #newRouter(name: string, host: string | undefined): SimRouter {
    const observe = (router: string, output: NodeOutput): void => this.#observe(router, output);
    const router = new SimRouter({
      name,
      host,
      time: this.time,
      links: this.links,
      infoOf: (it) => this.#routerInfoOf(it),
      observe,
    });
    this.#machines.push(router);
    return router;
  }

  #newNode(router: SimRouter, keys: RouterKeys): RouterNode {
    const { host, name } = router;
    const floodfill = this.floodfills.includes(router);
    const config: NodeConfig = {
      netId: SIM_NET_ID,
      allowPrivateAddresses: true,
      skipIpDiversity: false,
      exploratory: { length: 2, quantity: 2 },
      ...(host === undefined ? {} : { listen: { host, port: SIM_PORT, floodfill } }),
    };
    const source = `${name}/node-${++this.#generation}`;
    const random = this.entropy(source);
    return new RouterNode(config, keys, this.#options.entropy?.(source, random) ?? random);
  }

  #routerInfoOf(router: SimRouter): RouterInfo {
    const caps = `X${this.floodfills.includes(router) ? 'f' : ''}R`;
    return createRouterInfo(router.keys, {
      // as old as in a real bundle: whose clock is minutes behind shall not refuse them all
      published: router.now - 3_600_000,
      addresses: [publishedNtcp2Address(router.keys, { host: router.host ?? '', port: SIM_PORT })],
      options: routerOptions({ caps, netId: SIM_NET_ID, version: '0.9.68' }),
    });
  }

  #observe(router: string, output: NodeOutput): void {
    if (!this.#trace) return;
    this.#traced++;
    this.#trace.update(`${this.now} ${router} ${output.kind} ${'link' in output ? output.link : ''}\n`);
    if (output.kind === 'send') this.#trace.update(output.bytes);
  }
}

/** Reproducible bytes, faster than `recordedEntropy`: a network needs megabytes. AES-CTR over a hash of the seed. */
function fastEntropy(seed: string): RandomBytes {
  const cipher = createCipheriv('aes-256-ctr', createHash('sha256').update(seed).digest(), Buffer.alloc(16));
  const zeros = Buffer.alloc(4_096);
  let pool = cipher.update(zeros);
  return (n) => {
    while (pool.length < n) pool = Buffer.concat([pool, cipher.update(zeros)]);
    const out = Buffer.from(pool.subarray(0, n));
    pool = pool.subarray(n);
    return out;
  };
}
