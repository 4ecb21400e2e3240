import { randomBytes } from 'node:crypto';
import { DestinationCore } from '@allium/router/destination/destination-core.ts';
import { type DestinationOutput, I2CP_PROTOCOL } from '@allium/router/destination/types.ts';
import { decodeLong, encodeLong, type I2npMessage } from '@allium/router/i2np/message.ts';
import { Budget } from '@allium/router/node/budget.ts';
import type { Ntcp2Session } from '@allium/router/ntcp2/session.ts';
import { TunnelEndpoint } from '@allium/router/tunnel/endpoint.ts';
import { createDecryptLayer, createEncryptLayer } from '@allium/router/tunnel/hop-crypto.ts';
import { TunnelSender } from '@allium/router/tunnel/tunnel-sender.ts';
import { createDestinationKeys } from '@allium/router/wire/destination.ts';
import { routerHash } from '@allium/router/wire/hash.ts';
import { identityOf } from '@allium/router/wire/identity.ts';
import { Bench } from 'tinybench';
import { connectedPair, NOW } from '../router/ntcp2/support.ts';
import { Prepared } from './prepared.ts';

/** Bytes of a full streaming packet of i2pd. */
const PACKET = 1_730;
const HOPS = 3;
/** Messages between two answers, without which the ratchet would run out of tags. */
const ANSWER_EVERY = 64;
/** ms from NOW; nothing in here may age. */
const FAR = 600_000;

/** All that happens between a socket and the streaming library, for a full packet of a download, and the way out. */
export async function suite(): Promise<Bench> {
  const bench = new Bench({ name: 'data path', time: 1_000 });
  const [server, client] = [destination(), destination()];
  acquaint(server, client);
  addReceive(bench, server, client);
  addSend(bench, client, server);
  return bench;
}

function addReceive(bench: Bench, server: DestinationCore, client: DestinationCore): void {
  const hops = Array.from({ length: HOPS }, layerKeys);
  const gateway = new TunnelSender(router(), 1, hops.map(createEncryptLayer), randomBytes);
  const peeled = hops.map(createDecryptLayer).reverse();
  const endpoint = new TunnelEndpoint();
  const { alice: peer, bob: us } = connectedPair();
  const payload = randomBytes(PACKET);
  const counter = { value: 0 };
  const packets = new Prepared((): Uint8Array[] => {
    const message = messageTo(client, server, payload);
    if (++counter.value % ANSWER_EVERY === 0) receive(server, messageTo(server, client, randomBytes(8)));
    const parts = gateway.send(
      { kind: 'local' },
      encodeLong(message),
      counter.value,
      NOW + counter.value * 10,
    );
    return (parts ?? []).flatMap((part) => framesOf(peer.session, part));
  });
  const take = (): void => {
    const received: DestinationOutput[] = [];
    for (const bytes of packets.take()) {
      for (const output of us.session.step({ kind: 'bytes', bytes }, NOW)) {
        if (output.kind !== 'message') continue;
        const data = output.message.payload as Buffer;
        for (const layer of peeled) layer(data);
        for (const whole of endpoint.accept(data, NOW)) {
          received.push(...client.step({ kind: 'message', message: decodeLong(whole.bytes) }, NOW));
        }
      }
    }
    if (!received.some((output) => output.kind === 'received')) throw new Error('a packet was lost');
  };
  bench.add(`receive ${PACKET} bytes: NTCP2, ${HOPS} layers, reassembly, garlic`, take, packets.options);
}

function addSend(bench: Bench, from: DestinationCore, to: DestinationCore): void {
  const layers = Array.from({ length: HOPS }, layerKeys).map(createDecryptLayer);
  const first = router();
  const sender = new TunnelSender(first, 1, layers, randomBytes);
  const { session } = connectedPair().alice;
  const payload = randomBytes(PACKET);
  let count = 0;
  bench.add(`send ${PACKET} bytes: garlic, ${HOPS} layers, NTCP2`, () => {
    count++;
    const message = messageTo(to, from, payload);
    const target = { kind: 'tunnel', router: first, tunnelId: 7 } as const;
    const parts = sender.send(target, encodeLong(message), count, NOW + count * 10) ?? [];
    for (const part of parts) framesOf(session, part);
    if (count % ANSWER_EVERY > 0) return;
    receive(to, message);
    receive(from, messageTo(from, to, randomBytes(8)));
  });
}

function destination(): DestinationCore {
  const core = new DestinationCore({
    shares: new Budget().share(),
    identity: identityOf(createDestinationKeys(randomBytes)),
    publish: false,
    random: randomBytes,
  });
  core.step({ kind: 'leases', leases: [{ gateway: router(), tunnelId: 7, expires: NOW + FAR }] }, NOW);
  return core;
}

/** LeaseSets are known and a session stands both ways. */
function acquaint(one: DestinationCore, other: DestinationCore): void {
  for (const [core, remote] of [
    [one, other],
    [other, one],
  ] as const) {
    const leaseSet = remote.leaseSet(NOW);
    if (leaseSet) core.step({ kind: 'leaseSet', leaseSet }, NOW);
  }
  for (let turn = 0; turn < 3; turn++) {
    receive(other, messageTo(other, one, randomBytes(8)));
    receive(one, messageTo(one, other, randomBytes(8)));
  }
}

function messageTo(to: DestinationCore, from: DestinationCore, payload: Uint8Array): I2npMessage {
  const packet = { to: to.hash, protocol: I2CP_PROTOCOL.streaming, fromPort: 0, toPort: 80, payload };
  const outputs = from.step({ kind: 'send', ...packet }, NOW);
  const sent = outputs.find((output) => output.kind === 'toTunnel');
  if (!sent) throw new Error('nothing was sent');
  return sent.message;
}

function receive(core: DestinationCore, message: I2npMessage): void {
  core.step({ kind: 'message', message }, NOW);
}

function framesOf(session: Ntcp2Session, message: I2npMessage): Uint8Array[] {
  const outputs = session.step({ kind: 'send', message }, NOW);
  return outputs.flatMap((output) => (output.kind === 'send' ? [output.bytes] : []));
}

function layerKeys(): { layerKey: Uint8Array; ivKey: Uint8Array } {
  return { layerKey: randomBytes(32), ivKey: randomBytes(32) };
}

function router(): ReturnType<typeof routerHash> {
  return routerHash(randomBytes(32));
}
