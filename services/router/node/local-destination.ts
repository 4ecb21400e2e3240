import type { RandomBytes } from '@allium/common/core/random.ts';
import type { Counters } from '@allium/common/observe/counters.ts';
import { DestinationCore } from '../destination/destination-core.ts';
import { type DestinationInput, type DestinationOutput, I2CP_PROTOCOL } from '../destination/types.ts';
import type { I2npMessage } from '../i2np/message.ts';
import { StreamManager } from '../streaming/manager.ts';
import { signerOf } from '../streaming/signing.ts';
import type { StreamId, StreamInput, StreamOutput } from '../streaming/types.ts';
import type { DestHash } from '../wire/hash.ts';
import type { Lease } from '../wire/lease.ts';
import type { LeaseSet2 } from '../wire/lease-set2.ts';
import type { Dispatch } from './dispatch.ts';
import { blame } from './fault.ts';
import type { DestinationId, DestinationOptions, StreamDial } from './node-io.ts';
import type { Routes } from './routes.ts';

export interface LocalDestinationParts {
  readonly id: DestinationId;
  readonly options: DestinationOptions;
  readonly random: RandomBytes;
  readonly routes: Routes;
  readonly dispatch: Dispatch;
  readonly counters: Counters;
  readonly wake: (at: number) => void;
}

/** One local Destination with its streams, joined to the tunnels of the pool that has its ID. */
export class LocalDestination {
  readonly hash: DestHash;
  readonly #parts: LocalDestinationParts;
  readonly #core: DestinationCore;
  readonly #streams: StreamManager;
  ready = false;

  constructor(parts: LocalDestinationParts) {
    const { options, random } = parts;
    this.#parts = parts;
    this.hash = options.keys.destination.hash;
    this.#core = new DestinationCore({ keys: options.keys, publish: options.publish, random });
    this.#streams = new StreamManager({ signer: signerOf(options.keys), random });
  }

  get options(): DestinationOptions {
    return this.#parts.options;
  }

  /** Ports that its owner listens at. */
  get listening(): readonly number[] {
    return this.#streams.listening;
  }

  get status(): Record<string, number | boolean> {
    return { ready: this.ready, streams: this.#streams.size, ...this.#core.counts };
  }

  registerReplyKey(tag: Uint8Array, key: Uint8Array, until: number, query: number, now: number): void {
    this.#blamed(() => this.#core.registerReplyKey(tag, key, until, query, now));
  }

  connect({ remote, port, awaitData }: StreamDial, now: number): StreamId {
    const options = { fromPort: 0, toPort: port, awaitData };
    return this.#blamed(() => {
      const { stream, outputs } = this.#streams.connect(remote, options, new Uint8Array(0), now);
      this.#onStreams(outputs, now);
      return stream;
    });
  }

  stream(input: StreamInput, now: number): void {
    this.#blamed(() => this.#onStreams(this.#streams.step(input, now), now));
  }

  leases(leases: readonly Lease[], now: number): void {
    this.#step({ kind: 'leases', leases }, now);
  }

  /** Out of one of the pool's inbound tunnels. */
  message(message: I2npMessage, now: number): void {
    this.#step({ kind: 'message', message }, now);
  }

  found(leaseSet: LeaseSet2, now: number): void {
    this.#step({ kind: 'leaseSet', leaseSet }, now);
  }

  lookupFailed(hash: DestHash, now: number): void {
    this.#step({ kind: 'lookupFailed', hash }, now);
  }

  /** What became of the publication of our LeaseSet. */
  published(confirmed: boolean, now: number): void {
    this.#step({ kind: 'published', confirmed }, now);
  }

  tick(now: number): void {
    this.#step({ kind: 'tick' }, now);
    this.stream({ kind: 'tick' }, now);
  }

  #step(input: DestinationInput, now: number): void {
    this.#blamed(() => {
      for (const output of this.#core.step(input, now)) this.#onCore(output, now);
    });
  }

  #blamed<T>(work: () => T): T {
    return blame({ kind: 'destination', destination: this.#parts.id }, work);
  }

  #onCore(output: DestinationOutput, now: number): void {
    const { id, routes, dispatch, counters } = this.#parts;
    switch (output.kind) {
      case 'publish':
        return routes.netdb({ kind: 'publish', leaseSet: output.leaseSet, pool: id }, now);
      case 'lookup':
        return routes.netdb({ kind: 'lookup', hash: output.hash, pool: id, refresh: true }, now);
      case 'toTunnel': {
        const { gateway, tunnelId } = output.lease;
        const target = { kind: 'tunnel', router: gateway, tunnelId } as const;
        return routes.sendThrough(id, target, output.message, now, { stickyKey: output.stickyKey });
      }
      case 'received':
        return this.#received(output, now);
      case 'reply':
        return dispatch.message(output.message, { kind: 'answer', query: output.query, pool: id }, now);
      case 'unreachable':
        counters.add(`unreachable-${output.reason}`);
        return this.stream(
          {
            kind: 'unreachable',
            remote: output.remote,
            reason: output.reason === 'noLeaseSet' ? 'unreachable' : 'unsupported',
          },
          now,
        );
      case 'resume':
        return this.stream({ kind: 'resume', remote: output.remote, certain: true }, now);
      case 'rejected':
        return counters.add(`rejected-${output.code}`);
      case 'wake':
        return this.#parts.wake(output.at);
    }
  }

  #received(output: Extract<DestinationOutput, { kind: 'received' }>, now: number): void {
    const { protocol, senders, fromPort, toPort, payload } = output;
    if (protocol !== I2CP_PROTOCOL.streaming) return this.#parts.counters.add(`protocol-${protocol}`);
    this.stream({ kind: 'packet', senders, fromPort, toPort, bytes: payload }, now);
  }

  #onStreams(outputs: readonly StreamOutput[], now: number): void {
    const { id, routes } = this.#parts;
    for (const output of outputs) {
      switch (output.kind) {
        case 'packet':
          this.#send(output, now);
          break;
        case 'stalled':
          this.#step(output, now);
          routes.tunnel({ kind: 'suspect', pool: id }, now);
          break;
        case 'wake':
          this.#parts.wake(output.at);
          break;
        case 'pong':
          break;
        default:
          routes.emit({ kind: 'stream', destination: id, output });
      }
    }
  }

  #send(packet: Extract<StreamOutput, { kind: 'packet' }>, now: number): void {
    const { to, fromPort, toPort, bytes } = packet;
    const protocol = I2CP_PROTOCOL.streaming;
    this.#step({ kind: 'send', to, protocol, fromPort, toPort, payload: bytes }, now);
  }
}
