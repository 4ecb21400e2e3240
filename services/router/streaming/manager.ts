import { equalBytes } from '@allium/common/bytes/compare.ts';
import { DecodeError } from '@allium/common/bytes/errors.ts';
import { type RandomBytes, randomU32 } from '@allium/common/core/random.ts';
import type { Share } from '@allium/common/core/shared-limit.ts';
import { TokenBucket } from '@allium/common/core/token-bucket.ts';
import { type DestHash, hashBytes } from '../wire/hash.ts';
import type { Signer } from '../wire/identity.ts';
import { Agenda } from './agenda.ts';
import { Connection } from './connection.ts';
import type { ConnectionOptions } from './connection-options.ts';
import { EarlyPackets } from './early-packets.ts';
import { SYN_BURST, SYN_RATE } from './limits.ts';
import { type DecodedPacket, decodePacket, peekStreamIds, STREAM_FLAG } from './packet.ts';
import { PathMemory } from './paths.ts';
import { payloadLimit } from './peer.ts';
import { StreamRegistry } from './registry.ts';
import { type PeerKey, verifyPacket } from './signing.ts';
import { type Route, StrayPackets } from './stray.ts';
import type { StreamId, StreamInput, StreamOutput } from './types.ts';

/** What the streams of one Destination may hold of what all have. */
export interface StreamShares {
  /** streams, in both directions */
  readonly streams: Share;
  /** bytes received that nobody has consumed */
  readonly received: Share;
  /** bytes written that no peer has acknowledged */
  readonly sent: Share;
}

type PacketInput = Extract<StreamInput, { readonly kind: 'packet' }>;
type Action = (connection: Connection, out: StreamOutput[]) => void;

/** All streams of one local Destination. Knows nothing of tunnels and leases; `stalled` asks for other ones. */
export class StreamManager {
  readonly #signer: Signer;
  readonly #random: RandomBytes;
  readonly #self: Uint8Array;
  readonly #shares: StreamShares;
  readonly #streams: StreamRegistry;
  readonly #listening = new Set<number>();
  readonly #agenda = new Agenda<StreamId>();
  readonly #early = new EarlyPackets();
  readonly #paths = new PathMemory();
  readonly #syns = new TokenBucket(SYN_RATE, SYN_BURST);
  readonly #stray: StrayPackets;

  constructor(config: {
    readonly signer: Signer;
    readonly random: RandomBytes;
    readonly shares: StreamShares;
  }) {
    this.#signer = config.signer;
    this.#random = config.random;
    this.#shares = config.shares;
    this.#streams = new StreamRegistry(config.shares.streams);
    this.#self = hashBytes(config.signer.destination.hash);
    this.#stray = new StrayPackets(config.signer);
  }

  /** Living streams, in both directions. */
  get size(): number {
    return this.#streams.size;
  }

  /** Ports that streams are accepted at. */
  get listening(): readonly number[] {
    return [...this.#listening];
  }

  /** Bytes received that nobody has consumed yet. */
  get buffered(): number {
    return this.#shares.received.used;
  }

  /**
   * Opens a stream. `data` travels with the SYN as far as it fits (0-RTT); so does what is written before it leaves,
   * for which `awaitData` makes it wait a little. `opened` or `refused` follows. Too many streams: `refused` comes with the outputs.
   */
  connect(
    remote: DestHash,
    options: { readonly fromPort: number; readonly toPort: number; readonly awaitData?: boolean | undefined },
    data: Uint8Array,
    now: number,
  ): { readonly stream: StreamId; readonly outputs: StreamOutput[] } {
    const stream = this.#newId();
    if (this.#streams.full) return { stream, outputs: [{ kind: 'refused', stream, reason: 'overflow' }] };
    const { fromPort: localPort, toPort: remotePort, awaitData } = options;
    const target = hashBytes(remote);
    const connection = this.#open({ id: stream, remote, localPort, remotePort, target }, now);
    if (awaitData) connection.awaitData(now);
    return { stream, outputs: this.#run(connection, now, (it, out) => it.write(data, now, out)) };
  }

  /** Inputs for streams that have ended are ignored: the application may not know it yet. */
  step(input: StreamInput, now: number): StreamOutput[] {
    switch (input.kind) {
      case 'packet':
        return this.#packet(input, now);
      case 'write':
        return this.#on(input.stream, now, (it, out) => it.write(input.bytes, now, out));
      case 'end':
        return this.#on(input.stream, now, (it, out) => it.end(now, out));
      case 'reset':
        return this.#on(input.stream, now, (it, out) => it.abort(undefined, now, out));
      case 'consumed':
        return this.#on(input.stream, now, (it, out) => it.consumed(input.bytes, now, out));
      case 'listen':
        this.#listening.add(input.port);
        return [];
      case 'unlisten':
        this.#listening.delete(input.port);
        return [];
      case 'unreachable':
        return this.#unreachable(input, now);
      case 'resume':
        return this.#resume(input.remote, input.certain, now);
      case 'close':
        return this.#close(now);
      case 'ping':
        return [this.#stray.ping(input.id, input.payload, { to: input.remote, fromPort: 0, toPort: 0 })];
      case 'tick':
        return this.#tick(now);
    }
  }

  #packet(input: PacketInput, now: number): StreamOutput[] {
    try {
      const { sendStreamId, receiveStreamId } = peekStreamIds(input.bytes);
      const connection =
        sendStreamId === 0
          ? this.#streams.find(input.senders, receiveStreamId)
          : this.#streams.get(sendStreamId);
      const packet = decodePacket(input.bytes, connection?.peerKey?.destination);
      if (packet.flags & STREAM_FLAG.echo) return this.#echo(packet, input, now);
      if (connection) return this.#known(connection, packet, input.senders, now);
      if (packet.flags & STREAM_FLAG.synchronize && sendStreamId === 0) return this.#syn(packet, input, now);
      const [sender] = input.senders;
      if (sender === undefined) return [];
      if (sendStreamId !== 0) return this.#stray.unknown(packet, routeBack(input, sender), now);
      this.#early.keep(sender, receiveStreamId, input.bytes, now);
      return [];
    } catch (error) {
      if (error instanceof DecodeError) return [];
      throw error;
    }
  }

  /** A session that proves somebody else as the sender is no way into the stream. */
  #known(
    connection: Connection,
    packet: DecodedPacket,
    senders: readonly DestHash[],
    now: number,
  ): StreamOutput[] {
    const trusted = senders.includes(connection.remote);
    if (!trusted && senders.length > 0) return [];
    return this.#run(connection, now, (it, out) => it.receive(packet, trusted, now, out));
  }

  /** Streaming Protocol: FROM and a signature, or a session bound to FROM; NACKs may name the target. */
  #syn(packet: DecodedPacket, input: PacketInput, now: number): StreamOutput[] {
    const { from: destination, offline } = packet;
    if (!destination || packet.receiveStreamId === 0 || packet.sequence !== 0) return [];
    if (packet.target && !equalBytes(packet.target, this.#self)) return [];
    const { hash } = destination;
    const bound = input.senders.includes(hash);
    if (!bound && input.senders.length > 0) return [];
    const twin = this.#streams.find([hash], packet.receiveStreamId);
    if (twin) return this.#known(twin, packet, input.senders, now);
    if (!this.#syns.take(now)) return [];
    const key = { destination, offline };
    if (!bound && !verifyPacket(packet, key, now)) return [];
    const listening = this.#listening.has(input.toPort) || this.#listening.has(0);
    if (!listening || !this.#streams.admits(hash)) {
      return this.#stray.refuse(packet, routeBack(input, hash), now);
    }
    return this.#accept(packet, key, input, now);
  }

  #accept(syn: DecodedPacket, key: PeerKey, input: PacketInput, now: number): StreamOutput[] {
    const { hash: remote } = key.destination;
    const { receiveStreamId: streamId } = syn;
    const { toPort: localPort, fromPort: remotePort } = input;
    const peer = { key, streamId, maxPayload: payloadLimit(syn) };
    const connection = this.#open({ id: this.#newId(), remote, localPort, remotePort, peer }, now);
    return this.#run(connection, now, (it, out) => {
      // The SYN was checked by signature or session; early packets came from a session of the same Destination.
      it.receive(syn, true, now, out);
      for (const bytes of this.#early.take(remote, streamId, now)) {
        it.receive(decodePacket(bytes, key.destination), true, now, out);
      }
    });
  }

  #open(
    options: Pick<ConnectionOptions, 'id' | 'remote' | 'localPort' | 'remotePort' | 'peer' | 'target'>,
    now: number,
  ): Connection {
    const { remote } = options;
    const path = { seed: this.#paths.recall(remote, now), ensemble: this.#paths.ensemble(remote) };
    const shared = {
      signer: this.#signer,
      received: this.#shares.received,
      sent: this.#shares.sent,
      ...path,
      now,
    };
    const connection = new Connection({ ...options, ...shared });
    this.#streams.add(connection);
    return connection;
  }

  /** A ping names a stream ID of the sender's; a pong has none. */
  #echo(packet: DecodedPacket, input: PacketInput, now: number): StreamOutput[] {
    if (packet.sendStreamId === 0) {
      const { receiveStreamId: id, payload } = packet;
      const asked = this.#streams.get(id);
      if (asked !== undefined) {
        if (input.senders.includes(asked.remote)) asked.lifetime.heard(now);
        return [];
      }
      return [{ kind: 'pong', senders: input.senders, id, payload }];
    }
    const { from: destination, offline } = packet;
    if (!destination || !this.#syns.take(now)) return [];
    const bound = input.senders.includes(destination.hash);
    if (!bound && !verifyPacket(packet, { destination, offline }, now)) return [];
    return this.#stray.pong(packet, routeBack(input, destination.hash), now);
  }

  #unreachable(
    { remote, reason }: Extract<StreamInput, { kind: 'unreachable' }>,
    now: number,
  ): StreamOutput[] {
    return this.#streams
      .all()
      .filter((connection) => connection.remote === remote && !connection.open)
      .flatMap((connection) => this.#run(connection, now, (it, out) => it.abort(reason, now, out)));
  }

  #close(now: number): StreamOutput[] {
    this.#listening.clear();
    return this.#streams
      .all()
      .flatMap((connection) => this.#run(connection, now, (it, out) => it.abort('closed', now, out)));
  }

  #resume(remote: DestHash | undefined, certain: boolean, now: number): StreamOutput[] {
    return this.#streams
      .all()
      .filter((connection) => remote === undefined || connection.remote === remote)
      .flatMap((connection) => this.#run(connection, now, (it, out) => it.resume(certain, now, out)));
  }

  #tick(now: number): StreamOutput[] {
    const out: StreamOutput[] = [];
    for (const id of this.#agenda.due(now)) {
      const connection = this.#streams.get(id);
      if (!connection) continue;
      connection.tick(now, out);
      if (connection.open && !connection.dead && connection.lifetime.pingDue(now))
        out.push(this.#ping(connection));
      this.#settle(connection, now);
    }
    const at = this.#agenda.wake();
    if (at !== undefined) out.push({ kind: 'wake', at });
    return out;
  }

  /** Asks whether the peer is still there; its answer counts as a word of it. */
  #ping({ id, remote: to, localPort: fromPort, remotePort: toPort }: Connection): StreamOutput {
    return this.#stray.ping(id, new Uint8Array(0), { to, fromPort, toPort });
  }

  #on(id: StreamId, now: number, action: Action): StreamOutput[] {
    const connection = this.#streams.get(id);
    return connection ? this.#run(connection, now, action) : [];
  }

  #run(connection: Connection, now: number, action: Action): StreamOutput[] {
    const out: StreamOutput[] = [];
    action(connection, out);
    this.#settle(connection, now);
    const at = this.#agenda.wakeFor(connection.id);
    if (at !== undefined) out.push({ kind: 'wake', at });
    return out;
  }

  /** After every change: plan the next tick, or forget the stream. */
  #settle(connection: Connection, now: number): void {
    const { id, remote } = connection;
    if (!connection.dead) {
      this.#agenda.set(id, connection.wakeAt(now));
      return;
    }
    this.#agenda.delete(id);
    if (!this.#streams.remove(connection)) return;
    const { path } = connection;
    if (path) this.#paths.remember(remote, path, now);
    this.#stray.buried(connection, now);
  }

  #newId(): StreamId {
    for (;;) {
      const id = randomU32(this.#random);
      if (!this.#streams.get(id) && !this.#stray.remembers(id)) return id;
    }
  }
}

function routeBack(input: PacketInput, to: DestHash): Route {
  return { to, fromPort: input.toPort, toPort: input.fromPort };
}
