import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { container, hardwareOf } from '../../compose/live/appliance.ts';
import { ENV, sh } from '../../netns/support/machine.ts';
import { type Packet, read } from '../packets/read.ts';
import { type Allow, isAnnouncement, nothing, towardsUplink } from '../support/allowed.ts';
import { FLOOD_PORT, type Frame, Sniffer } from '../support/sniffer.ts';
import { HOST, IN_HOST } from './second-engine.ts';

/** The monitor of links is behind the sniffer by less, ms. */
const BEHIND_MS = 150;

export const GATE = '10.152.152.10';
export const GATE_UP = '172.31.255.2';
export const UPLINK = '172.31.255.3';
const UPLINK_PORT = 3128;
/** Bridge of a network that a test attaches to the gate, and the host's own address there. */
export const FOREIGN = 'foreign0';
export const FOREIGN_GATEWAY = '172.29.0.1';
/** The gate's own address there: the first that Docker gives away. */
const FOREIGN_OWN = '172.29.0.2';
/** Of test/compose/overlay.test-network.yaml. */
const WORLD_ROLES = ['authority-1', 'authority-2', 'authority-3', 'exit-1', 'exit-2', 'page'];
const RELAY = /^172\.28\.[1-5]\.10$/;
const ON_EXT = /^172\.28\.\d+\.\d+$/;
const RELAY_PORTS = new Set([9001, 9030]);

export interface Leak {
  /** bridge, or the interface itself */
  readonly side: string;
  readonly frame: Frame;
}

/**
 * Sees every frame on every interface of the host, bridges and both ends of what is plugged into them, from before it
 * is plugged. An interface that nobody knows is one on which nothing may pass.
 */
export class HostWatch {
  readonly #sniffer = new Sniffer(IN_HOST, 0);
  readonly #links: ChildProcess;
  readonly #sides = new Map<number, string>();
  /** Hardware addresses of relays and page, old ones too: an engine from 28 on makes a new one at each start. */
  readonly #relays = new Set<string>();
  #delivered = 0;

  constructor() {
    const args = ['-n', HOST, '-o', 'monitor', 'link'];
    this.#links = spawn('ip', args, { env: ENV, stdio: ['ignore', 'pipe', 'inherit'] });
    if (this.#links.stdout === null) throw new Error('no links');
    createInterface({ input: this.#links.stdout }).on('line', (line) => this.#link(line));
    for (const line of sh('ip', '-n', HOST, '-o', 'link').split('\n')) this.#link(line);
  }

  async ready(): Promise<void> {
    await this.#sniffer.ready();
  }

  /** All frames since the last call, by side. */
  async take(): Promise<readonly Leak[]> {
    const frames = await this.#sniffer.take();
    await sleep(BEHIND_MS);
    return frames.map((frame) => ({ side: this.#sides.get(frame.device) ?? 'unknown', frame }));
  }

  /** Of those, the ones that nobody allowed. The lan itself is the workstation's own business. */
  async leaks(): Promise<readonly Leak[]> {
    const all = await this.take();
    await this.#knowRelays();
    this.#delivered = all.reduce((sum, seen) => sum + (isDelivered(seen) ? seen.frame.count : 0), 0);
    return all.filter(({ side, frame }) => {
      if (side === 'allium-lan') return false;
      if (side === 'allium-ext' && this.#relays.has(frame.bytes.toString('hex', 6, 12))) return false;
      if (side === FOREIGN && isAnnouncement(frame, FOREIGN_OWN)) return false;
      const packet = read(frame.bytes);
      return packet === undefined || !allowedOn(side)(packet);
    });
  }

  /** Packets of a flood that the bridge handed to the gate, in the frames of the last look. */
  get delivered(): number {
    return this.#delivered;
  }

  end(): void {
    this.#links.kill('SIGKILL');
    this.#sniffer.end();
  }

  async #knowRelays(): Promise<void> {
    const found = await Promise.all(WORLD_ROLES.map((role) => hardwareOf(container(role), 'allium_ext')));
    for (const mac of found) if (mac !== undefined) this.#relays.add(mac.replaceAll(':', ''));
  }

  /** `12: vethab@if11: <…> … master allium-ext …`; a link that was once on a bridge counts as the bridge's. */
  #link(line: string): void {
    const [, index, name = ''] = /^(\d+): ([^:@]+)/.exec(line) ?? [];
    if (index === undefined) return;
    const master = / master (\S+)/.exec(line)?.[1];
    const known = this.#sides.get(Number(index));
    if (master !== undefined || known === undefined) this.#sides.set(Number(index), master ?? name);
  }
}

function isDelivered({ side, frame }: Leak): boolean {
  if (side !== 'allium-lan' || frame.incoming) return false;
  const packet = read(frame.bytes);
  return packet?.kind === 'ipv4' && packet.protocol === 17 && packet.dstPort === FLOOD_PORT;
}

const OUT = towardsUplink({ gateUp: GATE_UP, uplink: UPLINK, port: UPLINK_PORT });

function allowedOn(side: string): Allow {
  if (side === 'allium-up') return (packet) => OUT(packet) || backFromUplink(packet);
  if (side === 'allium-ext') return towardsRelays;
  if (side === FOREIGN) return (packet) => packet.kind === 'ipv4' && packet.src === FOREIGN_GATEWAY;
  return nothing;
}

function backFromUplink(packet: Packet): boolean {
  if (packet.kind === 'arp') return packet.sender === UPLINK && packet.target === GATE_UP;
  return (
    packet.kind === 'ipv4' &&
    packet.src === UPLINK &&
    packet.dst === GATE_UP &&
    packet.protocol === 6 &&
    packet.srcPort === UPLINK_PORT
  );
}

/** From whatever address the uplink has there. The page is for exits, not for us. */
function towardsRelays(packet: Packet): boolean {
  if (packet.kind === 'arp') {
    return ON_EXT.test(packet.sender) && ON_EXT.test(packet.target) && packet.sender !== packet.target;
  }
  if (packet.kind !== 'ipv4' || packet.protocol !== 6 || packet.fragment || packet.options) return false;
  return ON_EXT.test(packet.src) && RELAY.test(packet.dst) && RELAY_PORTS.has(packet.dstPort);
}
