import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Duplex, duplexPair } from 'node:stream';
import { FrameReader } from '@allium/common/bytes/frames.ts';
import {
  type CompareAnswer,
  compareRequest,
  learnRequest,
  type NameAnswer,
  resolveRequest,
} from '@allium/common/contracts/names.ts';
import { STREAM_REFUSALS, type StreamRefusal } from '@allium/common/contracts/streams.ts';
import { Framed } from '@allium/common/net/framed.ts';
import { splice } from '@allium/common/net/splice.ts';
import { SOCKS_COMMAND } from '@allium/common/socks/messages.ts';
import { socks5Reply } from '@allium/common/socks/replies.ts';
import { type SocksAsked, SocksServer, type SocksServerOutput } from '@allium/common/socks/server.ts';
import { ok, post, serve } from '@allium/common/unix-json/serve.ts';
import type { ExecutionContext } from 'ava';
import { compareNames, findName } from './names-table.ts';

export interface Dialled {
  readonly key: string;
  readonly host: string;
  readonly port: number;
}

/**
 * What the router offers, at real sockets: `streams.sock` that leads each I2P port of every site to a TCP port of this
 * machine, and `names.sock` with a table. Its names and streams are tested with the router; here they are at hand.
 */
export class FakeRouter {
  readonly streamsPath: string;
  readonly namesPath: string;
  /** TCP port of each I2P port, or why it can't be reached */
  readonly ports = new Map<number, number | StreamRefusal>();
  /** names that everybody knows */
  readonly hosts = new Map<string, string>();
  readonly #learnt = new Map<string, string>();
  readonly dialled: Dialled[] = [];
  /** what came in one read with each request, latin1 */
  readonly greetings: string[] = [];
  /** the connections that asked for streams */
  readonly streams: Socket[] = [];
  /** questions to `names.sock` */
  readonly asked: string[] = [];
  delayMs = 0;
  /** BIND requests that wait, with what answers them */
  readonly waiting: { readonly service: string; readonly answer: (visitor: Uint8Array) => Duplex }[] = [];
  /** services that the router has */
  readonly services = new Set<string>();

  private constructor(folder: string) {
    this.streamsPath = join(folder, 'streams.sock');
    this.namesPath = join(folder, 'names.sock');
  }

  static async start(t: Pick<ExecutionContext, 'teardown'>): Promise<FakeRouter> {
    const folder = mkdtempSync(join(tmpdir(), 'allium-router-'));
    const router = new FakeRouter(folder);
    const server = createServer({ allowHalfOpen: true }, (socket) => router.#serve(socket));
    await new Promise<void>((resolve) => server.listen(router.streamsPath, resolve));
    const names = await router.#serveNames();
    t.teardown(async () => {
      server.close();
      for (const socket of router.streams) socket.destroy();
      await names.stop();
      rmSync(folder, { recursive: true });
    });
    return router;
  }

  /** The line of a configuration that leads here. */
  get line(): string {
    return `allium-router unix:${this.streamsPath} unix:${this.namesPath}\n`;
  }

  #serve(socket: Socket): void {
    this.streams.push(socket);
    socket.on('error', () => {});
    const core = new SocksServer();
    const early: Uint8Array[] = [];
    const frames = new FrameReader();
    let far: Socket | undefined;
    const step = (input: Parameters<SocksServer['step']>[0]): void => core.step(input, 0).forEach(act);
    const onData = (bytes: Buffer): void => step({ kind: 'bytes', bytes });
    const act = (output: SocksServerOutput): void => {
      if (output.kind === 'send') socket.write(output.bytes);
      else if (output.kind === 'data') early.push(...frames.push(output.bytes));
      else if (output.kind === 'close') socket.end();
      else if (output.kind === 'request' && output.request.command === SOCKS_COMMAND.bind) {
        this.#bind(socket, output, step, () => socket.off('data', onData));
      } else if (output.kind === 'request') {
        step({ kind: 'taking' });
        this.greetings.push(Buffer.concat(early).toString('latin1'));
        void this.#open(
          output,
          (local) => {
            far = local;
            step({ kind: 'granted' });
          },
          (code) => step({ kind: 'refused', code }),
        );
      } else if (output.kind === 'relay' && far !== undefined) {
        socket.off('data', onData);
        socket.pause();
        for (const bytes of early) far.write(bytes);
        void joined(new Framed(socket, frames).start(), far);
      }
    };
    socket.on('data', onData);
  }

  async #open(
    asked: SocksAsked,
    granted: (far: Socket) => void,
    refused: (code: number) => void,
  ): Promise<void> {
    const { host = '', port } = asked.request;
    const key = Buffer.from(asked.login?.user ?? []).toString('latin1');
    this.dialled.push({ key, host, port });
    if (this.delayMs > 0) await new Promise((resolve) => setTimeout(resolve, this.delayMs));
    const answer = host.endsWith('.b32.i2p') ? undefined : this.#find(key, host);
    const where =
      answer === undefined || answer.kind === 'found'
        ? (this.ports.get(port) ?? 'refused')
        : 'unknown-destination';
    if (typeof where === 'string') return refused(STREAM_REFUSALS[where]);
    const far = connect({ port: where, host: '127.0.0.1', allowHalfOpen: true });
    far.on('error', () => {});
    granted(far);
  }

  #bind(
    socket: Socket,
    asked: SocksAsked,
    step: (input: Parameters<SocksServer['step']>[0]) => void,
    detach: () => void,
  ): void {
    const { host: service = '' } = asked.request;
    if (!this.services.has(service)) {
      step({ kind: 'refused', code: STREAM_REFUSALS['unknown-destination'] });
      return;
    }
    const own = { kind: 'name', name: `${'a'.repeat(52)}.b32.i2p` } as const;
    step({ kind: 'interim', reply: socks5Reply(0, own) });
    const entry = {
      service,
      answer: (destination: Uint8Array): Duplex => {
        step({ kind: 'granted', reply: socks5Reply(0, { kind: 'visitor', destination }, 80) });
        detach();
        socket.pause();
        const [ours, theirs] = duplexPair();
        void joined(theirs, new Framed(socket).start());
        return ours;
      },
    };
    this.waiting.push(entry);
    socket.once('close', () => {
      const at = this.waiting.indexOf(entry);
      if (at >= 0) this.waiting.splice(at, 1);
    });
  }

  /** Somebody comes to a service: his end of the stream; undefined when nobody waits for him. */
  visit(service: string, visitor: Uint8Array): Duplex | undefined {
    const at = this.waiting.findIndex((entry) => entry.service === service);
    return at < 0 ? undefined : this.waiting.splice(at, 1)[0]?.answer(visitor);
  }

  #serveNames(): Promise<{ stop: () => Promise<void> | void }> {
    const bounds = { bytes: 8_192 };
    const routes = {
      'POST /resolve': post(
        resolveRequest,
        ({ key, name }) => {
          this.asked.push(name);
          return ok(this.#find(key, name));
        },
        bounds,
      ),
      'POST /compare': post(
        compareRequest,
        ({ key, name, destination }) => ok(this.#compare(key, name, destination)),
        bounds,
      ),
      'POST /learn': post(
        learnRequest,
        ({ key, name, destination }) => {
          const compared = this.#compare(key, name, destination);
          if (compared.kind === 'new') this.#learnt.set(`${key} ${name}`, compared.base32);
          return ok({ learnt: compared.kind === 'new' || compared.kind === 'known' });
        },
        bounds,
      ),
    };
    return serve({ path: this.namesPath }, routes, { keepAliveMs: 5_000 });
  }

  #find(key: string, name: string): NameAnswer {
    return findName(name, this.hosts.get(name) ?? this.#learnt.get(`${key} ${name}`));
  }

  #compare(key: string, name: string, destination: string): CompareAnswer {
    return compareNames(this.#find(key, name), destination);
  }
}

function joined(a: Duplex, b: Duplex): Promise<void> {
  return splice(a, b, 60_000);
}
