import { I2NP_TYPE } from '@allium/router/i2np/message.ts';
import { EXPLORATORY } from '@allium/router/tunnel/pool-id.ts';
import test from 'ava';
import { SimNetwork } from './sim-network.ts';

const MINUTE = 60_000;

function ready(seed: string): SimNetwork {
  const net = new SimNetwork(seed, 24);
  const direction = { length: 2, quantity: 2 };
  net.step(net.me, {
    kind: 'createPool',
    pool: EXPLORATORY,
    config: { inbound: direction, outbound: direction },
  });
  net.run(MINUTE);
  return net;
}

test('tests of tunnels have no size by which their ends could tell them', (t) => {
  const net = ready('sizes');
  const sizes = new Map<number, number>();
  net.filter = (_from, _to, message) => {
    if (message.type === I2NP_TYPE.tunnelGateway)
      sizes.set(message.payload.length, (sizes.get(message.payload.length) ?? 0) + 1);
    return message;
  };
  const before = net.counter('testsSent');
  net.run(30 * MINUTE);
  const sent = net.counter('testsSent') - before;
  t.true(sent > 60, `${sent} tests`);
  t.is(net.counter('testsLost'), 0);
  t.true(Math.max(...sizes.values()) < sent / 10, 'no size is frequent');
  t.true(Math.max(...sizes.keys()) - Math.min(...sizes.keys()) > 500);
});
