import { decodeBlocks } from '@allium/router/i2np/blocks.ts';
import { decodeBody, type I2npBody, messageOf } from '@allium/router/i2np/body.ts';
import { REPLY_KEY_LENGTH } from '@allium/router/i2np/database-lookup.ts';
import { decodeLong, I2NP_TYPE, type I2npMessage } from '@allium/router/i2np/message.ts';
import { openForRouter } from '@allium/router/i2np/router-garlic.ts';
import { QUERY_TIMEOUT } from '@allium/router/netdb/lookup.ts';
import type { NetDbInput, NetDbQuery } from '@allium/router/netdb/netdb-events.ts';
import { MESSAGE_LIFETIME, Queries, type ReplyKeyHolder } from '@allium/router/node/queries.ts';
import type { Routes } from '@allium/router/node/routes.ts';
import { EXPLORATORY } from '@allium/router/tunnel/pool-id.ts';
import type { TunnelInput } from '@allium/router/tunnel/tunnel-io.ts';
import { hashBytes, type RouterHash, routerHash } from '@allium/router/wire/hash.ts';
import test from 'ava';
import { recordedEntropy } from '../../support/entropy.ts';
import { makeRouter, routerKeys, someHash } from '../netdb/make.ts';
import { SimNetwork } from '../tunnel/sim-network.ts';

const FLOODFILL = makeRouter('floodfill', { caps: 'OfR' });
const KEYS = routerKeys('floodfill');
const SOUGHT = hashBytes(someHash('sought'));
const POOL = { length: 2, quantity: 2 };
/** how long an answer may take, ms: the query's time and the grace for late ones */
const LIFE = QUERY_TIMEOUT + 20_000;

type Lookup = Extract<I2npBody, { kind: 'databaseLookup' }>;

interface Direct {
  readonly to: RouterHash;
  readonly message: I2npMessage;
}

/** Queries of `me` in a network of real tunnels; the floodfill stands outside and hears what reaches it. */
function rig({ tunnels = true, holder }: { tunnels?: boolean; holder?: ReplyKeyHolder } = {}) {
  const net = new SimNetwork('queries', 10);
  const atFloodfill: I2npMessage[] = [];
  net.filter = (_from, to, message) => {
    if (to !== FLOODFILL.hash) return message;
    atFloodfill.push(message);
    return undefined;
  };
  if (tunnels) {
    const config = { inbound: POOL, outbound: POOL };
    net.step(net.me, { kind: 'createPool', pool: EXPLORATORY, config });
    net.run(20_000);
  }
  const netdb: NetDbInput[] = [];
  const direct: Direct[] = [];
  const injected: TunnelInput[] = [];
  const routes: Routes = {
    emit: () => undefined,
    netdb: (input) => void netdb.push(input),
    tunnel: (input) => void injected.push(input),
    sendThrough: (pool, target, message, now, options) =>
      net.take(net.me, net.me.core.sendThrough(pool, target, message, now, options)),
    sendDirect: (to, message) => void direct.push({ to, message }),
  };
  const parts = { routes, random: recordedEntropy('queries node'), tunnel: net.me.core };
  const queries = new Queries({ ...parts, self: net.me.hash, holder: () => holder });
  return { net, queries, atFloodfill, netdb, direct, injected };
}
type Rig = ReturnType<typeof rig>;

const ask = (id = 7): NetDbQuery => ({
  kind: 'query',
  id,
  to: FLOODFILL,
  pool: EXPLORATORY,
  what: 'leaseSet',
  key: SOUGHT,
  exclude: [],
});

/** What the floodfill finds inside a message to it. */
function opened(message: I2npMessage | undefined): I2npBody[] {
  const body = message && decodeBody(message);
  const payload = body?.kind === 'garlic' ? openForRouter(KEYS, body.data) : undefined;
  return decodeBlocks(payload ?? Buffer.alloc(0)).flatMap((block) =>
    block.kind === 'clove' ? [decodeBody(block.clove.message)] : [],
  );
}

/** Asks, and returns the lookup that reached the floodfill. */
function asked({ queries, net, atFloodfill }: Rig, id = 7): Lookup & Required<Pick<Lookup, 'reply'>> {
  const before = atFloodfill.length;
  queries.query(ask(id), net.now);
  net.run(1_000);
  const [body] = opened(atFloodfill[before]);
  if (body?.kind !== 'databaseLookup' || !body.reply) throw new Error('no lookup at the floodfill');
  return { ...body, reply: body.reply };
}

/** The floodfill answers a lookup; what comes out of our tunnels. */
function answered({ net }: Rig, lookup: Lookup): Uint8Array[] {
  const direct: Direct[] = [];
  const routes: Routes = {
    emit: () => undefined,
    netdb: () => undefined,
    tunnel: () => undefined,
    sendThrough: () => undefined,
    sendDirect: (to, message) => void direct.push({ to, message }),
  };
  const parts = {
    routes,
    random: recordedEntropy('floodfill node'),
    tunnel: net.others[0]?.core ?? net.me.core,
  };
  new Queries({ ...parts, self: FLOODFILL.hash, holder: () => undefined }).reply(
    {
      kind: 'reply',
      to: routerHash(lookup.from),
      ...(lookup.replyTunnelId === undefined ? {} : { tunnelId: lookup.replyTunnelId }),
      ...(lookup.reply ? { encrypt: lookup.reply } : {}),
      body: { kind: 'databaseSearchReply', key: SOUGHT, peers: [], from: hashBytes(FLOODFILL.hash) },
    },
    net.now,
  );
  const before = net.found('received').length;
  for (const { to, message } of direct) {
    net.step(net.router(to), { kind: 'message', from: FLOODFILL.hash, message });
  }
  net.run(1_000);
  return net
    .found('received')
    .slice(before)
    .flatMap(({ message }) => {
      const body = decodeBody(message);
      return body.kind === 'garlic' ? [body.data] : [];
    });
}

test('a query reaches the floodfill sealed, through a tunnel, with a tunnel for the answer', (t) => {
  const it = rig();
  const lookup = asked(it);
  t.is(it.atFloodfill[0]?.type, I2NP_TYPE.garlic);
  t.false(
    Buffer.from(it.atFloodfill[0]?.payload ?? []).includes(Buffer.from(SOUGHT)),
    'nobody else reads what is sought',
  );
  t.deepEqual(it.direct, [], 'nothing goes straight');
  t.is(lookup.lookup, 'leaseSet');
  t.deepEqual(Buffer.from(lookup.key), Buffer.from(SOUGHT));
  const leases = it.net.me.core.leases(EXPLORATORY, it.net.now);
  const gateway = leases.find(({ tunnelId }) => tunnelId === lookup.replyTunnelId)?.gateway;
  t.is(gateway, routerHash(lookup.from));
  t.not(routerHash(lookup.from), it.net.me.hash);
  t.false(Buffer.from(lookup.from).equals(Buffer.from(hashBytes(it.net.me.hash))));
});

test('the answer comes through the tunnel, names its query and opens once', (t) => {
  const it = rig();
  const [data = Buffer.alloc(0), ...more] = answered(it, asked(it, 41));
  t.is(more.length, 0);
  const answer = it.queries.open(data, EXPLORATORY, it.net.now);
  t.is(answer?.query, 41);
  t.deepEqual(
    answer?.cloves.map(({ message }) => decodeBody(message).kind),
    ['databaseSearchReply'],
  );
  t.is(it.queries.open(data, EXPLORATORY, it.net.now), undefined);
});

test('an answer that comes out of the tunnels of another pool does not open', (t) => {
  const it = rig();
  const [data = Buffer.alloc(0)] = answered(it, asked(it));
  t.is(it.queries.open(data, 1, it.net.now), undefined);
  t.is(it.queries.open(data, EXPLORATORY, it.net.now)?.query, 7);
});

test('what is changed on the way does not open, and the true answer still does', (t) => {
  const it = rig();
  const [data = Buffer.alloc(0)] = answered(it, asked(it));
  for (const at of [8, 20, data.length - 1]) {
    const changed = Buffer.from(data);
    changed[at] = (changed[at] ?? 0) ^ 1;
    t.is(it.queries.open(changed, EXPLORATORY, it.net.now), undefined, `byte ${at}`);
  }
  for (const length of [0, 7, 8, 23])
    t.is(it.queries.open(data.subarray(0, length), EXPLORATORY, it.net.now), undefined);
  t.is(it.queries.open(data, EXPLORATORY, it.net.now)?.query, 7);
});

test('every query has a key and a tag of its own', (t) => {
  const it = rig();
  const replies = [1, 2, 3].map((id) => asked(it, id).reply);
  const hex = replies.flatMap(({ key, tag }) =>
    [Buffer.from(key), Buffer.from(tag)].map((b) => b.toString('hex')),
  );
  t.is(new Set(hex).size, 6);
  t.true(replies.every(({ key }) => key.length === REPLY_KEY_LENGTH));
});

test('a reply key ends some time after its query', (t) => {
  const it = rig();
  const start = it.net.now;
  const [data = Buffer.alloc(0)] = answered(it, asked(it));
  t.is(it.queries.open(data, EXPLORATORY, start + LIFE + 1), undefined);
  it.queries.sweep(start + LIFE);
  t.is(it.queries.open(data, EXPLORATORY, start + LIFE)?.query, 7);
  const second = rig();
  const [late = Buffer.alloc(0)] = answered(second, asked(second));
  second.queries.sweep(second.net.now + LIFE + 1);
  t.is(second.queries.open(late, EXPLORATORY, second.net.now), undefined, 'swept away');
});

test("a Destination's query leaves its key with the Destination, not with the router", (t) => {
  const kept: { tag: Uint8Array; key: Uint8Array; until: number; query: number }[] = [];
  const it = rig({
    holder: { registerReplyKey: (tag, key, until, query) => void kept.push({ tag, key, until, query }) },
  });
  const start = it.net.now;
  const lookup = asked(it, 12);
  t.like(kept, [{ query: 12, until: start + LIFE }]);
  t.deepEqual(Buffer.from(kept[0]?.key ?? []), Buffer.from(lookup.reply.key));
  t.deepEqual(Buffer.from(kept[0]?.tag ?? []), Buffer.from(lookup.reply.tag));
  const [data = Buffer.alloc(0)] = answered(it, lookup);
  t.is(it.queries.open(data, EXPLORATORY, it.net.now), undefined);
});

const STORE = {
  kind: 'storeAt',
  token: 99,
  to: FLOODFILL,
  pool: EXPLORATORY,
  entry: { what: 'routerInfo', routerInfo: makeRouter('published') },
} as const;

test('a publication is sealed as well and asks for its receipt at the gateway of one of our tunnels', (t) => {
  const it = rig();
  it.queries.storeAt(STORE, it.net.now);
  it.net.run(1_000);
  t.is(it.atFloodfill[0]?.type, I2NP_TYPE.garlic);
  const [body] = opened(it.atFloodfill[0]);
  t.is(body?.kind, 'databaseStore');
  const reply = body?.kind === 'databaseStore' ? body.reply : undefined;
  t.is(reply?.token, 99);
  const leases = it.net.me.core.leases(EXPLORATORY, it.net.now);
  t.true(leases.some(({ tunnelId }) => tunnelId === reply?.tunnelId));
  t.deepEqual(it.direct, []);
});

test('without tunnels query and publication come back as unsent, and nothing leaves', (t) => {
  const it = rig({ tunnels: false });
  it.queries.query(ask(5), it.net.now);
  it.queries.storeAt(STORE, it.net.now);
  it.net.run(1_000);
  t.deepEqual(it.netdb, [
    { kind: 'unsent', id: 5 },
    { kind: 'unsent', id: 99 },
  ]);
  t.deepEqual([it.direct, it.injected, it.atFloodfill], [[], [], []]);
});

test('what is passed on goes to the router, into the tunnel that begins there, or into our own', (t) => {
  const it = rig({ tunnels: false });
  const { queries, net, direct, injected } = it;
  const message = messageOf({ kind: 'data', data: Buffer.of(1, 2, 3) }, 5, net.now + 9_000);
  queries.forward({ router: FLOODFILL.hash, tunnelId: undefined }, message, net.now);
  t.deepEqual(direct, [{ to: FLOODFILL.hash, message }]);
  queries.forward({ router: FLOODFILL.hash, tunnelId: 31 }, message, net.now);
  t.is(direct[1]?.to, FLOODFILL.hash);
  const carried = direct[1] && decodeBody(direct[1].message);
  t.is(carried?.kind === 'tunnelGateway' && carried.tunnelId, 31);
  const lives = (direct[1]?.message.expires ?? 0) - net.now;
  t.true(lives >= MESSAGE_LIFETIME && lives <= MESSAGE_LIFETIME + 4_000, `${lives}`);
  const inner = carried?.kind === 'tunnelGateway' ? decodeLong(carried.data) : undefined;
  t.deepEqual([inner?.id, inner?.type, inner?.expires], [5, I2NP_TYPE.data, net.now + 9_000]);
  t.deepEqual(injected, []);
  queries.forward({ router: net.me.hash, tunnelId: 8 }, message, net.now);
  const [own] = injected;
  const into = own?.kind === 'message' ? decodeBody(own.message) : undefined;
  t.is(into?.kind === 'tunnelGateway' && into.tunnelId, 8);
  t.is(own?.kind === 'message' && own.from, undefined);
  queries.forward({ router: net.me.hash, tunnelId: undefined }, message, net.now);
  t.deepEqual([direct.length, injected.length], [2, 1], 'there is nothing to pass on to ourselves');
});

test('when questions, and what they are sealed in, expire tells no clock', (t) => {
  const it = rig();
  const found: { inner: number[]; outer: number[] } = { inner: [], outer: [] };
  for (let id = 1; id <= 20; id++) {
    const at = it.net.now;
    it.queries.query(ask(id), at);
    it.net.run(1_000);
    const garlic = it.atFloodfill.at(-1) as I2npMessage;
    const body = decodeBody(garlic);
    const payload = body.kind === 'garlic' ? openForRouter(KEYS, body.data) : undefined;
    const cloves = decodeBlocks(payload ?? Buffer.alloc(0)).filter((block) => block.kind === 'clove');
    found.outer.push(garlic.expires - at);
    for (const { clove } of cloves) found.inner.push(clove.message.expires - at);
  }
  for (const [where, lives] of Object.entries(found)) {
    t.is(lives.length, 20, where);
    t.true(Math.max(...lives) - Math.min(...lives) >= 1_500, `${where}: ${lives}`);
    t.true(Math.min(...lives) >= MESSAGE_LIFETIME - 1_000, `${where}: ${lives}`);
    t.true(Math.max(...lives) <= MESSAGE_LIFETIME + 5_000, `${where}: ${lives}`);
  }
});

test('a flood goes straight to its router, and wants no receipt', (t) => {
  const { queries, net, direct } = rig({ tunnels: false });
  const routerInfo = makeRouter('published');
  queries.flood({ kind: 'flood', to: FLOODFILL, entry: { what: 'routerInfo', routerInfo } }, net.now);
  t.is(direct[0]?.to, FLOODFILL.hash);
  const body = direct[0] && decodeBody(direct[0].message);
  t.is(body?.kind, 'databaseStore');
  t.is(body?.kind === 'databaseStore' ? body.reply : null, undefined);
});
