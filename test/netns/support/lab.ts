import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { Nft } from 'nftables-ts/nft.ts';
import type { Gate } from '../../../services/policy/model/plan.ts';
import { Injector } from '../../leak/support/injector.ts';
import type { Command } from './agent.ts';
import { ENV, sh } from './machine.ts';

export const WORKSTATION = '10.152.152.11';
export const GATE = '10.152.152.10';
export const GATE_UP = '172.31.99.2';
export const UPLINK = '172.31.99.3';
export const UPLINK_PORT = 3128;
/** An address of the world outside; the lab's uplink answers for all of them. */
export const WORLD = '1.2.3.4';
export const TOR_UID = 9001;
export const OTHER_UID = 9002;

export const LAB_GATE: Gate = {
  lan: { device: 'lan0', address: GATE, subnet: { addr: '10.152.128.0', len: 18 } },
  up: { device: 'up0', address: GATE_UP, subnet: { addr: '172.31.99.0', len: 29 } },
  uplink: { address: UPLINK, port: UPLINK_PORT },
  torUid: TOR_UID,
};

/** The table that counts at the outside: what Tor may send, and everything else. */
const ORACLE = `
table netdev oracle {
  counter tor { }
  counter unexpected { }
  chain watch {
    type filter hook ingress device "out0" priority -500; policy accept;
    arp saddr ip ${GATE_UP} arp daddr ip ${UPLINK} accept
    ip saddr ${GATE_UP} ip daddr ${UPLINK} tcp dport ${UPLINK_PORT} counter name "tor" accept
    counter name "unexpected"
  }
}`;

/**
 * Three namespaces of this test's own: a workstation, the gate (lan0, up0), and the outside, which has every address
 * there is and counts each frame that comes in. Nothing leaves them.
 */
export class Lab {
  readonly ws: string;
  readonly gate: string;
  readonly outside: string;
  readonly nft: Nft;
  readonly #agents: Agent[] = [];
  readonly #injectors = new Map<string, Injector>();

  constructor() {
    const id = randomBytes(3).toString('hex');
    this.ws = `allium-${id}-ws`;
    this.gate = `allium-${id}-gate`;
    this.outside = `allium-${id}-out`;
    this.nft = new Nft({ command: ['ip', 'netns', 'exec', this.gate, 'nft'] });
    for (const name of [this.ws, this.gate, this.outside]) {
      sh('ip', 'netns', 'add', name);
      sh('ip', '-n', name, 'link', 'set', 'lo', 'up');
    }
    // As the appliance has it: no IPv6 before there is a link.
    this.sysctl(this.gate, 'net/ipv6/conf/default/disable_ipv6', '1');
    this.sysctl(this.gate, 'net/ipv4/ip_forward', '0');
    sh('ip', '-n', this.ws, 'link', 'add', 'ws0', 'type', 'veth', 'peer', 'name', 'lan0', 'netns', this.gate);
    sh(
      'ip',
      '-n',
      this.outside,
      'link',
      'add',
      'out0',
      'type',
      'veth',
      'peer',
      'name',
      'up0',
      'netns',
      this.gate,
    );
    this.#link(this.ws, 'ws0', `${WORKSTATION}/18`);
    this.#link(this.gate, 'lan0', `${GATE}/18`);
    this.#link(this.gate, 'up0', `${GATE_UP}/29`);
    this.#link(this.outside, 'out0', `${UPLINK}/29`);
    sh('ip', '-n', this.ws, 'route', 'add', 'default', 'via', GATE);
    sh('ip', '-n', this.outside, 'route', 'add', 'local', '0.0.0.0/0', 'dev', 'lo');
    sh('ip', '-n', this.outside, 'route', 'add', '10.152.128.0/18', 'via', GATE_UP);
    sh('ip', 'netns', 'exec', this.outside, 'nft', ORACLE);
  }

  /** Takes the structure away: a default route and forwarding, as in a stock two-homed container. */
  twoHomed(): void {
    sh('ip', '-n', this.gate, 'route', 'replace', 'default', 'via', UPLINK);
    this.sysctl(this.gate, 'net/ipv4/ip_forward', '1');
  }

  /** Hardware addresses as known for good, so that no test waits for ARP to be asked again after a sealed state. */
  knowNeighbours(): void {
    const known = (namespace: string, device: string, address: string, mac: string): void => {
      sh(
        'ip',
        '-n',
        namespace,
        'neigh',
        'replace',
        address,
        'lladdr',
        mac,
        'nud',
        'permanent',
        'dev',
        device,
      );
    };
    known(this.ws, 'ws0', GATE, this.mac(this.gate, 'lan0'));
    known(this.gate, 'lan0', WORKSTATION, this.mac(this.ws, 'ws0'));
    known(this.gate, 'up0', UPLINK, this.mac(this.outside, 'out0'));
    known(this.outside, 'out0', GATE_UP, this.mac(this.gate, 'up0'));
  }

  /** Frames that came out and were not Tor's, since the last `forget`. */
  unexpected(): number {
    return this.#oracle('unexpected');
  }

  fromTor(): number {
    return this.#oracle('tor');
  }

  forget(): void {
    sh('ip', 'netns', 'exec', this.outside, 'nft', 'reset', 'counters', 'table', 'netdev', 'oracle');
  }

  sysctl(namespace: string, key: string, value: string): void {
    sh('ip', 'netns', 'exec', namespace, 'sh', '-c', `echo ${value} > /proc/sys/${key}`);
  }

  mac(namespace: string, device: string): string {
    return sh('ip', 'netns', 'exec', namespace, 'cat', `/sys/class/net/${device}/address`).trim();
  }

  async agent(namespace: string, uid?: number): Promise<Agent> {
    const agent = new Agent(['ip', 'netns', 'exec', namespace]);
    this.#agents.push(agent);
    if (uid !== undefined) await agent.tell({ do: 'become', uid });
    return agent;
  }

  /** Frames as hex, sent as they are from a device of a namespace; needs perl. Resolves when all are on the wire. */
  async inject(namespace: string, device: string, frames: readonly string[]): Promise<void> {
    const key = `${namespace} ${device}`;
    let injector = this.#injectors.get(key);
    if (injector === undefined) {
      injector = new Injector(['ip', 'netns', 'exec', namespace], device);
      this.#injectors.set(key, injector);
    }
    await injector.send(frames);
  }

  remove(): void {
    for (const agent of this.#agents) agent.end();
    for (const injector of this.#injectors.values()) injector.end();
    for (const name of [this.ws, this.gate, this.outside]) {
      // Whatever a test left behind in our own namespace, such as the monitor of a process that was killed.
      for (const pid of sh('ip', 'netns', 'pids', name).split('\n').filter(Boolean)) endProcess(Number(pid));
      sh('ip', 'netns', 'del', name);
    }
  }

  #link(namespace: string, device: string, address: string): void {
    sh('ip', '-n', namespace, 'addr', 'add', address, 'dev', device);
    sh('ip', '-n', namespace, 'link', 'set', device, 'up');
  }

  #oracle(name: string): number {
    const text = sh('ip', 'netns', 'exec', this.outside, 'nft', 'list', 'counter', 'netdev', 'oracle', name);
    const packets = /packets (\d+)/.exec(text)?.[1];
    if (packets === undefined) throw new Error('the oracle is gone');
    return Number(packets);
  }
}

/** A process in a namespace that opens sockets as it is told. */
export class Agent {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<
    number,
    { resolve: (value: unknown) => void; reject: (error: Error) => void }
  >();
  #id = 0;

  /** The command enters the namespace: `ip netns exec NAME`, `nsenter …`. */
  constructor(inNamespace: readonly string[]) {
    const file = join(import.meta.dirname, 'agent.ts');
    const [program = '', ...args] = [...inNamespace, process.execPath, file];
    this.#child = spawn(program, args, { env: ENV, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.#child.on('message', (message: { id: number; result?: unknown; error?: string }) => {
      const waiting = this.#waiting.get(message.id);
      this.#waiting.delete(message.id);
      if (message.error === undefined) waiting?.resolve(message.result);
      else waiting?.reject(new Error(message.error));
    });
  }

  tell(command: Command): Promise<unknown> {
    const id = ++this.#id;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#waiting.set(id, { resolve, reject });
    this.#child.send({ id, command });
    return promise;
  }

  connect(host: string, port: number, ms = 400): Promise<unknown> {
    return this.tell({ do: 'connect', host, port, ms });
  }

  ask(host: string, port: number, ms = 400): Promise<unknown> {
    return this.tell({ do: 'ask', host, port, ms });
  }

  end(): void {
    this.#child.kill('SIGKILL');
  }
}

function endProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself meanwhile.
  }
}

export function pause(ms: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  setTimeout(resolve, ms);
  return promise;
}
