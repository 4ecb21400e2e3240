import type { DestHash } from '../wire/hash.ts';
import type { DestinationOutput, UnreachableReason } from './types.ts';

/** For every protocol, or every port, that nobody has taken for himself (I2CP calls both 0). */
export const ANY = 0;
/** Pairs of protocol and port of one Destination. */
export const MAX_BINDINGS = 64;

/** A payload that came for us. */
export type Received = Omit<Extract<DestinationOutput, { kind: 'received' }>, 'kind'>;

/** What works with payloads of a Destination: streams, datagrams, or a client that reads them raw. */
export interface Consumer {
  received(payload: Received, now: number): void;
  /** nothing reaches `remote`: what was sent to it is lost */
  unreachable(remote: DestHash, reason: UnreachableReason, now: number): void;
  /** there is a new way, to `remote` or (undefined) to everybody; `certain`: the old one is gone */
  resumed(remote: DestHash | undefined, certain: boolean, now: number): void;
  tick(now: number): void;
}

interface Binding {
  readonly protocol: number;
  readonly port: number;
  readonly consumer: Consumer;
}

/**
 * Who gets what arrives, by protocol and destination port: whoever bound both, or else the protocol, or else the port,
 * or else everything (as Java's session demultiplexer does).
 */
export class Mux {
  readonly #bindings: Binding[] = [];

  /** Each consumer once. */
  get consumers(): ReadonlySet<Consumer> {
    return new Set(this.#bindings.map(({ consumer }) => consumer));
  }

  /** Protocol 0 to 255, port 0 to 65535. A pair that is taken, or one too many, throws `RangeError`. */
  bind(protocol: number, port: number, consumer: Consumer): void {
    if (this.#bound(protocol, port)) throw new RangeError(`protocol ${protocol} port ${port} is bound`);
    if (this.#bindings.length >= MAX_BINDINGS) throw new RangeError('too many bindings');
    this.#bindings.push({ protocol, port, consumer });
  }

  find(protocol: number, port: number): Consumer | undefined {
    return (
      this.#bound(protocol, port) ??
      this.#bound(protocol, ANY) ??
      this.#bound(ANY, port) ??
      this.#bound(ANY, ANY)
    );
  }

  #bound(protocol: number, port: number): Consumer | undefined {
    return this.#bindings.find((it) => it.protocol === protocol && it.port === port)?.consumer;
  }
}
