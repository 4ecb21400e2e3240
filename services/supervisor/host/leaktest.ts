import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { GatewayError } from '@allium/common/bytes/errors.ts';
import type { LeaktestResult } from '@allium/common/contracts/supervisor.ts';
import type { Notebook } from '../execute/ports.ts';
import { probes } from '../leaktest/frames.ts';
import { judge, parseSniffed } from '../leaktest/judge.ts';
import { verdictOf } from '../leaktest/verdict.ts';
import type { Facts } from '../observe/facts.ts';
import { GUEST } from '../observe/observe.ts';
import type { DockerEngine } from './docker.ts';

/** Seconds that the sniffer listens: Tor's padding alone shows within 10. */
const LISTEN_S = 14;
/** Seconds after which both containers end by themselves, whatever happens to us. */
const LIFE_S = 60;
/** ms until the sniffer certainly listens */
const HEAD_START_MS = 1_500;

export interface Surroundings {
  /** image with perl and `ip`: the fence's own */
  readonly image: string;
  readonly lan: string;
  readonly gateId: string;
  readonly fenceId: string;
  /** addresses: the gate's towards workstations and towards the uplink, the uplink's towards the gate */
  readonly gate: string;
  readonly gateUp: string;
  readonly own: string;
  readonly relays: ReadonlySet<string>;
}

export class LeaktestError extends GatewayError<{ code: 'busy' | 'not-open' | 'no-answer' }> {}

/** `facts`: of an open gateway. Throws `LeaktestError` where there is none. */
export function surroundingsOf(
  facts: Facts | undefined,
  notebook: Notebook,
  relays: ReadonlySet<string>,
): Surroundings {
  const { gate, fence } = facts?.containers ?? {};
  const { lan, up } = facts?.networks ?? {};
  const [gatePrint, fencePrint] = [notebook.blueprint('gate'), notebook.blueprint('fence')];
  const [own, gateUp] = [fencePrint, gatePrint].map((print) => print?.networks[up ?? '']?.ipv4);
  const address = gatePrint?.networks[lan ?? '']?.ipv4;
  if (!gate || !fence || !lan || !fencePrint || !own || !gateUp || !address) {
    const why = 'the gateway is not open, so nothing can leave: allium status';
    throw new LeaktestError({ code: 'not-open' }, why);
  }
  const ids = { gateId: gate.id, fenceId: fence.id, image: fencePrint.imageId };
  return { ...ids, lan, gate: address, gateUp, own, relays };
}

/**
 * A workstation of our own tries every way out while a sniffer watches what leaves the uplink. Both are containers that
 * only we can have made: the stranger alarm knows their ids and their label from `guests`.
 */
export class Leaktest {
  readonly guests = new Map<string, string>();
  readonly #engine: DockerEngine;
  #running = false;

  constructor(engine: DockerEngine) {
    this.#engine = engine;
  }

  /** Throws `LeaktestError`, and what the engine throws. */
  async run(around: Surroundings): Promise<LeaktestResult> {
    if (this.#running) throw new LeaktestError({ code: 'busy' }, 'a leak test is running already');
    this.#running = true;
    try {
      return await this.#run(around);
    } finally {
      // One that cannot be removed ends by itself; until then it stays known.
      for (const id of this.guests.keys()) {
        await this.#engine.remove(id).then(
          () => this.guests.delete(id),
          () => undefined,
        );
      }
      this.#running = false;
    }
  }

  async #run(around: Surroundings): Promise<LeaktestResult> {
    const { lan, fenceId, gateId, gate, image, own, gateUp, relays } = around;
    const sniffer = await this.#start(image, `container:${fenceId}`);
    const workstation = await this.#start(image, lan);
    const heard = this.#engine.run(sniffer, perl('sniff.pl', String(LISTEN_S)));
    // Whoever waits below is told; until then it is nobody's mistake.
    heard.catch(() => undefined);
    await sleep(HEAD_START_MS);
    const told = await this.#engine.run(workstation, perl('send.pl', gate));
    const [, from = '', to = ''] = /^site (\S+) (\S+?)\r?$/m.exec(told) ?? [];
    const address = await this.#engine.addressOf(workstation, lan);
    if (from === '' || address === undefined) {
      throw new LeaktestError({ code: 'no-answer' }, 'the gate does not answer a workstation');
    }
    const sent = probes({ from, to, workstation: address, gate, uplink: own });
    const before = await this.#arrived(gateId, gate);
    const said = await this.#engine.run(workstation, perl('send.pl', gate, ...sent.map(({ hex }) => hex)));
    const sniffed = parseSniffed(await heard);
    return verdictOf({
      probes: sent,
      sent: Number(/^sent (\d+)/m.exec(said)?.[1] ?? 0),
      arrived: (await this.#arrived(gateId, gate)) - before,
      complete: sniffed.complete,
      left: judge(sniffed, { own, gate: gateUp, relays }),
    });
  }

  /** Packets that came in from the workstations so far. */
  async #arrived(gateId: string, gate: string): Promise<number> {
    const device = `$(ip -o -4 address show to ${gate} | awk '{ print $2 }')`;
    const text = await this.#engine.run(gateId, [
      'sh',
      '-c',
      `cat /sys/class/net/${device}/statistics/rx_packets`,
    ]);
    return Number(text.trim());
  }

  async #start(image: string, network: string): Promise<string> {
    const label = randomUUID();
    const id = await this.#engine.makeGuest({
      Image: image,
      Entrypoint: ['sleep', String(LIFE_S)],
      // An image that compose built says that it is compose's; this container is not.
      Labels: { [GUEST]: label, 'com.docker.compose.project': '', 'com.docker.compose.service': '' },
      Healthcheck: { Test: ['NONE'] },
      HostConfig: {
        NetworkMode: network,
        AutoRemove: true,
        CapDrop: ['ALL'],
        CapAdd: ['NET_RAW'],
        SecurityOpt: ['no-new-privileges:true'],
        ReadonlyRootfs: true,
        Memory: 64 * 1024 * 1024,
        PidsLimit: 16,
        ...(network.startsWith('container:') ? {} : { Dns: ['127.0.0.1'] }),
      },
    });
    // Before it runs: the next look must know it.
    this.guests.set(id, label);
    await this.#engine.start(id);
    return id;
  }
}

function perl(script: string, ...args: string[]): string[] {
  const text = readFileSync(join(import.meta.dirname, '../leaktest', script), 'utf8');
  return ['perl', '-e', text, '--', ...args];
}
