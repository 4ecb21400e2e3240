import type { RandomBytes } from '@allium/common/core/random.ts';
import type { Counters } from '@allium/common/observe/counters.ts';
import { DestinationCore } from '../destination/destination-core.ts';
import { ANY, type Consumer, Mux, type Received } from '../destination/mux.ts';
import { type DestinationInput, type DestinationOutput, I2CP_PROTOCOL } from '../destination/types.ts';
import type { I2npMessage } from '../i2np/message.ts';
import type { LookupFailure } from '../netdb/netdb-events.ts';
import type { StreamId, StreamInput } from '../streaming/types.ts';
import type { DestHash } from '../wire/hash.ts';
import type { Signer } from '../wire/identity.ts';
import type { Lease } from '../wire/lease.ts';
import type { LeaseSet2 } from '../wire/lease-set2.ts';
import { Budget, type DestinationShares } from './budget.ts';
import type { Dispatch } from './dispatch.ts';
import { blame } from './fault.ts';
import { LocalStreams } from './local-streams.ts';
import type { DestinationId, DestinationOptions, StreamDial } from './node-io.ts';
import type { Routes } from './routes.ts';

export interface LocalDestinationParts {
  readonly id: DestinationId;
  readonly options: DestinationOptions;
  readonly random: RandomBytes;
  readonly shares: DestinationShares;
  readonly routes: Routes;
  readonly dispatch: Dispatch;
  readonly counters: Counters;
  readonly wake: (at: number) => void;
}

/** One local Destination with those who work with it, joined to the tunnels of the pool that has its ID. */
export class LocalDestination {
  readonly hash: DestHash;
  readonly #parts: LocalDestinationParts;
  readonly #core: DestinationCore;
  readonly #mux = new Mux();
  readonly #streams: LocalStreams | undefined;
  ready = false;

  constructor(parts: LocalDestinationParts) {
    const { options, random, shares } = parts;
    this.#parts = parts;
    const { identity, publish } = options;
    this.hash = identity.destination.hash;
    this.#core = new DestinationCore({ identity, publish, random, shares });
    // whoever signs elsewhere has his streams there too
    this.#streams = identity.signer && this.#makeStreams(identity.signer);
    if (this.#streams) this.#mux.bind(I2CP_PROTOCOL.streaming, ANY, this.#streams);
  }

  get options(): DestinationOptions {
    return this.#parts.options;
  }

  /** Ports that its owner listens at. */
  get listening(): readonly number[] {
    return this.#streams?.listening ?? [];
  }

  get status(): Record<string, number | boolean> {
    return { ready: this.ready, streams: this.#streams?.size ?? 0, ...this.#core.counts };
  }

  registerReplyKey(tag: Uint8Array, key: Uint8Array, until: number, query: number, now: number): void {
    this.#blamed(() => this.#core.registerReplyKey(tag, key, until, query, now));
  }

  /** It is gone: what it held is others'. */
  release(): void {
    Budget.release(this.#parts.shares);
  }

  /** Throws `RangeError` for an identity that signs elsewhere. */
  connect(dial: StreamDial, now: number): StreamId {
    const streams = this.#streams;
    if (!streams) throw new RangeError('a Destination without streams');
    return this.#blamed(() => streams.connect(dial, now));
  }

  stream(input: StreamInput, now: number): void {
    this.#blamed(() => this.#streams?.step(input, now));
  }

  /** Tunnels lead somewhere again; `certain`: none did before. */
  resumed(certain: boolean, now: number): void {
    this.#blamed(() => this.#each((consumer) => consumer.resumed(undefined, certain, now)));
  }

  leaseSetSigned(leaseSet: LeaseSet2, now: number): void {
    this.#step({ kind: 'leaseSetSigned', leaseSet }, now);
  }

  leases(leases: readonly Lease[], now: number): void {
    this.#step({ kind: 'leases', leases }, now);
  }

  /** Out of one of the pool's inbound tunnels. */
  message(message: I2npMessage, tunnel: number, now: number): void {
    this.#step({ kind: 'message', message, tunnel }, now);
  }

  found(leaseSet: LeaseSet2, now: number): void {
    this.#step({ kind: 'leaseSet', leaseSet }, now);
  }

  lookupFailed(hash: DestHash, reason: LookupFailure, now: number): void {
    this.#step({ kind: 'lookupFailed', hash, unreadable: reason === 'unreadable' }, now);
  }

  /** What became of the publication of our LeaseSet. */
  published(confirmed: boolean, now: number): void {
    this.#step({ kind: 'published', confirmed }, now);
  }

  tick(now: number): void {
    this.#step({ kind: 'tick' }, now);
    this.#blamed(() => this.#each((consumer) => consumer.tick(now)));
  }

  #each(tell: (consumer: Consumer) => void): void {
    for (const consumer of this.#mux.consumers) tell(consumer);
  }

  #makeStreams(signer: Signer): LocalStreams {
    const { id, random, routes, shares } = this.#parts;
    return new LocalStreams(
      {
        send: (payload, now) => this.#step({ kind: 'send', ...payload }, now),
        stalled: (remote, tries, now) => {
          this.#step({ kind: 'stalled', remote, tries }, now);
          routes.tunnel({ kind: 'suspect', pool: id }, now);
        },
        event: (output) => routes.emit({ kind: 'stream', destination: id, output }),
        wake: (at) => this.#parts.wake(at),
      },
      { signer, random, shares },
    );
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
        return this.#each((consumer) => consumer.unreachable(output.remote, output.reason, now));
      case 'resume':
        return this.#each((consumer) => consumer.resumed(output.remote, true, now));
      case 'signLeaseSet':
        return routes.emit({ kind: 'signLeaseSet', destination: id, content: output.content });
      case 'rejected':
        return counters.add(`rejected-${output.code}`);
      case 'wake':
        return this.#parts.wake(output.at);
    }
  }

  #received(payload: Received, now: number): void {
    const consumer = this.#mux.find(payload.protocol, payload.toPort);
    if (consumer) consumer.received(payload, now);
    else this.#parts.counters.add(`protocol-${payload.protocol}`);
  }
}
