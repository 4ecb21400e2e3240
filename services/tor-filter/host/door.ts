import { createServer, type Server, type Socket } from 'node:net';
import type { Stop } from '@allium/common/lifecycle/lifecycle.ts';
import { type ListenAddress, listen } from '@allium/common/lifecycle/listen.ts';
import { ClientCounts, plainAddress } from '@allium/common/net/client-counts.ts';
import type { Counters } from '@allium/common/observe/counters.ts';
import type { Question } from '../filter/commands.ts';
import { ControlFilter, type FilterInput, type FilterOutput } from '../filter/control-filter.ts';

/** Connections at once; controllers stay for as long as their program runs. */
export const LIMITS = { perClient: 16, total: 64 };
/** Connections that the kernel keeps until they are accepted. */
const BACKLOG = 32;
/** Milliseconds of silence before the kernel asks whether a workstation is still there. */
const KEEP_ALIVE_MS = 60_000;
/** Milliseconds that a client has to take the last answer and go. */
const LINGER_MS = 2_000;

export interface DoorOptions {
  readonly listen: ListenAddress;
  readonly ask: (question: Question) => Promise<string | undefined>;
  readonly counters: Counters;
  readonly now: () => number;
}

/** The filtered control port that workstations reach. */
export class Door {
  readonly #options: DoorOptions;
  readonly #counts = new ClientCounts(LIMITS);
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;

  constructor(options: DoorOptions) {
    this.#options = options;
    this.#server = createServer({ noDelay: true }, (socket) => this.#admit(socket));
  }

  get clients(): number {
    return this.#counts.total;
  }

  get address(): ReturnType<Server['address']> {
    return this.#server.address();
  }

  /** Throws `ListenError`. */
  async start(): Promise<{ stop: Stop }> {
    await listen(this.#server, this.#options.listen, BACKLOG);
    return { stop: () => this.#stop() };
  }

  async #stop(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    for (const socket of this.#sockets) socket.destroy();
    await promise;
  }

  #admit(socket: Socket): void {
    socket.on('error', () => {});
    const { counters } = this.#options;
    const leave = this.#counts.enter(plainAddress(socket.remoteAddress));
    if (leave === undefined) {
      counters.add('too-many');
      socket.resetAndDestroy();
      return;
    }
    counters.add('client');
    this.#sockets.add(socket);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    socket.once('close', () => {
      leave();
      this.#sockets.delete(socket);
    });
    serve(socket, this.#options);
  }
}

/** A client is read only while nothing is asked for it and it takes its answers. */
function serve(socket: Socket, { ask, counters, now }: DoorOptions): void {
  const filter = new ControlFilter();
  let waiting = false;
  const step = (input: FilterInput): void => {
    for (const output of filter.step(input, now())) act(output);
    if (waiting || socket.writableNeedDrain) socket.pause();
    else socket.resume();
  };
  const act = (output: FilterOutput): void => {
    switch (output.kind) {
      case 'send':
        socket.write(output.text, 'latin1');
        return;
      case 'count':
        counters.add(output.what);
        return;
      case 'ask':
        waiting = true;
        void ask(output.question).then((text) => {
          waiting = false;
          step({ kind: 'answer', text });
        });
        return;
      case 'close':
        counters.add(`closed-${output.reason}`);
        socket.end();
        setTimeout(() => socket.destroy(), LINGER_MS).unref();
        return;
    }
  };
  socket.on('data', (bytes) => step({ kind: 'bytes', bytes }));
  socket.on('drain', () => {
    if (!waiting) socket.resume();
  });
}
