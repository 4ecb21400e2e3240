import type { ListenAddress } from '@allium/common/lifecycle/listen.ts';
import type { NodeInput, NodeOutput, StreamCommand, StreamDial } from '../node/node-io.ts';
import type { RouterNode } from '../node/router-node.ts';
import type { NetworkClock } from './clock.ts';
import { I2pStream } from './i2p-stream.ts';
import { Links } from './links.ts';
import type { Store } from './store.ts';

/** How often what changed is written to disk, in ms: what kill -9 may lose. */
const FLUSH_MS = 5_000;
/** Longest sleep in ms, so that a jump of the machine's clock is seen soon. */
const MAX_SLEEP_MS = 10_000;

export interface DriverEvents {
  needReseed(known: number, stranded: boolean): void;
  destinationReady(name: string, ready: boolean): void;
  /** a core threw; what brought it was discarded */
  fault(culprit: string, error: unknown): void;
  /** a stranger opened a stream to a port of a local Destination */
  incoming(destination: string, stream: I2pStream, port: number): void;
}

export interface DriverParts {
  readonly node: RouterNode;
  readonly proxy: ListenAddress;
  readonly store: Store;
  readonly clock: NetworkClock;
  readonly events: DriverEvents;
}

/**
 * Runs a node on real sockets, disk and time. Outputs are carried out in the order in which the node gave them, even
 * when carrying one out feeds the node again: NTCP2 frames must not overtake each other.
 */
export class Driver {
  readonly #parts: DriverParts;
  readonly #links: Links;
  readonly #outbox: NodeOutput[] = [];
  readonly #streams = new Map<string, I2pStream>();
  readonly #opening = new Map<string, PromiseWithResolvers<I2pStream>>();
  readonly #flushTimer: NodeJS.Timeout;
  #draining = false;
  #timer: NodeJS.Timeout | undefined;
  #wakeAt = Number.POSITIVE_INFINITY;
  #stopped = false;

  constructor(parts: DriverParts) {
    this.#parts = parts;
    this.#links = new Links(parts.proxy, (input) => this.feed(input));
    this.#flushTimer = setInterval(() => parts.store.flush(), FLUSH_MS);
  }

  get clockNow(): number {
    return this.#parts.clock.now();
  }

  start(): void {
    const { store } = this.#parts;
    this.feed({
      kind: 'start',
      routerInfos: store.all('router_info'),
      profiles: store.all('profile'),
      firstHops: store.all('first_hop'),
    });
  }

  feed(input: NodeInput): void {
    if (this.#stopped) return;
    this.#outbox.push(...this.#parts.node.step(input, this.clockNow));
    this.#drain();
  }

  /**
   * Opens a stream from a local Destination; rejects with the `StreamFailure` of a refusal, or the signal's reason.
   * `begun` gets it at once, and writes at once when it said `awaitData`.
   */
  openStream(
    to: StreamDial & { readonly destination: string },
    signal: AbortSignal,
    begun: (stream: I2pStream) => void,
  ): Promise<I2pStream> {
    const { destination, remote, port, awaitData } = to;
    const { stream, outputs } = this.#parts.node.connect(
      destination,
      { remote, port, awaitData },
      this.clockNow,
    );
    const key = `${destination}/${stream}`;
    const opened = Promise.withResolvers<I2pStream>();
    const duplex = this.#newStream(destination, { stream, remote, destination: undefined });
    this.#opening.set(key, opened);
    const abort = (): void => {
      duplex.destroy();
      opened.reject(signal.reason);
    };
    signal.addEventListener('abort', abort, { once: true });
    try {
      begun(duplex);
    } catch (error) {
      duplex.destroy(error as Error);
    }
    this.#outbox.push(...outputs);
    this.#drain();
    return opened.promise.finally(() => {
      signal.removeEventListener('abort', abort);
      this.#opening.delete(key);
    });
  }

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#flushTimer);
    clearTimeout(this.#timer);
    for (const stream of this.#streams.values()) stream.fail('stopped', 'the router stops');
    this.#links.stop();
  }

  #drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    try {
      for (let at = 0; at < this.#outbox.length; at++) this.#carryOut(this.#outbox[at] as NodeOutput);
    } finally {
      this.#outbox.length = 0;
      this.#draining = false;
      this.#links.flush();
    }
  }

  #carryOut(output: NodeOutput): void {
    switch (output.kind) {
      case 'send':
        return this.#links.send(output.link, output.bytes);
      case 'dial':
        return void this.#links.dial(output);
      case 'hangup':
        return this.#links.hangup(output.link);
      case 'persist':
        return this.#parts.store.put(output.table, output.key, output.value);
      case 'forget':
        return this.#parts.store.remove(output.table, output.key);
      case 'stream':
        return this.#streamEvent(output);
      case 'needReseed':
        return this.#parts.events.needReseed(output.known, output.stranded);
      case 'destinationReady':
        return this.#parts.events.destinationReady(output.name, output.ready);
      case 'destinationClosed':
        return this.#closeStreams(output.name);
      case 'fault':
        return this.#parts.events.fault(output.culprit, output.error);
      case 'wake':
        return this.#sleepUntil(output.at);
    }
  }

  #streamEvent({ destination, output }: Extract<NodeOutput, { kind: 'stream' }>): void {
    const key = `${destination}/${output.stream}`;
    if (output.kind === 'opened' && output.incoming) {
      const stream = this.#newStream(destination, output);
      this.#parts.events.incoming(destination, stream, output.localPort);
      return;
    }
    const stream = this.#streams.get(key);
    if (stream === undefined) return;
    if (output.kind === 'opened') this.#opening.get(key)?.resolve(stream);
    stream.receive(output);
  }

  #closeStreams(destination: string): void {
    for (const [key, stream] of this.#streams) {
      if (key.startsWith(`${destination}/`)) stream.fail('stopped', 'its Destination was closed');
    }
  }

  #newStream(destination: string, peer: ConstructorParameters<typeof I2pStream>[0]): I2pStream {
    const key = `${destination}/${peer.stream}`;
    const command = (command: StreamCommand): void => this.feed({ kind: 'stream', destination, command });
    const stream = new I2pStream(peer, command);
    this.#streams.set(key, stream);
    stream.once('close', () => this.#streams.delete(key));
    stream.on('error', (error) => this.#opening.get(key)?.reject(error));
    return stream;
  }

  #sleepUntil(at: number): void {
    if (at >= this.#wakeAt) return;
    this.#wakeAt = at;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#wakeUp(), Math.min(MAX_SLEEP_MS, Math.max(0, at - this.clockNow)));
  }

  #wakeUp(): void {
    this.#wakeAt = Number.POSITIVE_INFINITY;
    const by = this.#parts.clock.resync();
    this.feed(by === 0 ? { kind: 'tick' } : { kind: 'clockMoved', by });
  }
}
