import type { Consumer, Received } from '../destination/mux.ts';
import { I2CP_PROTOCOL, type UnreachableReason } from '../destination/types.ts';
import { StreamManager } from '../streaming/manager.ts';
import type { StreamId, StreamInput, StreamOutput } from '../streaming/types.ts';
import type { DestHash } from '../wire/hash.ts';
import type { StreamDial, StreamEvent } from './node-io.ts';

/** What streams want of the Destination that they belong to. */
export interface StreamsOwner {
  send(
    payload: {
      readonly to: DestHash;
      readonly protocol: number;
      readonly fromPort: number;
      readonly toPort: number;
      readonly payload: Uint8Array;
      readonly compress: boolean;
    },
    now: number,
  ): void;
  /** messages to `remote` seem to get lost */
  stalled(remote: DestHash, tries: number, now: number): void;
  event(event: StreamEvent): void;
  wake(at: number): void;
}

/** The streams of a local Destination: the consumer of protocol 6. */
export class LocalStreams implements Consumer {
  readonly #owner: StreamsOwner;
  readonly #manager: StreamManager;

  constructor(owner: StreamsOwner, config: ConstructorParameters<typeof StreamManager>[0]) {
    this.#owner = owner;
    this.#manager = new StreamManager(config);
  }

  get size(): number {
    return this.#manager.size;
  }

  /** Ports that streams are accepted at. */
  get listening(): readonly number[] {
    return this.#manager.listening;
  }

  connect({ remote, port, awaitData }: StreamDial, now: number): StreamId {
    const options = { fromPort: 0, toPort: port, awaitData };
    const { stream, outputs } = this.#manager.connect(remote, options, new Uint8Array(0), now);
    this.#carryOut(outputs, now);
    return stream;
  }

  step(input: StreamInput, now: number): void {
    this.#carryOut(this.#manager.step(input, now), now);
  }

  received({ senders, fromPort, toPort, payload }: Received, now: number): void {
    this.step({ kind: 'packet', senders, fromPort, toPort, bytes: payload }, now);
  }

  unreachable(remote: DestHash, reason: UnreachableReason, now: number): void {
    const why = reason === 'noLeaseSet' ? 'unreachable' : 'unsupported';
    this.step({ kind: 'unreachable', remote, reason: why }, now);
  }

  resumed(remote: DestHash | undefined, certain: boolean, now: number): void {
    this.step({ kind: 'resume', ...(remote === undefined ? {} : { remote }), certain }, now);
  }

  tick(now: number): void {
    this.step({ kind: 'tick' }, now);
  }

  #carryOut(outputs: readonly StreamOutput[], now: number): void {
    for (const output of outputs) {
      switch (output.kind) {
        case 'packet': {
          const { to, fromPort, toPort, bytes: payload, compress } = output;
          this.#owner.send(
            { to, protocol: I2CP_PROTOCOL.streaming, fromPort, toPort, payload, compress },
            now,
          );
          break;
        }
        case 'stalled':
          this.#owner.stalled(output.remote, output.tries, now);
          break;
        case 'wake':
          this.#owner.wake(output.at);
          break;
        case 'pong':
          break;
        default:
          this.#owner.event(output);
      }
    }
  }
}
