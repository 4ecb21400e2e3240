import type {
  DestinationId,
  LinkId,
  NodeInput,
  NodeOutput,
  PersistTable,
  Row,
  StreamEvent,
} from '@allium/router/node/node-io.ts';
import type { RouterNode } from '@allium/router/node/router-node.ts';
import type { NodeStatus } from '@allium/router/node/status.ts';
import type { StreamId } from '@allium/router/streaming/types.ts';
import type { DestHash } from '@allium/router/wire/hash.ts';
import type { LeaseSetContent } from '@allium/router/wire/lease-set2.ts';
import type { RouterInfo } from '@allium/router/wire/router-info.ts';
import type { RouterKeys } from '@allium/router/wire/router-keys.ts';
import type { LinkInput, Machine, SimLinks } from './sim-links.ts';
import type { SimTime } from './sim-time.ts';

/** ms between two writes of the store to disk: what a kill may lose, as in the host. */
const FLUSH_INTERVAL = 5_000;

export interface SimRouterParts {
  readonly name: string;
  readonly host: string | undefined;
  readonly time: SimTime;
  readonly links: SimLinks;
  readonly infoOf: (router: SimRouter) => RouterInfo;
  /** hears of every output, for the trace */
  readonly observe: (name: string, output: NodeOutput) => void;
}

/** One router of ours: a node, its clock and its disk. The node can be taken away and another put in its place. */
export class SimRouter implements Machine {
  readonly name: string;
  readonly host: string | undefined;
  readonly ready = new Set<DestinationId>();
  /** what the streams of each Destination say */
  readonly handlers = new Map<DestinationId, (event: StreamEvent) => void>();
  readonly disk: Record<PersistTable, Map<string, Uint8Array>> = {
    router_info: new Map(),
    profile: new Map(),
    first_hop: new Map(),
  };
  readonly #parts: SimRouterParts;
  readonly #outbox: NodeOutput[] = [];
  #unwritten: (() => void)[] = [];
  #flushAt = 0;
  #node: RouterNode | undefined;
  #keys: RouterKeys | undefined;
  #draining = false;
  #wakeAt = Number.POSITIVE_INFINITY;
  #wakes = 0;
  alive = false;
  /** ms that this router's clock is ahead */
  clockOffset = 0;
  reseedsWanted = 0;
  /** LeaseSets that owners who sign elsewhere are to make */
  readonly unsigned = new Map<DestinationId, LeaseSetContent>();
  /** Destinations that the node closed */
  readonly closed: DestinationId[] = [];
  /** a core that throws fails the test, unless that expects it */
  onFault = (error: unknown): void => {
    throw error;
  };

  constructor(parts: SimRouterParts) {
    this.#parts = parts;
    this.name = parts.name;
    this.host = parts.host;
  }

  get keys(): RouterKeys {
    if (!this.#keys) throw new Error(`${this.name} was never started`);
    return this.#keys;
  }

  get node(): RouterNode {
    if (!this.#node) throw new Error(`${this.name} is off`);
    return this.#node;
  }

  get now(): number {
    return this.#parts.time.now + this.clockOffset;
  }

  /** How others hear of it; only for one that listens. */
  get ownInfo(): RouterInfo {
    return this.#parts.infoOf(this);
  }

  get status(): NodeStatus {
    return this.node.status();
  }

  start(node: RouterNode, keys: RouterKeys): void {
    this.#node = node;
    this.#keys = keys;
    this.alive = true;
    this.input({
      kind: 'start',
      routerInfos: this.#rows('router_info'),
      profiles: this.#rows('profile'),
      firstHops: this.#rows('first_hop'),
    });
  }

  /** As kill -9: the node is gone, and with it what was not written yet. Links are the network's business. */
  kill(): void {
    this.alive = false;
    this.#node = undefined;
    this.#outbox.length = 0;
    this.#unwritten = [];
    this.#wakeAt = Number.POSITIVE_INFINITY;
    this.ready.clear();
    this.handlers.clear();
  }

  feed(input: LinkInput): void {
    if (this.#node) this.input(input);
  }

  input(input: NodeInput): void {
    this.#outbox.push(...this.node.step(input, this.now));
    this.#drain();
  }

  connect(destination: DestinationId, remote: DestHash, port: number): StreamId {
    const { stream, outputs } = this.node.connect(destination, { remote, port }, this.now);
    this.#outbox.push(...outputs);
    return stream;
  }

  /** To be called after `connect`, once the stream's events have somewhere to go. */
  settle(): void {
    this.#drain();
  }

  /** Something that an application of this router does in its next turn, unless the router is killed before. */
  later(run: () => void): void {
    const node = this.#node;
    this.#parts.time.after(0, () => {
      if (node && this.#node === node) run();
    });
  }

  /** Outputs are carried out in order even when one of them feeds the node again: frames must not overtake. */
  #drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    for (let at = 0; at < this.#outbox.length; at++) this.#carryOut(this.#outbox[at] as NodeOutput);
    this.#outbox.length = 0;
    this.#draining = false;
  }

  #carryOut(output: NodeOutput): void {
    const { links, observe } = this.#parts;
    observe(this.name, output);
    switch (output.kind) {
      case 'dial':
        return links.dial(this, output.link, output.host);
      case 'send':
        return links.send(this, output.link, output.bytes);
      case 'hangup':
        return links.hangup(this, output.link);
      case 'wake':
        return this.#wake(output.at - this.clockOffset);
      case 'stream':
        return this.handlers.get(output.destination)?.(output.output);
      case 'destinationReady':
        if (output.ready) this.ready.add(output.destination);
        else this.ready.delete(output.destination);
        return;
      case 'persist':
      case 'forget':
        return this.#write(output);
      case 'needReseed':
        this.reseedsWanted++;
        return;
      case 'destinationClosed':
        this.closed.push(output.destination);
        return;
      case 'signLeaseSet':
        this.unsigned.set(output.destination, output.content);
        return;
      case 'fault':
        return this.onFault(output.error);
    }
  }

  #write(output: Extract<NodeOutput, { kind: 'persist' | 'forget' }>): void {
    const table = this.disk[output.table];
    const { now } = this.#parts.time;
    if (now >= this.#flushAt) {
      for (const write of this.#unwritten) write();
      this.#unwritten = [];
      this.#flushAt = now + FLUSH_INTERVAL;
    }
    this.#unwritten.push(() => {
      if (output.kind === 'persist') table.set(output.key, output.value);
      else table.delete(output.key);
    });
  }

  #rows(table: PersistTable): Row[] {
    return [...this.disk[table]].map(([key, value]) => ({ key, value }));
  }

  #wake(at: number): void {
    const { time } = this.#parts;
    if (at >= this.#wakeAt) return;
    this.#wakeAt = at;
    const wake = ++this.#wakes;
    time.at(at, () => {
      if (wake !== this.#wakes || !this.#node) return;
      this.#wakeAt = Number.POSITIVE_INFINITY;
      this.input({ kind: 'tick' });
    });
  }
}

export type { LinkId };
