import test from 'ava';
import { encodeBlocks } from '../../../services/router/i2np/blocks.ts';
import { type I2npBody, messageOf } from '../../../services/router/i2np/body.ts';
import type { CloveDelivery } from '../../../services/router/i2np/clove.ts';
import { I2NP_TYPE, type I2npMessage } from '../../../services/router/i2np/message.ts';
import { sealForRouter } from '../../../services/router/i2np/router-garlic.ts';
import { Dispatch } from '../../../services/router/node/dispatch.ts';
import { Queries } from '../../../services/router/node/queries.ts';
import type { Routes, Source } from '../../../services/router/node/routes.ts';
import { TunnelCore } from '../../../services/router/tunnel/tunnel-core.ts';
import { routerHash } from '../../../services/router/wire/hash.ts';
import { createRouterKeys } from '../../../services/router/wire/router-keys.ts';
import { recordedEntropy } from '../../support/entropy.ts';

const NOW = Date.UTC(2026, 0, 15, 12);
const random = recordedEntropy('dispatch');
const keys = createRouterKeys(random);
const peer = routerHash(Buffer.alloc(32, 7));
const SESSION: Source = { kind: 'session', from: peer };
const TUNNEL: Source = { kind: 'tunnel', pool: 'exploratory' };
const CLOVE: Source = { kind: 'clove' };

/** A dispatch whose ways lead into a list. */
function rig(transit = false) {
  const went: string[] = [];
  const self = keys.identity.hash;
  const routes: Routes = {
    emit: () => void went.push('emit'),
    netdb: ({ kind }) => void went.push(`netdb ${kind}`),
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
  return { went, dispatch: new Dispatch({ routes, queries, keys, transit }) };
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

const table: [string, I2npMessage, Source, string[]][] = [
  ['a tunnel message over a session', gateway, SESSION, ['tunnel']],
  ['a tunnel message out of a tunnel', gateway, TUNNEL, []],
  ['a tunnel message in a clove', gateway, CLOVE, []],
  ['a tunnel build over a session', build, SESSION, ['tunnel']],
  ['a tunnel build in a clove', build, CLOVE, ['tunnel']],
  ['a tunnel build out of a tunnel', build, TUNNEL, []],
  ['a delivery status out of a tunnel', status, TUNNEL, ['netdb deliveryStatus']],
  ['a search reply over a session', search, SESSION, ['netdb searchReply']],
  ['data for nobody', data, SESSION, []],
  ['garlic for us with a delivery status', sealed(status), TUNNEL, ['netdb deliveryStatus']],
  ['garlic within garlic', sealed(sealed(status)), SESSION, []],
  ['garlic that travels on', sealed(status, { kind: 'router', hash: Buffer.alloc(32, 1) }), SESSION, []],
  ['garlic that nobody can open', make({ kind: 'garlic', data: Buffer.alloc(90, 1) }), SESSION, []],
];
for (const [title, message, source, expected] of table) {
  test(`${title}: ${expected.join() || 'dropped and counted'}`, (t) => {
    const { went, dispatch } = rig();
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
