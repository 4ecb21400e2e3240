import { randomBytes } from 'node:crypto';
import { TunnelEndpoint } from '@allium/router/tunnel/endpoint.ts';
import { TunnelGateway } from '@allium/router/tunnel/gateway.ts';
import { createDecryptLayer, createEncryptLayer } from '@allium/router/tunnel/hop-crypto.ts';
import { TunnelSender } from '@allium/router/tunnel/tunnel-sender.ts';
import { routerHash } from '@allium/router/wire/hash.ts';
import { Bench } from 'tinybench';

/** Bytes of one I2NP message in the data path benches: what a streaming packet in garlic comes to. */
const MESSAGE = 1900;

/** The data plane of tunnels: cost of one tunnel message (1 KB) per layer, and of a streaming packet all the way. */
export async function suite(): Promise<Bench> {
  const bench = new Bench({ name: 'tunnel layers', time: 500 });
  const keys = () => ({ layerKey: randomBytes(32), ivKey: randomBytes(32) });
  const message = randomBytes(1028);
  const encrypt = createEncryptLayer(keys());
  const decrypt = createDecryptLayer(keys());
  const three = [keys(), keys(), keys()].map(createDecryptLayer);
  const payload = randomBytes(MESSAGE);
  const local = { kind: 'local' } as const;
  const gateway = new TunnelGateway(randomBytes);
  const endpoint = new TunnelEndpoint();
  const router = routerHash(randomBytes(32));
  const sender = new TunnelSender(router, 1, three, randomBytes);
  let id = 0;
  let now = 0;
  bench
    .add('participant: one layer on', () => encrypt(message))
    .add('creator: one layer off', () => decrypt(message))
    .add('creator: three layers', () => {
      for (const layer of three) layer(message);
    })
    .add(`pack and reassemble ${MESSAGE} bytes`, () => {
      gateway.push(local, payload, ++id);
      for (const part of gateway.flush()) endpoint.accept(part, 0);
    })
    .add(`send ${MESSAGE} bytes through three hops`, () => {
      now += 5;
      sender.send({ kind: 'tunnel', router, tunnelId: 7 }, payload, ++id, now);
    });
  return bench;
}
