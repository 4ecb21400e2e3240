import type { DestinationId, NodeOutput, StreamCommand } from '../node/node-io.ts';
import type { StreamId } from '../streaming/types.ts';
import { I2pStream } from './i2p-stream.ts';

/** How a stream that is being opened ends its wait. */
type Opening = PromiseWithResolvers<I2pStream>;

interface Entry {
  readonly stream: I2pStream;
  readonly opening: Opening | undefined;
}

export interface I2pStreamsParts {
  readonly command: (destination: DestinationId, command: StreamCommand) => void;
  /** a stranger opened a stream to a port of a local Destination */
  readonly incoming: (destination: DestinationId, stream: I2pStream, port: number) => void;
}

/** The open streams of all local Destinations: what the node says of each reaches its Duplex, and back. */
export class I2pStreams {
  readonly #parts: I2pStreamsParts;
  readonly #open = new Map<DestinationId, Map<StreamId, Entry>>();

  constructor(parts: I2pStreamsParts) {
    this.#parts = parts;
  }

  /** A stream that the node has begun; `opening` is resolved with it once the other side has answered. */
  add(
    destination: DestinationId,
    peer: ConstructorParameters<typeof I2pStream>[0],
    opening?: Opening,
  ): I2pStream {
    const stream = new I2pStream(peer, (command) => this.#parts.command(destination, command));
    const streams = this.#open.get(destination) ?? new Map<StreamId, Entry>();
    this.#open.set(destination, streams);
    streams.set(peer.stream, { stream, opening });
    stream.once('close', () => {
      streams.delete(peer.stream);
      if (streams.size === 0 && this.#open.get(destination) === streams) this.#open.delete(destination);
    });
    stream.on('error', (error) => opening?.reject(error));
    return stream;
  }

  event({ destination, output }: Extract<NodeOutput, { kind: 'stream' }>): void {
    if (output.kind === 'opened' && output.incoming) {
      return this.#parts.incoming(destination, this.add(destination, output), output.localPort);
    }
    const entry = this.#open.get(destination)?.get(output.stream);
    if (entry === undefined) return;
    if (output.kind === 'opened') entry.opening?.resolve(entry.stream);
    entry.stream.receive(output);
  }

  /** The Destination is gone, and they with it. */
  closeAll(destination: DestinationId): void {
    for (const { stream } of this.#open.get(destination)?.values() ?? []) {
      stream.fail('stopped', 'its Destination was closed');
    }
  }

  stop(): void {
    for (const streams of this.#open.values()) {
      for (const { stream } of streams.values()) stream.fail('stopped', 'the router stops');
    }
  }
}
