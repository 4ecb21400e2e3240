import { DestinationCore } from '@allium/router/destination/destination-core.ts';
import type { DestinationInput, DestinationOutput } from '@allium/router/destination/types.ts';
import { Budget } from '@allium/router/node/budget.ts';
import { StreamManager } from '@allium/router/streaming/manager.ts';
import type { StreamId, StreamInput, StreamOutput } from '@allium/router/streaming/types.ts';
import type { DestinationKeys } from '@allium/router/wire/destination.ts';
import { type DestHash, type RouterHash, routerHash } from '@allium/router/wire/hash.ts';
import { identityOf, type Signer, signerOf } from '@allium/router/wire/identity.ts';
import type { Lease, LeaseSet2 } from '@allium/router/wire/lease-set2.ts';
import { recordedEntropy } from '../../support/entropy.ts';
import { keysOf } from '../streaming/stream-net.ts';
import { VirtualTime } from '../streaming/virtual-time.ts';

/** ms; how long a lookup takes in this network */
const LOOKUP_DELAY = 800;

export interface Seen {
  data: Uint8Array[];
  bytes: number;
  ended: boolean;
  over: 'closed' | 'reset' | 'refused' | undefined;
  reason: string | undefined;
}

/** A Destination with its streams: the wiring that `node` does for real. */
export class Host {
  readonly keys: DestinationKeys;
  readonly hash: DestHash;
  destination: DestinationCore;
  streams: StreamManager;
  readonly seen = new Map<StreamId, Seen>();
  readonly events: StreamOutput[] = [];
  readonly outputs: DestinationOutput[] = [];
  leases: Lease[] = [];
  onEvent: ((event: StreamOutput) => void) | undefined;
  consuming = true;
  readonly #net: DestinationNet;
  readonly #name: string;
  readonly #publish: boolean;
  /** grows with every restart: ticks of the former life are void */
  #life = 0;

  constructor(
    net: DestinationNet,
    name: string,
    options: { publish: boolean; keys?: DestinationKeys; signer?: Signer },
  ) {
    this.#net = net;
    this.#name = name;
    this.#publish = options.publish;
    this.keys = options.keys ?? keysOf(name);
    this.hash = this.keys.destination.hash;
    [this.destination, this.streams] = this.#cores(options.signer);
  }

  /** All state but the keys is lost. */
  restart(): void {
    this.#life++;
    [this.destination, this.streams] = this.#cores();
    this.give({ kind: 'leases', leases: this.leases });
  }

  give(input: DestinationInput): void {
    this.#route(this.destination.step(input, this.#net.time.now));
  }

  stream(input: StreamInput): void {
    this.handle(this.streams.step(input, this.#net.time.now));
  }

  connect(remote: DestHash, data: Uint8Array = new Uint8Array(0), toPort = 80): StreamId {
    const { stream, outputs } = this.streams.connect(
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

  count(kind: DestinationOutput['kind']): number {
    return this.outputs.filter((output) => output.kind === kind).length;
  }

  handle(outputs: readonly StreamOutput[]): void {
    for (const output of outputs) {
      switch (output.kind) {
        case 'packet':
          this.give({ kind: 'send', protocol: 6, ...pick(output), payload: output.bytes });
          break;
        case 'stalled':
          this.give({ kind: 'stalled', remote: output.remote });
          break;
        case 'wake':
          this.#later(output.at, () => this.stream({ kind: 'tick' }));
          break;
        default:
          this.#record(output);
      }
    }
  }

  #cores(signer?: Signer): [DestinationCore, StreamManager] {
    const random = recordedEntropy(`${this.#name}/${this.#life}`);
    const shares = new Budget().share();
    return [
      new DestinationCore({ identity: identityOf(this.keys), publish: this.#publish, random, shares }),
      new StreamManager({ signer: signer ?? signerOf(this.keys), random, shares }),
    ];
  }

  #later(at: number, run: () => void): void {
    const life = this.#life;
    this.#net.time.at(at, () => {
      if (life === this.#life) run();
    });
  }

  #route(outputs: readonly DestinationOutput[]): void {
    for (const output of outputs) {
      this.outputs.push(output);
      switch (output.kind) {
        case 'toTunnel':
          this.#net.carry(output);
          break;
        case 'lookup':
          this.#net.lookup(this, output.hash);
          break;
        case 'publish':
          this.#net.published.set(this.hash, output.leaseSet);
          break;
        case 'received': {
          const { senders, fromPort, toPort, payload: bytes } = output;
          this.stream({ kind: 'packet', senders, fromPort, toPort, bytes });
          break;
        }
        case 'unreachable':
          this.stream({
            kind: 'unreachable',
            remote: output.remote,
            reason: output.reason === 'noLeaseSet' ? 'unreachable' : 'unsupported',
          });
          break;
        case 'wake':
          this.#later(output.at, () => this.give({ kind: 'tick' }));
          break;
        default:
      }
    }
  }

  #record(output: StreamOutput): void {
    this.events.push(output);
    if (output.kind === 'data') {
      const { stream, bytes } = output;
      const seen = this.of(stream);
      seen.data.push(Uint8Array.from(bytes));
      seen.bytes += bytes.length;
      if (this.consuming) {
        this.#later(this.#net.time.now, () => this.stream({ kind: 'consumed', stream, bytes: bytes.length }));
      }
    }
    if (output.kind === 'end') this.of(output.stream).ended = true;
    if (output.kind === 'closed') this.of(output.stream).over = output.kind;
    if (output.kind === 'reset' || output.kind === 'refused') {
      Object.assign(this.of(output.stream), { over: output.kind, reason: output.reason });
    }
    this.onEvent?.(output);
  }
}

/** Hosts, tunnels that lose and delay, and a NetDB that knows what was published. */
export class DestinationNet {
  readonly time = new VirtualTime();
  readonly published = new Map<DestHash, LeaseSet2>();
  loss: number;
  delay: number;
  carried = 0;
  tamper: ((output: Extract<DestinationOutput, { kind: 'toTunnel' }>) => Uint8Array | undefined) | undefined;
  readonly #dice: () => number;
  readonly #tunnels = new Map<string, { readonly host: Host; readonly expires: number }>();
  #tunnelId = 100;

  constructor(options: { loss?: number; delay?: number } = {}, seed = 'destination net') {
    this.loss = options.loss ?? 0;
    this.delay = options.delay ?? 60;
    const random = recordedEntropy(seed);
    this.#dice = () => Buffer.from(random(4)).readUInt32BE(0) / 0x1_0000_0000;
  }

  host(name: string, options: { publish: boolean; keys?: DestinationKeys; signer?: Signer }): Host {
    const host = new Host(this, name, options);
    this.newTunnels(host, [600_000, 600_000]);
    return host;
  }

  /** Gives `host` new inbound tunnels with these lifetimes (ms), beside those it has. */
  newTunnels(host: Host, lifetimes: readonly number[]): Lease[] {
    const fresh = lifetimes.map((lifetime) => {
      const lease = {
        gateway: gateway(this.#tunnelId),
        tunnelId: this.#tunnelId++,
        expires: this.time.now + lifetime,
      };
      this.#tunnels.set(nameOf(lease), { host, expires: lease.expires });
      return lease;
    });
    host.leases = [...host.leases, ...fresh].filter((lease) => lease.expires > this.time.now);
    host.give({ kind: 'leases', leases: host.leases });
    return fresh;
  }

  /** The tunnel swallows everything from now on; its owner does not know. */
  breakTunnel(lease: Lease): void {
    this.#tunnels.delete(nameOf(lease));
  }

  carry(output: Extract<DestinationOutput, { kind: 'toTunnel' }>): void {
    this.carried++;
    if (this.#dice() < this.loss) return;
    const payload = this.tamper ? this.tamper(output) : output.message.payload;
    if (!payload) return;
    this.time.after(this.delay, () => {
      const tunnel = this.#tunnels.get(nameOf(output.lease));
      if (tunnel && tunnel.expires > this.time.now) {
        tunnel.host.give({ kind: 'message', message: { ...output.message, payload } });
      }
    });
  }

  lookup(host: Host, hash: DestHash): void {
    this.time.after(LOOKUP_DELAY, () => {
      const leaseSet = this.published.get(hash);
      host.give(leaseSet ? { kind: 'leaseSet', leaseSet } : { kind: 'lookupFailed', hash });
    });
  }
}

function gateway(seed: number): RouterHash {
  return routerHash(recordedEntropy(`gateway ${seed}`)(32));
}

function nameOf(lease: Lease): string {
  return `${lease.gateway}/${lease.tunnelId}`;
}

function pick(
  packet: Extract<StreamOutput, { kind: 'packet' }>,
): Pick<Extract<DestinationInput, { kind: 'send' }>, 'to' | 'fromPort' | 'toPort' | 'compress'> {
  const { to, fromPort, toPort, compress } = packet;
  return { to, fromPort, toPort, compress };
}
