import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { DestinationCore } from '@allium/router/destination/destination-core.ts';
import type { DestinationOutput } from '@allium/router/destination/types.ts';
import { messageOf } from '@allium/router/i2np/body.ts';
import { Budget } from '@allium/router/node/budget.ts';
import { StreamManager } from '@allium/router/streaming/manager.ts';
import type { StreamOutput } from '@allium/router/streaming/types.ts';
import { createDestinationKeys } from '@allium/router/wire/destination.ts';
import { routerHash } from '@allium/router/wire/hash.ts';
import { identityOf, signerOf } from '@allium/router/wire/identity.ts';
import { decodeLeaseSet2, type LeaseSet2 } from '@allium/router/wire/lease-set2.ts';
import test from 'ava';
import type { Answer, Parcel, Turn } from '../support/attacked-destinations.ts';
import { recordedEntropy } from '../support/entropy.ts';

const MIB = 1_048_576;
/** The image's, images/node/Dockerfile. */
const FLAGS = ['--max-semi-space-size=1', '--max-old-space-size=96'];
const [SERVERS, CLIENTS] = [3, 24];
/** Of each server: more than its share of tags has room for. */
const ATTACKERS = 720;
/** Sessions that each attacker keeps with his server, and bytes that he sends to it. */
const UPLOAD = new Uint8Array(48 * 1_024);
/** ms of virtual time between two turns; attackers who begin in each, which is what a server admits */
const STEP = 500;
const NEWCOMERS = 10;
/** Messages that arrive together: more would be memory of this test's making. */
const AT_ONCE = 32;

const HELD = ['tags', 'remotes', 'sent', 'received'] as const;

/** Visits a server, and never reads: he acknowledges nothing that comes after the stream is open. */
class Attacker {
  readonly server: number;
  readonly #core: DestinationCore;
  readonly #streams: StreamManager;
  readonly #out: Parcel[] = [];
  #opened = false;

  constructor(index: number, server: number, leaseSet: LeaseSet2, now: number) {
    this.server = server;
    const random = recordedEntropy(`attacker ${index}`);
    const keys = createDestinationKeys(random);
    const shares = new Budget().share();
    this.#core = new DestinationCore({ identity: identityOf(keys), publish: false, random, shares });
    this.#streams = new StreamManager({ signer: signerOf(keys), random, shares });
    const lease = { gateway: routerHash(Buffer.alloc(32, 7)), tunnelId: index, expires: now + 43_200_000 };
    this.#onCore(this.#core.step({ kind: 'leases', leases: [lease] }, now), now);
    this.#onCore(this.#core.step({ kind: 'leaseSet', leaseSet }, now), now);
    const { outputs, stream } = this.#streams.connect(
      leaseSet.hash,
      { fromPort: 0, toPort: 80 },
      UPLOAD,
      now,
    );
    this.#onStreams(outputs, now);
    this.#onStreams(this.#streams.step({ kind: 'write', stream, bytes: UPLOAD }, now), now);
  }

  take(): Parcel[] {
    return this.#out.splice(0);
  }

  receive(data: Uint8Array, now: number): void {
    if (this.#opened) return;
    const message = messageOf({ kind: 'garlic', data }, 1, now + 30_000);
    this.#onCore(this.#core.step({ kind: 'message', message }, now), now);
  }

  tick(now: number): void {
    this.#onCore(this.#core.step({ kind: 'tick' }, now), now);
    this.#onStreams(this.#streams.step({ kind: 'tick' }, now), now);
  }

  #onCore(outputs: readonly DestinationOutput[], now: number): void {
    for (const output of outputs) {
      if (output.kind === 'toTunnel') {
        this.#out.push({ to: this.server, bytes: output.message.payload.subarray(4) });
      } else if (output.kind === 'received') {
        const { senders, fromPort, toPort, payload: bytes } = output;
        this.#onStreams(this.#streams.step({ kind: 'packet', senders, fromPort, toPort, bytes }, now), now);
      }
    }
  }

  #onStreams(outputs: readonly StreamOutput[], now: number): void {
    for (const output of outputs) {
      if (output.kind === 'opened') this.#opened = true;
      if (output.kind !== 'packet') continue;
      const { to, fromPort, toPort, bytes: payload } = output;
      this.#onCore(this.#core.step({ kind: 'send', to, protocol: 6, fromPort, toPort, payload }, now), now);
    }
  }
}

async function ask(child: ChildProcess, turn: Turn | { servers: number; clients: number; now: number }) {
  const answer = once(child, 'message');
  child.send(turn);
  return (await answer)[0] as Answer;
}

test('three attacked servers and 24 clients stay within the memory of the image', async (t) => {
  const child = fork(new URL('../support/attacked-destinations.ts', import.meta.url), {
    execArgv: [...FLAGS, '--expose-gc'],
    env: { ...process.env, MALLOC_ARENA_MAX: '1' },
    serialization: 'advanced',
  });
  t.teardown(() => child.kill());
  let now = Date.UTC(2026, 5, 1);
  let answer = await ask(child, { servers: SERVERS, clients: CLIENTS, now });
  const quiet = answer.peak;
  const leaseSets = new Map(
    answer.published.map(({ server, leaseSet }) => [server, decodeLeaseSet2(leaseSet)]),
  );
  t.is(leaseSets.size, SERVERS);
  const attackers = new Map<number, Attacker>();
  const most = { tags: 0, remotes: 0, sent: 0, received: 0 };
  while (attackers.size < SERVERS * ATTACKERS) {
    now += STEP;
    for (let i = 0; i < NEWCOMERS * SERVERS; i++) {
      const [index, server] = [1_000 + attackers.size, 1 + (i % SERVERS)];
      const leaseSet = leaseSets.get(server);
      if (leaseSet) attackers.set(index, new Attacker(index, server, leaseSet, now));
    }
    for (const { to, bytes } of answer.parcels) attackers.get(to)?.receive(bytes, now);
    const young = [...attackers.values()].slice(-20 * NEWCOMERS);
    for (const attacker of young) attacker.tick(now);
    const parcels = young.flatMap((attacker) => attacker.take());
    const back: Parcel[] = [];
    for (let at = 0; at < parcels.length; at += AT_ONCE) {
      answer = await ask(child, { now, parcels: parcels.slice(at, at + AT_ONCE) });
      back.push(...answer.parcels);
    }
    answer = { ...answer, parcels: back };
    for (const what of HELD) most[what] = Math.max(most[what], answer.held[what] ?? 0);
  }
  // what is resident besides is what V8 had no hurry to collect: that depends on how fast the machine is
  const { inUse } = await ask(child, { now, parcels: [], measure: true });
  t.log(
    `${Math.round(inUse / MIB)} MiB in use; quiet ${Math.round(quiet / MIB)} MiB, attacked ${Math.round(answer.peak / MIB)} MiB`,
    most,
  );
  t.true(most.tags > 20_000 && most.remotes > 1_000, JSON.stringify(most));
  t.true(most.sent > 10 * MIB && most.received > 4 * MIB, JSON.stringify(most));
  t.true(inUse < 112 * MIB, `${Math.round(inUse / MIB)} MiB`);
});
