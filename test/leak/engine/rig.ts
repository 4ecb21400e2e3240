import type { ExecutionContext } from 'ava';
import { Agent } from '../../netns/support/lab.ts';
import { sh } from '../../netns/support/machine.ts';
import type { Aim, Probe } from '../probes/probe.ts';
import { probesOfWorkstation } from '../probes/table.ts';
import { type Allow, foreign } from '../support/allowed.ts';
import { Injector } from '../support/injector.ts';
import { FLOOD_PORT, type Frame, Sniffer } from '../support/sniffer.ts';
import { type Row, seenProbes, tell } from '../support/verdict.ts';
import {
  compose,
  gateMac,
  imagesOfAppliance,
  plugWorkstation,
  ready,
  useSecondEngine,
  WORKSTATION,
} from './appliance.ts';
import { GATE, GATE_UP, HostWatch, type Leak, UPLINK } from './host-watch.ts';
import { IN_WORKSTATION, SecondEngine } from './second-engine.ts';

/** Some address of the world; the namespace behind the host answers for it. */
export const WORLD = '1.2.3.4';
/** Addresses of the engine's host: its ends of lan, up and ext. */
export const HOST_ADDRESSES = ['10.152.128.1', '172.31.255.1', '172.28.0.1'];
/** An answer is back within less, ms. */
const SETTLE_MS = 400;
/** Tor on the private network has its first consensus after some 25 s. */
const BOOTSTRAP_SECONDS = 150;

/** Everything that the tests of this folder share: brought up once, in order, and taken down whole. */
export class Rig {
  readonly engine = new SecondEngine();
  /** what nobody allowed between the first container and `ready` */
  atStart: readonly Leak[] = [];
  readonly #agents: Agent[] = [];
  #watch: HostWatch | undefined;
  #lan: Sniffer | undefined;
  #injector: Injector | undefined;
  #workstation: Agent | undefined;

  async up(): Promise<void> {
    await this.engine.start();
    useSecondEngine();
    await this.engine.load(await imagesOfAppliance());
    this.#watch = new HostWatch();
    await this.#watch.ready();
    await compose('up', '--detach', '--no-build');
    await ready(BOOTSTRAP_SECONDS);
    this.atStart = await this.#watch.leaks();
    plugWorkstation();
    this.#injector = new Injector(IN_WORKSTATION, 'ws0');
    this.#workstation = this.agent(IN_WORKSTATION);
    const index = sh(...IN_WORKSTATION, 'cat', '/sys/class/net/ws0/ifindex').trim();
    this.#lan = new Sniffer(IN_WORKSTATION, Number(index));
    await this.#lan.ready();
  }

  agent(inNamespace: readonly string[]): Agent {
    const agent = new Agent(inNamespace);
    this.#agents.push(agent);
    return agent;
  }

  get watch(): HostWatch {
    return present(this.#watch);
  }

  get workstation(): Agent {
    return present(this.#workstation);
  }

  get injector(): Injector {
    return present(this.#injector);
  }

  /** What came to the workstation since the last call. */
  async lan(): Promise<readonly Frame[]> {
    return (await present(this.#lan).take()).filter(({ incoming }) => incoming);
  }

  aim(of: { readonly mac: string; readonly lan: string; readonly up: string }): Aim {
    const own = sh(...IN_WORKSTATION, 'cat', '/sys/class/net/ws0/address').trim();
    return {
      macs: { from: own, to: of.mac },
      own: WORKSTATION,
      gate: of.lan,
      gateUp: of.up,
      uplink: UPLINK,
      upBroadcast: '172.31.255.7',
      lanBroadcast: '10.152.191.255',
      world: WORLD,
      hosts: HOST_ADDRESSES,
    };
  }

  probes(): readonly Probe[] {
    return probesOfWorkstation(this.aim({ mac: gateMac(), lan: GATE, up: GATE_UP }));
  }

  async fire(probes: readonly Probe[]): Promise<void> {
    await this.injector.send(probes.flatMap(({ frames }) => frames));
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  }

  /** Fires every probe and fails for each frame that nobody allowed on the host's side, or to the workstation. */
  async judge(t: ExecutionContext, state: string, answers: Allow | undefined): Promise<Row> {
    const probes = this.probes();
    await this.watch.take();
    await this.lan();
    await this.fire(probes);
    const leaks = await this.watch.leaks();
    const lan = await this.lan();
    const wrong = answers === undefined ? [] : foreign(lan.filter(fromGate), answers);
    t.is(tellLeaks(leaks), '', `${state}: leaked`);
    t.is(tell(wrong), '', `${state}: told the workstation`);
    const seen = seenProbes(lan.filter(fromGate), probes).size;
    return { state, probes: probes.length, seen, leaked: leaks.length, answered: wrong.length };
  }

  /** Nothing that nobody allowed has been seen since the last look. */
  async quiet(t: ExecutionContext, what: string): Promise<number> {
    const leaks = await this.watch.leaks();
    t.is(tellLeaks(leaks), '', what);
    return leaks.length;
  }

  async flood(): Promise<void> {
    await this.workstation.tell({ do: 'flood', host: WORLD, port: FLOOD_PORT });
  }

  /** Datagrams that the flood sent. */
  async endFlood(): Promise<number> {
    return Number(await this.workstation.tell({ do: 'end-flood' }));
  }

  async down(): Promise<void> {
    for (const agent of this.#agents) agent.end();
    this.#injector?.end();
    this.#lan?.end();
    this.#watch?.end();
    await compose('down', '--volumes', '--timeout', '0').catch(() => undefined);
    await this.engine.stop();
  }
}

/** The host's bridge and other containers are on the lan too; only the gate is judged. */
function fromGate({ bytes }: Frame): boolean {
  return bytes.toString('hex', 6, 12) === gateMac().replaceAll(':', '');
}

export function tellLeaks(leaks: readonly Leak[]): string {
  return leaks
    .slice(0, 12)
    .map(({ side, frame }) => `${frame.count} × on ${side}: ${tell([frame])}`)
    .join('\n');
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the rig is not up');
  return value;
}
