import test from 'ava';
import { encodeBlocks } from '../../../services/router/i2np/blocks.ts';
import { type I2npBody, messageOf } from '../../../services/router/i2np/body.ts';
import type { CloveDelivery } from '../../../services/router/i2np/clove.ts';
import { storeOf } from '../../../services/router/i2np/database-store.ts';
import { I2NP_TYPE, type I2npMessage } from '../../../services/router/i2np/message.ts';
import { sealForRouter } from '../../../services/router/i2np/router-garlic.ts';
import { Dispatch } from '../../../services/router/node/dispatch.ts';
import { Queries } from '../../../services/router/node/queries.ts';
import type { Routes, Source } from '../../../services/router/node/routes.ts';
import { EXPLORATORY } from '../../../services/router/tunnel/pool-id.ts';
import { TunnelCore } from '../../../services/router/tunnel/tunnel-core.ts';
import { routerHash } from '../../../services/router/wire/hash.ts';
import { createRouterKeys } from '../../../services/router/wire/router-keys.ts';
import { recordedEntropy } from '../../support/entropy.ts';
import { makeLeaseSet, makeRouter } from '../netdb/make.ts';

const NOW = Date.UTC(2026, 0, 15, 12);
const random = recordedEntropy('dispatch');
const keys = createRouterKeys(random);
const peer = routerHash(Buffer.alloc(32, 7));
const SESSION: Source = { kind: 'session', from: peer };
const TUNNEL: Source = { kind: 'tunnel', pool: EXPLORATORY };
const CLOVE: Source = { kind: 'clove' };
const ANSWER: Source = { kind: 'answer', query: 4, pool: EXPLORATORY };

/** A dispatch whose ways lead into a list. */
function rig(transit = false, floodfill = transit) {
  const went: string[] = [];
  const self = keys.identity.hash;
  const routes: Routes = {
    emit: () => void went.push('emit'),
    netdb: (input) => void went.push(`netdb ${input.kind}${'query' in input ? ' as answer' : ''}`),
    tunnel: () => void went.push('tunnel'),
    sendThrough: () => void went.push('sendThrough'),
    sendDirect: () => void went.push('sendDirect'),
  };
  const tunnel = new TunnelCore({
    local: self,
    keys: keys.encryption,
    random,
    chooseHops: () => undefined,
    acceptTransit: false,
  });
  const queries = new Queries({ routes, random, tunnel, self, holder: () => undefined });
  return { went, dispatch: new Dispatch({ routes, queries, keys, transit, floodfill }) };
}

const make = (body: I2npBody, expires = NOW + 10_000): I2npMessage => messageOf(body, 5, expires);
const status = make({ kind: 'deliveryStatus', messageId: 9, timestamp: NOW });
const data = make({ kind: 'data', data: Buffer.of(1) });
const gateway = make({ kind: 'tunnelGateway', tunnelId: 3, data: Buffer.alloc(20) });
const build: I2npMessage = {
  type: I2NP_TYPE.shortTunnelBuild,
  id: 1,
  expires: NOW + 10_000,
  payload: Buffer.alloc(9),
};
const search = make({
  kind: 'databaseSearchReply',
  key: Buffer.alloc(32),
  peers: [],
  from: Buffer.alloc(32),
});

function sealed(message: I2npMessage, delivery: CloveDelivery = { kind: 'local' }): I2npMessage {
  const payload = encodeBlocks([
    { kind: 'dateTime', at: NOW },
    { kind: 'clove', clove: { delivery, message } },
  ]);
  const data = sealForRouter(keys.encryption.publicKey, payload, random) ?? new Uint8Array(0);
  return make({ kind: 'garlic', data });
}

const lookup = make({
  kind: 'databaseLookup',
  key: Buffer.alloc(32),
  from: Buffer.alloc(32),
  lookup: 'any',
  exclude: [],
});
const own = makeRouter('own');
const storeOwn = make(storeOf({ what: 'routerInfo', routerInfo: own }));
const storeOther = make(storeOf({ what: 'routerInfo', routerInfo: makeRouter('other') }));
const storeLeases = make(storeOf({ what: 'leaseSet', leaseSet: makeLeaseSet('any') }));

const FROM = {
  'the session of a peer': { kind: 'session', from: own.hash },
  'a tunnel of ours': TUNNEL,
  'an answer to a question of ours': ANSWER,
  'garlic for us': CLOVE,
} as const satisfies Record<string, Source>;
type From = keyof typeof FROM;

/**
 * All that a message may change in a router that neither carries tunnels nor stores for others, by its type and the way
 * it came. Whatever is not here changes nothing.
 */
const MAY: Partial<Record<string, Partial<Record<From, string>>>> = {
  [I2NP_TYPE.tunnelData]: { 'the session of a peer': 'tunnel' },
  [I2NP_TYPE.tunnelGateway]: { 'the session of a peer': 'tunnel' },
  // the tunnels know which replies they wait for, and by whose session
  [I2NP_TYPE.shortTunnelBuild]: { 'the session of a peer': 'tunnel', 'garlic for us': 'tunnel' },
  [I2NP_TYPE.databaseSearchReply]: { 'an answer to a question of ours': 'netdb searchReply as answer' },
  [I2NP_TYPE.deliveryStatus]: {
    'a tunnel of ours': 'netdb deliveryStatus',
    'an answer to a question of ours': 'netdb deliveryStatus',
  },
  'its own RouterInfo': {
    'the session of a peer': 'netdb store',
    'an answer to a question of ours': 'netdb store as answer',
  },
  "another's RouterInfo": { 'an answer to a question of ours': 'netdb store as answer' },
  'a LeaseSet': { 'an answer to a question of ours': 'netdb store as answer' },
};

const MESSAGES: [string, I2npMessage][] = [
  ['its own RouterInfo', storeOwn],
  ["another's RouterInfo", storeOther],
  ['a LeaseSet', storeLeases],
  ...[status, data, gateway, build, search, lookup].map((it): [string, I2npMessage] => [`${it.type}`, it]),
  ...Array.from({ length: 256 }, (_, type) => type)
    .filter(
      (type) => ![status, data, gateway, build, search, lookup, storeOwn].some((it) => it.type === type),
    )
    .map((type): [string, I2npMessage] => [`${type}`, { ...build, type, payload: Buffer.alloc(40, 1) }]),
];

test('every type of message by every way: what it may change is what the table says', (t) => {
  for (const [name, message] of MESSAGES) {
    for (const [from, source] of Object.entries(FROM) as [From, Source][]) {
      const { went, dispatch } = rig();
      dispatch.message(message, source, NOW);
      const may = MAY[name]?.[from];
      t.deepEqual(went, may === undefined ? [] : [may], `${name} by ${from}`);
      t.is(Object.keys(dispatch.counters.toJSON()).length, may === undefined ? 1 : 0, `${name} by ${from}`);
    }
  }
});

test('garlic that anybody can seal for a router changes nothing where nothing is done for others', (t) => {
  for (const source of [SESSION, TUNNEL]) {
    for (const [, message] of MESSAGES.slice(0, 9)) {
      const { went, dispatch } = rig();
      dispatch.message(sealed(message), source, NOW);
      t.deepEqual(went, []);
    }
  }
});

const table: [string, I2npMessage, Source, string[]][] = [
  ['data for nobody', data, SESSION, []],
  ['garlic within garlic', sealed(sealed(status)), SESSION, []],
  ['garlic out of a tunnel that is no answer', sealed(storeLeases), TUNNEL, []],
  ['garlic that nobody can open', make({ kind: 'garlic', data: Buffer.alloc(90, 1) }), SESSION, []],
  ['a store at a floodfill', sealed(storeLeases), SESSION, ['netdb store']],
  ['a question to a floodfill', sealed(lookup), SESSION, ['netdb databaseLookup']],
  ['an answer to nobody', search, SESSION, []],
];
for (const [title, message, source, expected] of table) {
  test(`to a router that carries and stores, ${title}: ${expected.join() || 'dropped and counted'}`, (t) => {
    const { went, dispatch } = rig(true);
    dispatch.message(message, source, NOW);
    t.deepEqual(went, expected);
    t.is(Object.keys(dispatch.counters.toJSON()).length, expected.length === 0 ? 1 : 0);
  });
}

test('where transit is on, a clove for another router goes there', (t) => {
  const { went, dispatch } = rig(true);
  dispatch.message(sealed(status, { kind: 'router', hash: Buffer.alloc(32, 1) }), SESSION, NOW);
  t.deepEqual(went, ['sendDirect']);
});

test('a message that expired a minute ago is dropped, one that is just late is not', (t) => {
  const { went, dispatch } = rig();
  const late = (by: number) => make({ kind: 'deliveryStatus', messageId: 9, timestamp: NOW }, NOW - by);
  dispatch.message(late(120_000), TUNNEL, NOW);
  t.deepEqual(went, []);
  dispatch.message(late(5_000), TUNNEL, NOW);
  t.deepEqual(went, ['netdb deliveryStatus']);
});

test('bodies that are cut or flipped are counted by structure, and nothing throws', (t) => {
  const { went, dispatch } = rig();
  for (const message of [search, status]) {
    for (let length = 0; length < message.payload.length; length++) {
      dispatch.message({ ...message, payload: message.payload.subarray(0, length) }, SESSION, NOW);
    }
  }
  t.deepEqual(went, []);
  t.true(Object.keys(dispatch.counters.toJSON()).every((name) => /^bad-.*-(short|length)$/.test(name)));
});

/** How many of these messages a second, in ten seconds, are looked at. */
function lookedAt(
  dispatch: Dispatch,
  message: I2npMessage,
  perSecond: number,
  from: Source,
  at = NOW,
): number {
  const before = (): number => counted(dispatch, /^too-much-work/);
  const dropped = before();
  for (let i = 0; i < perSecond * 10; i++) dispatch.message(message, from, at + (i * 1_000) / perSecond);
  return perSecond * 10 - (before() - dropped);
}

function counted({ counters }: Dispatch, name: RegExp): number {
  const entries = Object.entries(counters.toJSON());
  return entries.reduce((sum, [key, count]) => sum + (name.test(key) ? Number(count) : 0), 0);
}

for (const [name, message] of [
  ['garlic', sealed(status)],
  ['builds', build],
  ['stores', storeOwn],
] as const) {
  test(`work by ${name} is bounded for each peer, and what a floodfill hears of an honest one is not touched`, (t) => {
    const { dispatch } = rig(true);
    t.is(lookedAt(dispatch, message, 30, FROM['the session of a peer']), 300);
    const flooded = lookedAt(dispatch, message, 1_000, SESSION);
    t.true(flooded >= 690 && flooded <= 710, `${flooded} of 10,000`);
    t.is(
      lookedAt(dispatch, message, 30, FROM['the session of a peer'], NOW + 20_000),
      300,
      'others are not held to account',
    );
    const other = lookedAt(dispatch, status, 1_000, SESSION);
    t.is(other, 10_000, 'what costs nothing is not counted');
  });
}

test("nothing is unpacked of a stranger's store, nor of a LeaseSet that a peer brings", (t) => {
  const { dispatch, went } = rig();
  for (const { payload, ...message } of [storeOther, storeLeases]) {
    const broken = Buffer.from(payload);
    broken.fill(1, 40);
    dispatch.message({ ...message, payload: broken }, FROM['the session of a peer'], NOW);
  }
  t.is(counted(dispatch, /^refused-session-1$/), 2);
  t.is(counted(dispatch, /^bad/), 0);
  t.deepEqual(went, []);
});
