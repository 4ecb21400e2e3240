import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { FrameReader } from '@allium/common/bytes/frames.ts';
import { STREAM_REFUSALS, type StreamRefusal } from '@allium/common/contracts/streams.ts';
import { endSoon } from '@allium/common/net/end-soon.ts';
import { Framed } from '@allium/common/net/framed.ts';
import { splice } from '@allium/common/net/splice.ts';
import { socks5Reply } from '@allium/common/socks/replies.ts';
import {
  type SocksAsked,
  SocksServer,
  type SocksServerInput,
  type SocksServerOutput,
} from '@allium/common/socks/server.ts';
import { readStreamAsk, type StreamAsk, wantsFrames } from '../../client/stream-ask.ts';
import type { Resolution } from '../../names/address-book.ts';
import type { Visit } from './service-desk.ts';
import { dialInTime, dialRefusal } from './stream-dialer.ts';
import type { StreamsContext } from './streams-server.ts';

/** One connection to `streams.sock`: a stream that a client asked for, or a visitor whom it waits for. */
export class StreamsConnection {
  readonly #socket: Socket;
  readonly #context: StreamsContext;
  readonly #core: SocksServer;
  readonly #gone = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #stream: Duplex | undefined;
  /** of a client that wants frames */
  #frames: FrameReader | undefined;

  constructor(socket: Socket, context: StreamsContext) {
    this.#socket = socket;
    this.#context = context;
    this.#core = new SocksServer({ versions: [5], handshakeMs: context.limits.handshakeMs });
  }

  start(): void {
    this.#socket.on('error', () => {});
    this.#socket.on('data', this.#onData).once('end', this.#onEnd).once('close', this.#onEnd);
    this.#step({ kind: 'start' });
  }

  readonly #onData = (bytes: Buffer): void => this.#step({ kind: 'bytes', bytes });
  readonly #onEnd = (): void => this.#step({ kind: 'ended' });
  readonly #onDrain = (): void => void this.#socket.resume();

  #step(input: SocksServerInput): void {
    const now = this.#context.now();
    for (const output of this.#core.step(input, now)) this.#do(output, now);
  }

  #do(output: SocksServerOutput, now: number): void {
    switch (output.kind) {
      case 'send':
        this.#socket.write(output.bytes);
        return;
      case 'wake':
        this.#timer = setTimeout(() => this.#step({ kind: 'tick' }), output.at - now);
        return;
      case 'request':
        clearTimeout(this.#timer);
        if (wantsFrames(output)) this.#frames = new FrameReader();
        this.#serve(output, readStreamAsk(output));
        return;
      case 'data':
        this.#forward(output.bytes);
        return;
      case 'pause':
        this.#socket.pause();
        return;
      case 'resume':
        this.#socket.resume();
        return;
      case 'relay':
        void this.#relay(output.early);
        return;
      case 'close':
        this.#gone.abort();
        this.#detach();
        endSoon(this.#socket);
        return;
    }
  }

  #serve(asked: SocksAsked, ask: StreamAsk): void {
    if (ask.kind === 'refuse') this.#step({ kind: 'refused', code: ask.code });
    else if (ask.kind === 'bind') this.#bind(ask.service);
    else void this.#connect(ask, asked.early > 0);
  }

  async #connect(ask: Extract<StreamAsk, { kind: 'connect' }>, early: boolean): Promise<void> {
    const { names, dialer, limits, counts } = this.#context;
    const { key, host, port } = ask;
    const resolution = names.resolve(key, host);
    if (resolution.kind !== 'found') return this.#refuse(refusalOf(resolution));
    const leave = counts.enter(key);
    if (leave === undefined) return this.#refuse('busy');
    this.#socket.once('close', leave);
    const begun = (stream: Duplex): void => {
      this.#stream = stream;
      stream.on('error', () => {});
      this.#step({ kind: 'taking' });
    };
    try {
      const dial = { key, target: resolution.hash, port, early };
      const stream = await dialInTime(dialer, dial, limits.dialMs, this.#gone.signal, begun);
      // The client may have left just before.
      if (this.#gone.signal.aborted) stream.destroy();
      else this.#step({ kind: 'granted' });
    } catch (error) {
      this.#refuse(dialRefusal(error));
    }
  }

  #bind(service: string): void {
    const { desk } = this.#context;
    const own = desk.nameOf(service);
    if (own === undefined) return this.#refuse('unknown-destination');
    this.#step({ kind: 'interim', reply: socks5Reply(0, { kind: 'name', name: own }) });
    const withdraw = desk.ask(service, {
      serve: (visit) => this.#receive(visit),
      busy: () => this.#refuse('busy'),
    });
    if (withdraw !== undefined) this.#gone.signal.addEventListener('abort', withdraw, { once: true });
  }

  #receive({ stream, visitor, port }: Visit): void {
    this.#stream = stream;
    const address = { kind: 'visitor', destination: visitor.raw } as const;
    this.#step({ kind: 'granted', reply: socks5Reply(0, address, port) });
  }

  #refuse(refusal: StreamRefusal): void {
    this.#step({ kind: 'refused', code: STREAM_REFUSALS[refusal] });
  }

  /** Early bytes go out before the stream stands; a client that sends more than it takes is not read meanwhile. */
  #forward(bytes: Uint8Array): void {
    const stream = this.#stream;
    if (stream === undefined) return;
    let room = true;
    for (const part of this.#frames?.push(bytes) ?? [bytes]) room = stream.write(part);
    if (room) return;
    this.#socket.pause();
    stream.once('drain', this.#onDrain);
  }

  async #relay(early: Uint8Array): Promise<void> {
    const stream = this.#stream;
    if (stream === undefined) return;
    this.#detach();
    this.#socket.pause();
    if (early.length > 0) this.#socket.unshift(early);
    const client = this.#frames === undefined ? this.#socket : new Framed(this.#socket, this.#frames).start();
    await splice(client, stream, this.#context.limits.idleMs);
  }

  #detach(): void {
    clearTimeout(this.#timer);
    this.#socket.off('data', this.#onData).off('end', this.#onEnd).off('close', this.#onEnd);
    this.#stream?.off('drain', this.#onDrain);
  }
}

function refusalOf({ kind }: Exclude<Resolution, { kind: 'found' }>): StreamRefusal {
  if (kind === 'unknown') return 'unknown-destination';
  return kind === 'encrypted' ? 'encrypted' : 'invalid-name';
}
