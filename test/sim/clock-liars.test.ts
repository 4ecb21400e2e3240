/** Who can move a router's clock, and by how much: simulated peers that lie, under the clock of the host. */
import test from 'ava';
import { SimFetch, SimSite } from '../support/sim-apps.ts';
import { followPeers } from '../support/sim-clock.ts';
import { SimNetwork } from '../support/sim-network.ts';
import { counted, outcomes, PROXY, SITE } from './rig.ts';

const SECOND = 1_000;
const LIE = 61 * SECOND;

interface Trial {
  readonly routers: number;
  readonly liars: number;
  /** ms that they are ahead */
  readonly lie: number;
  /** ms that our machine is ahead */
  readonly off: number;
}

/** Runs a client for three minutes among such peers; the farthest that its time was from the right one, and the last. */
function trial({ routers, liars, lie, off }: Trial) {
  const net = new SimNetwork({
    seed: `liars ${routers} ${liars} ${lie} ${off}`,
    routers,
    floodfills: Math.min(5, routers),
    clockOffset: (index) => (index >= routers - liars ? lie : 0),
  });
  const client = net.addClient('client', off);
  const clock = followPeers(net, client, off);
  net.openDestination(client, PROXY, false);
  let farthest = 0;
  for (let s = 0; s < 180; s++) {
    net.run(SECOND);
    farthest = Math.max(farthest, Math.abs(client.clockOffset - off));
  }
  return { net, client, clock, farthest, error: client.clockOffset };
}

for (const lie of [LIE, -LIE]) {
  test(`three of five peers that lie by ${lie / SECOND} s do not move a clock`, (t) => {
    const { farthest, client } = trial({ routers: 5, liars: 3, lie, off: 0 });
    t.true(counted(client.status.sessions.counters, /established|skew/) >= 5, 'they were all asked');
    t.is(farthest, 0);
  });

  test(`nine of 24 peers that lie by ${lie / SECOND} s move it by nothing that counts`, (t) => {
    const { farthest, client } = trial({ routers: 24, liars: 9, lie, off: 0 });
    t.true(farthest < 2 * SECOND, `${farthest}`);
    t.true(client.ready.has(PROXY));
    t.true(client.status.sessions.connected >= 12, 'and the honest ones stay');
  });

  test(`nine peers alone, who agree on ${lie / SECOND} s, are too few`, (t) => {
    const { farthest } = trial({ routers: 9, liars: 9, lie, off: 0 });
    t.is(farthest, 0);
  });
}

for (const off of [40 * SECOND, -40 * SECOND, 300 * SECOND]) {
  test(`a clock that is ${off / SECOND} s wrong is set to below a second by those who agree, liars or not`, (t) => {
    const { net, client, error } = trial({ routers: 24, liars: 5, lie: LIE, off });
    t.true(Math.abs(error) < SECOND, `${error}`);
    const server = net.addClient('server');
    const { hash: to } = net.openDestination(server, SITE, true).destination;
    t.true(net.run(60 * SECOND, () => client.ready.has(PROXY) && server.ready.has(SITE)));
    new SimSite(server, SITE);
    net.run(10 * SECOND);
    const page = new SimFetch({ from: client, destination: PROXY, to, download: 20_000 });
    t.deepEqual(outcomes(net, [page], 60 * SECOND), ['whole']);
  });
}

for (const off of [-2 * 3_600 * SECOND, 8 * 3_600 * SECOND]) {
  test(`a clock that is ${off / 3_600 / SECOND} h wrong is not for peers to set`, (t) => {
    const { farthest, clock } = trial({ routers: 24, liars: 0, lie: 0, off });
    t.is(farthest, 0);
    t.is(clock.correction, 0);
  });
}
