import test from 'ava';
import fc from 'fast-check';
import { MAX_OUTSTANDING } from '../../../services/router/garlic/limits.ts';
import { numbers, type Party, party, START, send } from './pair.ts';

/** One message of one side, and what the network does to it. Delays are milliseconds. */
interface Step {
  readonly left: boolean;
  readonly pause: number;
  /** arrival times after sending; none is a loss, two are a duplicate */
  readonly delays: readonly number[];
}

const step: fc.Arbitrary<Step> = fc.record({
  left: fc.boolean(),
  pause: fc.oneof({ weight: 8, arbitrary: fc.nat(400) }, { weight: 1, arbitrary: fc.nat(150_000) }),
  delays: fc.oneof(
    { weight: 2, arbitrary: fc.constant([]) },
    { weight: 6, arbitrary: fc.tuple(fc.nat(300)) },
    { weight: 3, arbitrary: fc.tuple(fc.nat(20_000)) },
    { weight: 2, arbitrary: fc.tuple(fc.nat(300), fc.nat(5_000)) },
  ),
});

interface Packet {
  readonly at: number;
  readonly to: Party;
  readonly bytes: Uint8Array;
}

/** Two cores and a network under virtual time; notes what arrives. */
class Network {
  readonly left: Party;
  readonly right: Party;
  readonly arrived: number[] = [];
  readonly codes: string[] = [];
  now = START;
  #flying: Packet[] = [];

  constructor(seed: string) {
    this.left = party(`${seed}/left`);
    this.right = party(`${seed}/right`);
  }

  send(id: number, { left, delays }: Step): void {
    const [from, to] = left ? [this.left, this.right] : [this.right, this.left];
    const bytes = send(from, to, [id], this.now);
    for (const delay of delays) this.#flying.push({ at: this.now + delay, to, bytes });
  }

  /** Lets time pass: packets arrive and wakes are heard, in order. Answers of the cores take 100 ms. */
  run(until: number): void {
    for (;;) {
      this.#flying.sort((a, b) => a.at - b.at);
      const packet = this.#flying[0];
      const wake = Math.min(
        ...[this.left, this.right].map(({ core }) => core.nextWake() ?? Number.POSITIVE_INFINITY),
      );
      if (Math.min(packet?.at ?? Number.POSITIVE_INFINITY, wake) > until) break;
      if (packet && packet.at <= wake) this.#arrive(packet);
      else this.#tick(wake);
    }
    this.now = Math.max(this.now, until);
  }

  #arrive(packet: Packet): void {
    this.#flying.shift();
    this.now = Math.max(this.now, packet.at);
    const result = packet.to.core.decrypt(packet.bytes, this.now);
    if (result.kind === 'refused') this.codes.push(result.code);
    this.arrived.push(...numbers(result));
  }

  #tick(wake: number): void {
    this.now = Math.max(this.now, wake);
    for (const [from, to] of [
      [this.left, this.right],
      [this.right, this.left],
    ] as const) {
      for (const { payload } of from.core.tick(this.now)) {
        this.#flying.push({ at: this.now + 100, to, bytes: payload });
      }
    }
  }
}

function play(steps: readonly Step[], seed: string): { network: Network; sent: number; due: number[] } {
  const network = new Network(seed);
  const due: number[] = [];
  steps.forEach((one, id) => {
    network.run(network.now + one.pause);
    network.send(id, one);
    if (one.delays.length > 0) due.push(id);
  });
  network.run(network.now + 30_000);
  return { network, sent: steps.length, due };
}

test('whatever the network does, what arrives was sent, and arrives once', (t) => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 5, maxLength: 30 }), (steps) => {
      const { network, sent } = play(steps, 'lossy');
      if (new Set(network.arrived).size !== network.arrived.length) return false;
      if (network.arrived.some((id) => id < 0 || id >= sent)) return false;
      // Lost messages may cost a session: then it takes the restart's silence, and both sides are heard again.
      network.run(network.now + 130_000);
      for (const left of [true, false, true, false]) {
        network.send(left ? 1_000 : 2_000, { left, pause: 0, delays: [100] });
        network.run(network.now + 1_500);
      }
      return network.arrived.includes(1_000) && network.arrived.includes(2_000);
    }),
    { numRuns: 25 },
  );
  t.pass();
});

test('without loss, duplication and reordering alone lose nothing', (t) => {
  const mild = fc.record({
    left: fc.boolean(),
    pause: fc.nat(400),
    delays: fc.oneof(fc.tuple(fc.nat(2_000)), fc.tuple(fc.nat(300), fc.nat(2_000))),
  });
  fc.assert(
    fc.property(fc.array(mild, { minLength: 10, maxLength: 30 }), (steps) => {
      // More New Sessions than this in one round trip are not kept.
      fc.pre(
        [true, false].every((left) => steps.filter((one) => one.left === left).length <= MAX_OUTSTANDING),
      );
      const { network, due } = play(steps, 'mild');
      return due.every((id) => network.arrived.includes(id)) && new Set(network.arrived).size === due.length;
    }),
    { numRuns: 20 },
  );
  t.pass();
});

test('the same inputs, entropy and times give the same bytes', (t) => {
  const record = (): string[] => {
    const network = new Network('same');
    const bytes: string[] = [];
    const [left, right] = [network.left, network.right];
    for (let id = 0; id < 20; id++) {
      const now = START + id * 700;
      const [from, to] = id % 3 === 0 ? [right, left] : [left, right];
      const message = send(from, to, [id], now);
      bytes.push(Buffer.from(message).toString('hex'));
      to.core.decrypt(message, now);
      for (const core of [left.core, right.core]) {
        for (const { payload } of core.tick(now)) bytes.push(Buffer.from(payload).toString('hex'));
      }
    }
    return bytes;
  };
  t.deepEqual(record(), record());
});
