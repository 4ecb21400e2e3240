import type { ListenAddress } from '@allium/common/lifecycle/listen.ts';
import type { DestinationId, NodeInput, NodeOutput, StreamDial } from '../node/node-io.ts';
import type { RouterNode } from '../node/router-node.ts';
import type { NetworkClock } from './clock.ts';
import type { I2pStream } from './i2p-stream.ts';
import { I2pStreams } from './i2p-streams.ts';
import { Links } from './links.ts';
import type { Store } from './store.ts';

/** How often what changed is written to disk, in ms: what kill -9 may lose. */
const FLUSH_MS = 5_000;
/** Longest sleep in ms, so that a jump of the machine's clock is seen soon. */
const MAX_SLEEP_MS = 10_000;

export interface DriverEvents {
  needReseed(known: number, stranded: boolean): void;
  destinationReady(destination: DestinationId, ready: boolean): void;
  /** a core threw; what brought it was discarded */
  fault(culprit: string, error: unknown): void;
  /** a stranger opened a stream to a port of a local Destination */
  incoming(destination: DestinationId, stream: I2pStream, port: number): void;
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
  readonly #streams: I2pStreams;
  readonly #flushTimer: NodeJS.Timeout;
  #draining = false;
  #timer: NodeJS.Timeout | undefined;
  #wakeAt = Number.POSITIVE_INFINITY;
  #stopped = false;

  constructor(parts: DriverParts) {
    this.#parts = parts;
    this.#links = new Links(parts.proxy, (input) => this.feed(input));
    this.#streams = new I2pStreams({
      command: (destination, command) => this.feed({ kind: 'stream', destination, command }),
      incoming: (destination, stream, port) => parts.events.incoming(destination, stream, port),
    });
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
    to: StreamDial & { readonly destination: DestinationId },
    signal: AbortSignal,
    begun: (stream: I2pStream) => void,
  ): Promise<I2pStream> {
    const { destination, remote, port, awaitData } = to;
    const { stream, outputs } = this.#parts.node.connect(
      destination,
      { remote, port, awaitData },
      this.clockNow,
    );
    const opened = Promise.withResolvers<I2pStream>();
    const duplex = this.#streams.add(destination, { stream, remote, destination: undefined }, opened);
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
    return opened.promise.finally(() => signal.removeEventListener('abort', abort));
  }

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#flushTimer);
    clearTimeout(this.#timer);
    this.#streams.stop();
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
        return this.#streams.event(output);
      case 'needReseed':
        return this.#parts.events.needReseed(output.known, output.stranded);
      case 'destinationReady':
        return this.#parts.events.destinationReady(output.destination, output.ready);
      case 'destinationClosed':
        return this.#streams.closeAll(output.destination);
      case 'signLeaseSet':
        return; // every Destination of this process has its keys here
      case 'fault':
        return this.#parts.events.fault(output.culprit, output.error);
      case 'wake':
        return this.#sleepUntil(output.at);
    }
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
