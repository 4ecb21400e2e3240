import { Counters } from '@allium/common/observe/counters.ts';
import { NetDbCore } from '@allium/router/netdb/netdb-core.ts';
import { Budget } from '@allium/router/node/budget.ts';
import { Dispatch } from '@allium/router/node/dispatch.ts';
import { LocalDestination } from '@allium/router/node/local-destination.ts';
import type { DestinationId } from '@allium/router/node/node-io.ts';
import { Queries } from '@allium/router/node/queries.ts';
import type { Routes } from '@allium/router/node/routes.ts';
import { type NodeStatus, nodeStatus } from '@allium/router/node/status.ts';
import { EXPLORATORY } from '@allium/router/tunnel/pool-id.ts';
import { createDestinationKeys, type DestinationKeys } from '@allium/router/wire/destination.ts';
import { hashBytes, type RouterHash } from '@allium/router/wire/hash.ts';
import { identityOf } from '@allium/router/wire/identity.ts';
import type { RouterInfo } from '@allium/router/wire/router-info.ts';
import { createRouterKeys } from '@allium/router/wire/router-keys.ts';
import test from 'ava';
import { recordedEntropy } from '../../support/entropy.ts';
import { NOW } from '../netdb/make.ts';
import { SimNetwork } from '../tunnel/sim-network.ts';
import { CONFIG, Rig } from './peering-rig.ts';

const KEYS = createDestinationKeys(recordedEntropy('status destination'));
const POOL = { length: 2, quantity: 2 };

/** A Destination that has no tunnels and does nothing. */
function destination(id: DestinationId, keys: DestinationKeys, net: SimNetwork): LocalDestination {
  const random = recordedEntropy('status node');
  const nowhere = (): void => undefined;
  const routes: Routes = {
    emit: nowhere,
    netdb: nowhere,
    tunnel: nowhere,
    sendThrough: nowhere,
    sendDirect: nowhere,
  };
  const { core: tunnel, hash: self } = net.me;
  const queries = new Queries({ routes, random, tunnel, self, holder: () => undefined });
  const dispatch = new Dispatch({
    routes,
    queries,
    keys: createRouterKeys(random),
    transit: false,
    floodfill: false,
  });
  const options = { identity: identityOf(keys), publish: true, length: 2, quantity: 2 };
  const counters = new Counters();
  return new LocalDestination({
    shares: new Budget().share(),
    id,
    options,
    random,
    routes,
    dispatch,
    counters,
    wake: nowhere,
  });
}

/** Tunnels of one direction lean on these routers only, so that one direction can be lost alone. */
const NEIGHBOURS = { inbound: [0, 1], outbound: [2, 3] } as const;

/** A network where the hop next to us tells the direction. */
function network(): SimNetwork {
  const net = new SimNetwork('status', 8);
  const choose = net.choose;
  net.choose = (request) => {
    const wanted = NEIGHBOURS[request.direction].map((n) => net.others[n]?.hash);
    for (let n = 0; n < 100; n++) {
      const hops = choose(request);
      if (wanted.includes(hops?.at(request.direction === 'inbound' ? -1 : 0)?.hash)) return hops;
    }
    return undefined;
  };
  net.step(net.me, { kind: 'createPool', pool: EXPLORATORY, config: { inbound: POOL, outbound: POOL } });
  return net;
}

/** The cores of a router, with or without exploratory tunnels. */
function router(tunnels = true) {
  const rig = new Rig('status');
  const peers = rig.know(4, { caps: 'OfR' });
  const net = network();
  if (tunnels) net.run(20_000);
  const netdb = new NetDbCore({
    ...CONFIG,
    self: rig.self,
    random: recordedEntropy('status netdb'),
    floodfill: false,
    publishRouterInfo: false,
    ownRouterInfo: () => rig.info,
  });
  for (const routerInfo of peers.slice(0, 3)) netdb.step({ kind: 'add', routerInfo }, NOW);
  const destinations = new Map<DestinationId, LocalDestination>();
  const counters = { node: new Counters(), messages: new Counters() };
  const status = (clockSkew?: number): NodeStatus =>
    nodeStatus({
      sessions: rig.office.sessions,
      netdb,
      peering: rig.peering,
      tunnel: net.me.core,
      destinations: { all: destinations, held: new Budget().used },
      counters,
      clockSkew,
    });
  const open = (id: DestinationId): LocalDestination => {
    const local = destination(id, KEYS, net);
    destinations.set(id, local);
    return local;
  };
  return { rig, net, peers, status, open, counters };
}

test('before any session was ever up the router waits for Tor, whatever it knows', (t) => {
  const { rig, peers, status } = router();
  t.is(status().stage, 'tor');
  rig.office.dial(peers[0]?.hash ?? rig.self, NOW);
  t.is(status().stage, 'tor');
  t.like(status().sessions, { connected: 0, open: 1 });
});

test('when all sessions are gone it looks for peers, however many tunnels are left', (t) => {
  const { rig, peers, status } = router();
  rig.connect(...peers);
  t.is(status().stage, 'ready');
  rig.office.terminate(NOW);
  t.is(status().stage, 'peers');
});

test('with a session and no tunnel it works at tunnels', (t) => {
  const { rig, peers, status } = router(false);
  rig.connect(...peers);
  t.is(status().stage, 'tunnels');
});

for (const lost of ['inbound', 'outbound'] as const) {
  test(`when it has lost its ${lost} tunnels it works at tunnels again`, (t) => {
    const { rig, net, peers, status } = router();
    rig.connect(...peers);
    t.is(status().stage, 'ready');
    for (const n of NEIGHBOURS[lost]) net.hangUp(net.others[n]?.hash ?? rig.self);
    const pool = status().tunnels.pools.get(EXPLORATORY);
    const kept = lost === 'inbound' ? 'outbound' : 'inbound';
    t.is(pool?.[lost].alive, 0);
    t.true((pool?.[kept].alive ?? 0) > 0);
    t.is(status().stage, 'tunnels');
  });
}

test('with tunnels both ways it is ready once every Destination is', (t) => {
  const { rig, peers, status, open } = router();
  rig.connect(...peers);
  t.is(status().stage, 'ready');
  const [one, two] = [open(1), open(2)];
  t.is(status().stage, 'tunnels');
  one.ready = true;
  t.is(status().stage, 'tunnels');
  two.ready = true;
  t.is(status().stage, 'ready');
  one.ready = false;
  t.is(status().stage, 'tunnels');
});

test('without an exploratory pool nothing is ready', (t) => {
  const { rig, net, peers, status } = router();
  rig.connect(...peers);
  net.step(net.me, { kind: 'removePool', pool: EXPLORATORY });
  t.is(status().stage, 'tunnels');
});

test('the figures are those of the cores', (t) => {
  const { rig, peers, status, open, counters } = router();
  rig.connect(...peers.slice(0, 2));
  rig.office.dial(peers[2]?.hash ?? rig.self, NOW);
  open(1);
  counters.node.add('lookup-timeout', 3);
  counters.messages.add('expired');
  const { sessions, netdb, tunnels, destinations, ...rest } = status(-1_250);
  t.like(sessions, { connected: 2, open: 3, skewed: 0 });
  t.like(sessions.counters, { dial: 3, established: 2 });
  t.like(netdb, { routers: 3, floodfills: 3, usable: 4 });
  t.true((tunnels.pools.get(EXPLORATORY)?.inbound.alive ?? 0) >= POOL.quantity);
  t.like(destinations.get(1), { ready: false, streams: 0 });
  t.like(rest, {
    messages: { expired: 1 },
    counters: { 'lookup-timeout': 3 },
    peers: { connected: 2, established: 2 },
    clockSkew: -1_250,
  });
  t.is(status().clockSkew, undefined);
});

test('a peer whose clock is off by more than a minute is counted as skewed', (t) => {
  const { rig, peers, status } = router();
  const [peer] = peers as [RouterInfo];
  rig.office.dial(peer.hash, NOW);
  rig.answerLate(peer, NOW + 120_000);
  t.is(status().sessions.skewed, 1);
  t.is(status().stage, 'tor');
});

/** Every form in which a value could stand in a text. */
function forms(bytes: Uint8Array): string[] {
  const buffer = Buffer.from(bytes);
  const base64 = buffer.toString('base64');
  const i2p = base64.replaceAll('+', '-').replaceAll('/', '~');
  return [base64, i2p, buffer.toString('base64url'), buffer.toString('hex')].map((it) => it.slice(0, 16));
}

test('no hash, key or address is in the status, and no name but those of the pools', (t) => {
  const { rig, net, peers, status, open } = router();
  rig.connect(...peers);
  rig.peering.down(peers[0]?.hash ?? rig.self, { stage: 'dial', code: 'refused' }, NOW, NOW);
  const local = open(1);
  const text = JSON.stringify(status(3), (_, value) => (value instanceof Map ? [...value] : value));
  const hashes: RouterHash[] = [rig.self, net.me.hash, ...peers.map(({ hash }) => hash)];
  const secrets = [
    ...hashes.map(hashBytes),
    ...net.others.map(({ hash }) => hashBytes(hash)),
    hashBytes(local.hash),
    ...peers.map(({ identity }) => identity.publicKey),
    net.me.keys.publicKey,
    net.me.keys.privateKey,
    KEYS.destination.raw,
  ].flatMap(forms);
  const addresses = peers.flatMap(({ addresses: all }) =>
    all.flatMap(({ options }) => options.get('host') ?? []),
  );
  t.true(addresses.length === peers.length && secrets.length > 60);
  for (const secret of [...secrets, ...addresses, '14567', '.i2p']) t.false(text.includes(secret), secret);
  t.notRegex(text, /\d+\.\d+\.\d+\.\d+|[A-Za-z0-9~+/=-]{40,}/);
  const anti = JSON.stringify({ text, hash: rig.self, host: addresses[0] });
  t.true(
    secrets.some((it) => anti.includes(it)) && addresses.some((it) => anti.includes(it)),
    'it would be seen',
  );
  t.deepEqual([...status().destinations.keys()], [1]);
  t.deepEqual([...status().tunnels.pools.keys()], [EXPLORATORY]);
});
