import { type RandomBytes, randomBelow } from '@allium/common/core/random.ts';
import { sha256 } from '@allium/router/crypto/hash.ts';
import { type KeyPair, x25519KeyPair } from '@allium/router/crypto/x25519.ts';
import { decodeBlocks } from '@allium/router/i2np/blocks.ts';
import { decodeBody } from '@allium/router/i2np/body.ts';
import { decodeShort, encodeShort, I2NP_TYPE, type I2npMessage } from '@allium/router/i2np/message.ts';
import { openForRouter } from '@allium/router/i2np/router-garlic.ts';
import { TunnelCore } from '@allium/router/tunnel/tunnel-core.ts';
import type { HopInfo, HopRequest, TunnelInput, TunnelOutput } from '@allium/router/tunnel/tunnel-io.ts';
import { type RouterHash, routerHash } from '@allium/router/wire/hash.ts';
import { recordedEntropy } from '../../support/entropy.ts';

export const START = Date.UTC(2026, 10, 24, 12);

export interface SimRouter {
  readonly hash: RouterHash;
  readonly keys: KeyPair;
  readonly core: TunnelCore;
  readonly outputs: TunnelOutput[];
}

type Filter = (from: RouterHash, to: RouterHash, message: I2npMessage) => I2npMessage | undefined;

interface Event {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/**
 * A router of ours behind Tor (`me`, nobody can dial it) and routers that take transit, all TunnelCores, with bytes
 * passed by hand under virtual time. Sessions carry the short header, garlic to a router is opened as node would.
 */
export class SimNetwork {
  now = START;
  readonly random: RandomBytes;
  readonly me: SimRouter;
  readonly others: SimRouter[] = [];
  /** peers that `me` holds a session with */
  readonly sessions = new Set<RouterHash>();
  /** may change or lose a message on its way */
  filter: Filter = (_from, _to, message) => message;
  latency = 40;
  /** every request for hops that `me` made */
  readonly requests: (HopRequest & { readonly at: number })[] = [];
  choose: (request: HopRequest) => readonly HopInfo[] | undefined;
  readonly #routers = new Map<RouterHash, SimRouter>();
  #events: Event[] = [];
  #order = 0;

  constructor(seed: string, size: number, transit = true) {
    this.random = recordedEntropy(seed);
    this.choose = (request) => this.#randomHops(request);
    this.me = this.#add('none');
    for (let i = 0; i < size; i++) this.others.push(this.#add(transit ? 'some' : 'full'));
    for (const { hash } of this.others.slice(0, Math.max(3, size >> 1))) this.sessions.add(hash);
  }

  router(hash: RouterHash): SimRouter {
    const router = this.#routers.get(hash);
    if (!router) throw new Error('unknown router');
    return router;
  }

  step(router: SimRouter, input: TunnelInput): void {
    this.take(router, router.core.step(input, this.now));
  }

  /** Routes what a core has put out. */
  take(router: SimRouter, outputs: readonly TunnelOutput[]): void {
    for (const output of outputs) {
      if (output.kind === 'wake') this.#at(output.at, () => this.step(router, { kind: 'tick' }));
      else if (output.kind === 'toRouter') this.#send(router, output.router, output.message);
      else {
        router.outputs.push(output);
        if (output.kind === 'local') this.#arrive(router, undefined, output.message);
      }
    }
  }

  /** Runs until `until` or until nothing is left to do. */
  run(milliseconds: number): void {
    const until = this.now + milliseconds;
    for (;;) {
      this.#events.sort((a, b) => a.at - b.at || a.order - b.order);
      const next = this.#events[0];
      if (!next || next.at > until) break;
      this.#events.shift();
      this.now = Math.max(this.now, next.at);
      next.run();
    }
    this.now = until;
  }

  /** Loses the session between `me` and a peer, for good or until `letIn`. */
  hangUp(peer: RouterHash, forGood = true): void {
    this.sessions.delete(peer);
    this.step(this.me, { kind: forGood ? 'peerGone' : 'peerDown', router: peer });
  }

  letIn(peer: RouterHash): void {
    this.sessions.add(peer);
    this.step(this.me, { kind: 'peerUp', router: peer });
  }

  found<K extends TunnelOutput['kind']>(
    kind: K,
    router: SimRouter = this.me,
  ): Extract<TunnelOutput, { kind: K }>[] {
    return router.outputs.filter(
      (output): output is Extract<TunnelOutput, { kind: K }> => output.kind === kind,
    );
  }

  counter(name: string, router: SimRouter = this.me): number {
    return router.core.status().counters[name] ?? -1;
  }

  #add(transit: 'none' | 'full' | 'some'): SimRouter {
    const hash = routerHash(sha256(this.random(32)));
    const keys = x25519KeyPair(this.random);
    const core = new TunnelCore({
      local: hash,
      keys,
      random: recordedEntropy(hash),
      acceptTransit: transit !== 'none',
      ...(transit === 'full' ? { transitTunnels: 0 } : {}),
      chooseHops: (request) => {
        this.requests.push({ ...request, at: this.now });
        return this.choose(request);
      },
    });
    const router = { hash, keys, core, outputs: [] };
    this.#routers.set(hash, router);
    return router;
  }

  /** The hop next to us from our sessions, the others from everybody. */
  #randomHops({ direction, length, exclude }: HopRequest): HopInfo[] | undefined {
    const near = this.others.filter(({ hash }) => this.sessions.has(hash) && !exclude.includes(hash));
    if (near.length === 0) return undefined;
    const closest = near[randomBelow(this.random, near.length)] as SimRouter;
    const rest = this.others.filter((router) => router !== closest && !exclude.includes(router.hash));
    const hops = [closest];
    while (hops.length < length) {
      if (rest.length === 0) return undefined;
      hops.push(rest.splice(randomBelow(this.random, rest.length), 1)[0] as SimRouter);
    }
    const infos = hops.map(({ hash, keys }) => ({ hash, publicKey: keys.publicKey }));
    return direction === 'inbound' ? infos.toReversed() : infos;
  }

  #send(from: SimRouter, to: RouterHash, message: I2npMessage): void {
    if (to === this.me.hash && !this.sessions.has(from.hash)) return;
    const passed = this.filter(from.hash, to, message);
    if (!passed) return;
    const bytes = encodeShort(passed);
    const target = this.router(to);
    this.#at(this.now + this.latency, () => this.#arrive(target, from.hash, decodeShort(bytes)));
  }

  #arrive(router: SimRouter, from: RouterHash | undefined, message: I2npMessage): void {
    const body = message.type === I2NP_TYPE.garlic ? decodeBody(message) : undefined;
    if (body?.kind !== 'garlic') {
      this.step(router, { kind: 'message', from, message });
      return;
    }
    const payload = openForRouter({ encryption: router.keys }, body.data);
    for (const block of payload ? decodeBlocks(payload) : []) {
      if (block.kind !== 'clove') continue;
      this.step(router, { kind: 'message', from: undefined, message: block.clove.message });
    }
  }

  #at(at: number, run: () => void): void {
    this.#events.push({ at, order: this.#order++, run });
  }
}
