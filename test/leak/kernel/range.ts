import type { ExecutionContext } from 'ava';
import { GATE_UP, type Lab, pause, UPLINK, UPLINK_PORT, WORKSTATION } from '../../netns/support/lab.ts';
import { sh } from '../../netns/support/machine.ts';
import { probesFromOutside } from '../probes/from-outside.ts';
import type { Probe } from '../probes/probe.ts';
import { probesOfWorkstation } from '../probes/table.ts';
import { type Allow, foreign, nothing, towardsUplink } from '../support/allowed.ts';
import { type Frame, Sniffer } from '../support/sniffer.ts';
import { type Row, seenProbes, tell } from '../support/verdict.ts';
import { aimOf } from './aim.ts';

/** An answer of the gate is back within less, ms: everything is on one machine. */
const SETTLE_MS = 250;

const ALLOWED_OUT = towardsUplink({ gateUp: GATE_UP, uplink: UPLINK, port: UPLINK_PORT });

export interface Shot {
  readonly out: readonly Frame[];
  readonly lan: readonly Frame[];
}

/** A lab with a sniffer on each side of its gate, and all probes aimed at it. */
export class Range {
  readonly lab: Lab;
  readonly probes: readonly Probe[];
  readonly fromOutside: readonly Probe[];
  readonly #out: Sniffer;
  readonly #lan: Sniffer;

  constructor(lab: Lab) {
    this.lab = lab;
    const aim = aimOf(lab);
    const outside = { from: lab.mac(lab.outside, 'out0'), to: lab.mac(lab.gate, 'up0') };
    this.probes = probesOfWorkstation(aim);
    this.fromOutside = probesFromOutside({ ...aim, macs: outside, own: UPLINK }, WORKSTATION);
    this.#out = sniffer(lab.outside, 'out0');
    this.#lan = sniffer(lab.ws, 'ws0');
  }

  async ready(): Promise<void> {
    await Promise.all([this.#out.ready(), this.#lan.ready()]);
  }

  /** Every probe of the workstation; then what the gate sent to either side. */
  async fire(): Promise<Shot> {
    return await this.#fire(this.lab.ws, 'ws0', 'lan0', this.probes);
  }

  async fireFromOutside(): Promise<Shot> {
    return await this.#fire(this.lab.outside, 'out0', 'up0', this.fromOutside);
  }

  /** Every frame that the gate sent to the uplink's side since the last time. */
  async out(): Promise<readonly Frame[]> {
    return (await this.#out.take()).filter(({ incoming }) => incoming);
  }

  /** Every frame that came to the workstation since the last time. */
  async lan(): Promise<readonly Frame[]> {
    return (await this.#lan.take()).filter(({ incoming }) => incoming);
  }

  /** Fires from both sides, and fails for each frame that the state does not allow. */
  async judge(t: ExecutionContext, state: string, answers: Allow = nothing): Promise<Row> {
    const ours = await this.fire();
    const theirs = await this.fireFromOutside();
    const leaked = foreign([...ours.out, ...theirs.out], ALLOWED_OUT);
    const answered = [...foreign(ours.lan, answers), ...foreign(theirs.lan, nothing)];
    t.deepEqual(tell(leaked), '', `${state}: leaked`);
    t.deepEqual(tell(answered), '', `${state}: told the workstation`);
    const seen = seenProbes([...ours.lan, ...leaked], this.probes).size;
    const probes = this.probes.length + this.fromOutside.length;
    return { state, probes, seen, leaked: leaked.length, answered: answered.length };
  }

  remove(): void {
    this.#out.end();
    this.#lan.end();
    this.lab.remove();
  }

  async #fire(namespace: string, device: string, arrives: string, probes: readonly Probe[]): Promise<Shot> {
    await this.#take();
    const frames = probes.flatMap((probe) => probe.frames);
    const before = this.#received(arrives);
    await this.lab.inject(namespace, device, frames);
    await pause(SETTLE_MS);
    const arrived = this.#received(arrives) - before;
    if (arrived < frames.length)
      throw new Error(`blind: ${arrived} of ${frames.length} frames reached the gate`);
    return await this.#take();
  }

  async #take(): Promise<Shot> {
    const lan = await this.lan();
    return { out: await this.out(), lan };
  }

  #received(device: string): number {
    const file = `/sys/class/net/${device}/statistics/rx_packets`;
    return Number(sh('ip', 'netns', 'exec', this.lab.gate, 'cat', file));
  }
}

function sniffer(namespace: string, device: string): Sniffer {
  const index = sh('ip', 'netns', 'exec', namespace, 'cat', `/sys/class/net/${device}/ifindex`).trim();
  return new Sniffer(['ip', 'netns', 'exec', namespace], Number(index));
}
