import type { LinkId, NodeInput } from '@allium/router/node/node-io.ts';
import type { SimTime } from './sim-time.ts';

export type LinkInput = Extract<
  NodeInput,
  { kind: 'dialed' | 'dialFailed' | 'accepted' | 'bytes' | 'blocked' | 'drained' | 'closed' }
>;

/** Whoever has TCP connections: a router of ours, or somebody worse. */
export interface Machine {
  readonly name: string;
  /** IP literal under which it is dialled; undefined behind Tor */
  readonly host: string | undefined;
  alive: boolean;
  feed(input: LinkInput): void;
}

/** How the network behaves just now. */
export interface Conditions {
  /** ms; one-way delay of a link is this to twice this */
  latency: number;
  /** chance that a dial fails: by refusal, by silence, or by an end that hangs up */
  dialLoss: number;
  /** bytes per second of each direction of a link */
  bandwidth: number;
}

interface Connection {
  readonly near: End;
  readonly far: End;
  readonly delay: number;
  /** ms; bytes arrive no earlier */
  heldUntil: number;
}

interface End {
  readonly machine: Machine;
  readonly link: LinkId;
  readonly connection: () => Connection;
  /** ms; when the last byte sent so far arrives at the other end */
  arrives: number;
  /** bytes that have not arrived yet */
  underWay: number;
  blocked: boolean;
  open: boolean;
}

/** Bytes of a socket that are accepted before `blocked`, and below which it is `drained`. */
const HIGH_WATER = 64 * 1024;
const LOW_WATER = 16 * 1024;
/** ms until a router notices that its peer's machine is gone, at least. */
const DEAD_AFTER = 1_000;
/** ms until Tor gives up on a connection that nobody answers. */
const SOCKS_TIMEOUT = 15_000;

/** TCP of the simulated network, over Tor for those who have no host: ordered, lossless, delayed, breakable. */
export class SimLinks {
  readonly conditions: Conditions;
  readonly #time: SimTime;
  readonly #chance: () => number;
  readonly #machines: readonly Machine[];
  readonly #ends = new Map<string, End>();
  readonly #dialling = new Set<string>();
  readonly #torAway = new Set<Machine>();
  readonly #barred = new Set<string>();
  #accepted = 0x4000_0000;

  constructor(time: SimTime, chance: () => number, machines: readonly Machine[], conditions: Conditions) {
    this.#time = time;
    this.#chance = chance;
    this.#machines = machines;
    this.conditions = conditions;
  }

  dial(machine: Machine, link: LinkId, host: string): void {
    const key = keyOf(machine, link);
    const { dialLoss, latency } = this.conditions;
    this.#dialling.add(key);
    if (this.#torAway.has(machine)) return this.#failLater(machine, link, 'proxy', 1);
    const target = this.#machines.find((other) => other.host === host);
    const delay = latency * (1 + this.#chance());
    const fate = this.#chance() < dialLoss ? Math.floor(this.#chance() * 3) : undefined;
    if (fate === 0) return this.#failLater(machine, link, 'timeout', SOCKS_TIMEOUT);
    if (fate === 1) return this.#failLater(machine, link, 'refused', delay * 2);
    this.#time.after(delay * 2, () => {
      if (!this.#dialling.delete(key)) return;
      if (fate === 2) return this.#acceptedByNobody(machine, link, delay);
      if (!target?.alive || this.#barred.has(`${machine.name}/${target.name}`))
        return machine.feed({ kind: 'dialFailed', link, code: 'refused' });
      this.#connect(machine, link, target, delay);
    });
  }

  send(machine: Machine, link: LinkId, bytes: Uint8Array): void {
    const end = this.#ends.get(keyOf(machine, link));
    if (!end?.open) return;
    const connection = end.connection();
    const copy = Uint8Array.from(bytes);
    const sent = Math.max(end.arrives, this.#time.now + connection.delay, connection.heldUntil);
    end.arrives = sent + (copy.length * 1_000) / this.conditions.bandwidth;
    end.underWay += copy.length;
    this.#time.at(end.arrives, () => this.#arrive(end, copy));
    if (end.blocked || end.underWay < HIGH_WATER) return;
    end.blocked = true;
    machine.feed({ kind: 'blocked', link });
  }

  /** `machine` closes the link: what it sent before still arrives. */
  hangup(machine: Machine, link: LinkId): void {
    const key = keyOf(machine, link);
    if (this.#dialling.delete(key)) {
      this.#time.after(0, () => machine.feed({ kind: 'dialFailed', link, code: 'aborted' }));
      return;
    }
    const end = this.#ends.get(key);
    if (!end) return;
    this.#remove(end);
    const far = this.#other(end);
    this.#time.at(Math.max(end.arrives, this.#time.now + end.connection().delay), () => this.#closed(far));
  }

  /** The machine is gone; the others notice after a while, and so does its own node if `tell`. */
  cut(machine: Machine, tell = false): void {
    for (const key of this.#dialling) {
      if (!key.startsWith(`${machine.name}/`)) continue;
      this.#dialling.delete(key);
      const link = Number(key.slice(machine.name.length + 1));
      if (tell) this.#time.after(1, () => machine.feed({ kind: 'dialFailed', link, code: 'proxy' }));
    }
    for (const end of this.#endsOf(machine)) {
      this.#remove(end);
      const far = this.#other(end);
      if (tell) this.#time.after(1, () => machine.feed({ kind: 'closed', link: end.link }));
      this.#time.after(DEAD_AFTER * (1 + this.#chance()), () => this.#closed(far));
    }
  }

  /** Tor of this machine is away: every link is gone at once, every dial fails. */
  torAway(machine: Machine): void {
    this.#torAway.add(machine);
    this.cut(machine, true);
  }

  torBack(machine: Machine): void {
    this.#torAway.delete(machine);
  }

  /** Every link breaks with this chance; both ends notice. */
  breakSome(chance: number): void {
    for (const end of [...this.#ends.values()]) {
      if (end !== end.connection().near || this.#chance() >= chance) continue;
      for (const one of [end, end.connection().far]) {
        if (one.open) this.#time.after(this.#chance() * 500, () => this.#closed(one));
      }
    }
  }

  /** `other` hangs up on `machine`: all their links close, and both ends notice at once. */
  hangUp(machine: Machine, other: Machine): number {
    const ends = this.#endsOf(machine).filter((end) => this.#other(end).machine === other);
    for (const end of ends) for (const one of [end, this.#other(end)]) this.#closed(one);
    return ends.length;
  }

  /** From now on `machine` reaches nobody at this host, or does again. */
  bar(machine: Machine, other: Machine, barred: boolean): void {
    const key = `${machine.name}/${other.name}`;
    if (barred) this.#barred.add(key);
    else this.#barred.delete(key);
  }

  /** Links with this chance move nothing for `ms`. */
  stallSome(chance: number, ms: number): void {
    for (const end of this.#ends.values()) {
      const connection = end.connection();
      if (end !== connection.near || this.#chance() >= chance) continue;
      connection.heldUntil = this.#time.now + ms;
    }
  }

  /** What stands of this machine's links moves nothing for `ms`, and nobody is told. */
  stall(machine: Machine, ms: number): void {
    for (const end of this.#endsOf(machine)) end.connection().heldUntil = this.#time.now + ms;
  }

  /** Links of this machine that stand. */
  count(machine: Machine): number {
    return this.#endsOf(machine).length;
  }

  #endsOf(machine: Machine): End[] {
    return [...this.#ends.values()].filter((end) => end.machine === machine);
  }

  #connect(machine: Machine, link: LinkId, target: Machine, delay: number): void {
    const connection: Connection = {
      near: newEnd(machine, link, () => connection),
      far: newEnd(target, ++this.#accepted, () => connection),
      delay: Math.max(1, delay),
      heldUntil: 0,
    };
    for (const end of [connection.near, connection.far]) this.#ends.set(keyOf(end.machine, end.link), end);
    target.feed({ kind: 'accepted', link: connection.far.link });
    machine.feed({ kind: 'dialed', link });
  }

  /** What an exit's block list looks like: SOCKS says yes, the peer hangs up. */
  #acceptedByNobody(machine: Machine, link: LinkId, delay: number): void {
    machine.feed({ kind: 'dialed', link });
    this.#time.after(delay * 2, () => machine.feed({ kind: 'closed', link }));
  }

  #arrive(end: End, bytes: Uint8Array): void {
    const far = this.#other(end);
    end.underWay -= bytes.length;
    if (end.open && end.blocked && end.underWay <= LOW_WATER) {
      end.blocked = false;
      end.machine.feed({ kind: 'drained', link: end.link });
    }
    if (far.open) far.machine.feed({ kind: 'bytes', link: far.link, bytes });
  }

  #closed(end: End): void {
    if (!end.open) return;
    this.#remove(end);
    end.machine.feed({ kind: 'closed', link: end.link });
  }

  #remove(end: End): void {
    end.open = false;
    this.#ends.delete(keyOf(end.machine, end.link));
  }

  #other(end: End): End {
    const { near, far } = end.connection();
    return end === near ? far : near;
  }

  #failLater(machine: Machine, link: LinkId, code: 'proxy' | 'refused' | 'timeout', ms: number): void {
    this.#time.after(ms, () => {
      if (this.#dialling.delete(keyOf(machine, link))) machine.feed({ kind: 'dialFailed', link, code });
    });
  }
}

function newEnd(machine: Machine, link: LinkId, connection: () => Connection): End {
  return { machine, link, connection, arrives: 0, underWay: 0, blocked: false, open: true };
}

function keyOf(machine: Machine, link: LinkId): string {
  return `${machine.name}/${link}`;
}
