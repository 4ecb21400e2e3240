import { Budget } from '@allium/router/node/budget.ts';
import { StreamManager } from '@allium/router/streaming/manager.ts';
import type { StreamId, StreamInput, StreamOutput } from '@allium/router/streaming/types.ts';
import { createDestinationKeys, type DestinationKeys } from '@allium/router/wire/destination.ts';
import type { DestHash } from '@allium/router/wire/hash.ts';
import { type Signer, signerOf } from '@allium/router/wire/identity.ts';
import { recordedEntropy } from '../../support/entropy.ts';
import { VirtualTime } from './virtual-time.ts';

/** How a link treats packets; chances from 0 to 1, times in ms. */
export interface Link {
  delay: number;
  /** random extra delay, which reorders */
  jitter: number;
  loss: number;
  duplicates: number;
  /** packets per ms; the queue drops what would wait longer than `queue` ms */
  rate: number;
  queue: number;
}

export const PERFECT: Link = {
  delay: 50,
  jitter: 0,
  loss: 0,
  duplicates: 0,
  rate: Number.POSITIVE_INFINITY,
  queue: 1_000,
};

/** What one side saw of a stream. */
export interface Seen {
  data: Uint8Array[];
  bytes: number;
  ended: boolean;
  over: 'closed' | 'reset' | 'refused' | undefined;
  reason: string | undefined;
}

/** A manager, its keys, and an application that records and consumes. */
export class Endpoint {
  readonly manager: StreamManager;
  readonly hash: DestHash;
  readonly seen = new Map<StreamId, Seen>();
  readonly events: StreamOutput[] = [];
  /** packets sent */
  sent = 0;
  /** false: the application does not take what arrives */
  consuming = true;
  onEvent: ((event: StreamOutput) => void) | undefined;
  readonly #net: StreamNet;
  #busyUntil = 0;

  constructor(net: StreamNet, name: string, keys = keysOf(name), signer: Signer = signerOf(keys)) {
    this.#net = net;
    this.hash = keys.destination.hash;
    this.manager = new StreamManager({
      signer,
      random: recordedEntropy(`${name}/ids`),
      shares: new Budget().share(),
    });
  }

  step(input: StreamInput): void {
    this.handle(this.manager.step(input, this.#net.time.now));
  }

  connect(remote: DestHash, toPort = 80, data: Uint8Array = new Uint8Array(0)): StreamId {
    const { stream, outputs } = this.manager.connect(
      remote,
      { fromPort: 0, toPort },
      data,
      this.#net.time.now,
    );
    this.handle(outputs);
    return stream;
  }

  of(stream: StreamId): Seen {
    const known = this.seen.get(stream);
    if (known) return known;
    const seen: Seen = { data: [], bytes: 0, ended: false, over: undefined, reason: undefined };
    this.seen.set(stream, seen);
    return seen;
  }

  received(stream: StreamId): Buffer {
    return Buffer.concat(this.of(stream).data);
  }

  /** The only stream that this side did not open itself, or the latest of them. */
  accepted(): StreamId {
    const opened = this.events.findLast((event) => event.kind === 'opened' && event.incoming);
    if (opened?.kind !== 'opened') throw new Error('nothing accepted');
    return opened.stream;
  }

  handle(outputs: readonly StreamOutput[]): void {
    const { time } = this.#net;
    for (const output of outputs) {
      switch (output.kind) {
        case 'packet':
          this.sent++;
          this.#net.carry(this, output);
          break;
        case 'wake':
          time.at(output.at, () => this.step({ kind: 'tick' }));
          break;
        default:
          this.#record(output);
      }
    }
  }

  /** When a packet of ours leaves a link of the given rate; undefined when its queue is full. */
  departure(link: Link, now: number): number | undefined {
    const start = Math.max(now, this.#busyUntil);
    if (start - now > link.queue) return undefined;
    this.#busyUntil = start + 1 / link.rate;
    return this.#busyUntil;
  }

  #record(output: Exclude<StreamOutput, { kind: 'packet' | 'wake' }>): void {
    this.events.push(output);
    switch (output.kind) {
      case 'data': {
        const seen = this.of(output.stream);
        seen.data.push(Uint8Array.from(output.bytes));
        seen.bytes += output.bytes.length;
        const { stream, bytes } = output;
        if (this.consuming)
          this.#net.time.at(this.#net.time.now, () =>
            this.step({ kind: 'consumed', stream, bytes: bytes.length }),
          );
        break;
      }
      case 'end':
        this.of(output.stream).ended = true;
        break;
      case 'closed':
        this.of(output.stream).over = output.kind;
        break;
      case 'reset':
      case 'refused':
        this.of(output.stream).over = output.kind;
        this.of(output.stream).reason = output.reason;
        break;
      default:
    }
    this.onEvent?.(output);
  }
}

/** Endpoints joined by one kind of link, in virtual time. */
export class StreamNet {
  readonly time = new VirtualTime();
  readonly link: Link;
  /** false: packets come from sessions that prove nothing */
  bound = true;
  /** may replace or swallow packets on the way */
  tamper: ((bytes: Uint8Array, from: DestHash, to: DestHash) => Uint8Array | undefined) | undefined;
  readonly #dice: () => number;
  readonly #endpoints = new Map<DestHash, Endpoint>();

  constructor(link: Partial<Link> = {}, seed = 'net') {
    this.link = { ...PERFECT, ...link };
    const random = recordedEntropy(seed);
    this.#dice = () => Buffer.from(random(4)).readUInt32BE(0) / 0x1_0000_0000;
  }

  endpoint(name: string, keys?: DestinationKeys, signer?: Signer): Endpoint {
    const endpoint = new Endpoint(this, name, keys, signer);
    this.#endpoints.set(endpoint.hash, endpoint);
    return endpoint;
  }

  carry(from: Endpoint, packet: Extract<StreamOutput, { kind: 'packet' }>): void {
    const { link, time } = this;
    if (this.#dice() < link.loss) return;
    const bytes = this.tamper ? this.tamper(packet.bytes, from.hash, packet.to) : packet.bytes;
    if (!bytes) return;
    const leaves = from.departure(link, time.now);
    if (leaves === undefined) return;
    const copies = this.#dice() < link.duplicates ? 2 : 1;
    for (let i = 0; i < copies; i++) {
      time.at(leaves + link.delay + this.#dice() * link.jitter, () => {
        this.#endpoints.get(packet.to)?.step({
          kind: 'packet',
          senders: this.bound ? [from.hash] : [],
          fromPort: packet.fromPort,
          toPort: packet.toPort,
          bytes,
        });
      });
    }
  }
}

export function keysOf(name: string): DestinationKeys {
  return createDestinationKeys(recordedEntropy(`${name}/keys`));
}

/** Bytes that show any gap, swap or repetition. */
export function pattern(length: number, seed = 1): Buffer {
  const out = Buffer.alloc(length);
  let state = seed >>> 0 || 1;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    out[i] = state >>> 24;
  }
  return out;
}

/** Writes `bytes` in chunks as fast as the stream takes them, then ends. */
export function pump(endpoint: Endpoint, stream: StreamId, bytes: Buffer, chunk = 32_768): void {
  let at = 0;
  let blocked = false;
  const more = (): void => {
    while (!blocked && at < bytes.length) {
      const part = bytes.subarray(at, at + chunk);
      at += part.length;
      endpoint.step({ kind: 'write', stream, bytes: part });
    }
    if (at >= bytes.length) {
      at = Number.POSITIVE_INFINITY;
      endpoint.step({ kind: 'end', stream });
    }
  };
  const before = endpoint.onEvent;
  endpoint.onEvent = (event) => {
    before?.(event);
    if (event.kind === 'blocked' && event.stream === stream) blocked = true;
    if (event.kind === 'writable' && event.stream === stream) {
      blocked = false;
      if (Number.isFinite(at)) more();
    }
  };
  more();
}
