/** No time that others read, of all that a router sends into tunnels, tells the router's clock. */
import { decodeBody } from '@allium/router/i2np/body.ts';
import { decodeLong, I2NP_TYPE, type I2npMessage } from '@allium/router/i2np/message.ts';
import { EXPLORATORY } from '@allium/router/tunnel/pool-id.ts';
import { LEASE_SPREAD } from '@allium/router/tunnel/tunnel.ts';
import { MESSAGE_LIFETIME } from '@allium/router/tunnel/tunnel-sender.ts';
import test, { type ExecutionContext } from 'ava';
import { SimNetwork } from './sim-network.ts';

const POOL = { length: 2, quantity: 3 };
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Milliseconds from sending to expiration, by what was sent. */
function observed(): { net: SimNetwork; left: Map<string, number[]> } {
  const net = new SimNetwork('times', 12);
  const left = new Map<string, number[]>();
  const note = (what: string, { expires }: I2npMessage): void => {
    left.set(what, [...(left.get(what) ?? []), expires - net.now]);
  };
  net.filter = (from, _to, message) => {
    if (from === net.me.hash) note(`own ${message.type}`, message);
    else if (message.type === I2NP_TYPE.garlic) note('build, seen by the endpoint', message);
    else if (message.type === I2NP_TYPE.tunnelGateway) {
      const body = decodeBody(message);
      const inner = body.kind === 'tunnelGateway' ? decodeLong(body.data) : undefined;
      note('tunnelGateway, by an endpoint', message);
      if (inner?.type === I2NP_TYPE.garlic) note('test or reply, seen by the gateway', inner);
    }
    return message;
  };
  net.step(net.me, { kind: 'createPool', pool: EXPLORATORY, config: { inbound: POOL, outbound: POOL } });
  return { net, left };
}

function spread(t: ExecutionContext, what: string, values: readonly number[], least: number): void {
  t.true(values.length >= 8, `${what}: ${values.length} seen`);
  const width = Math.max(...values) - Math.min(...values);
  t.true(width >= least, `${what}: only ${width} ms wide`);
}

test('expirations of builds, tunnel messages and tests vary by seconds', (t) => {
  const { net, left } = observed();
  net.run(HOUR);
  for (const type of [I2NP_TYPE.shortTunnelBuild, I2NP_TYPE.tunnelData]) {
    const values = left.get(`own ${type}`) ?? [];
    spread(t, `own ${type}`, values, 2_000);
    t.true(Math.min(...values) >= MESSAGE_LIFETIME && Math.max(...values) <= MESSAGE_LIFETIME + 4_000);
  }
  for (const what of ['build, seen by the endpoint', 'test or reply, seen by the gateway']) {
    spread(t, what, left.get(what) ?? [], 2_000);
  }
  spread(t, 'transit', left.get('tunnelGateway, by an endpoint') ?? [], 2_000);
});

test('leases end at whole seconds, by chance up to ten before their tunnel does', (t) => {
  const { net } = observed();
  const early: number[] = [];
  const known = new Set<number>();
  for (let s = 0; s < 3_600; s++) {
    net.run(1_000);
    for (const lease of net.me.core.leases(EXPLORATORY, net.now)) {
      if (known.has(lease.tunnelId)) continue;
      known.add(lease.tunnelId);
      t.is(lease.expires % 1_000, 0);
      early.push(net.now + 10 * MINUTE - lease.expires);
    }
  }
  spread(t, 'leases', early, 5_000);
  // the tunnel's time began when the build was sent, up to some seconds before it is seen here
  t.true(Math.min(...early) >= 0 && Math.max(...early) <= LEASE_SPREAD + 5_000, `${early}`);
});
