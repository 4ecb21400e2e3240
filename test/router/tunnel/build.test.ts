import { DecodeError } from '@allium/common/bytes/errors.ts';
import { sha256 } from '@allium/router/crypto/hash.ts';
import { type KeyPair, x25519KeyPair } from '@allium/router/crypto/x25519.ts';
import { BUILD_RECORD_SIZE, type HopRole } from '@allium/router/tunnel/build-record.ts';
import { answerRequest, findRequest, openReply } from '@allium/router/tunnel/build-reply.ts';
import { createBuild } from '@allium/router/tunnel/build-request.ts';
import { maskRecord } from '@allium/router/tunnel/record-set.ts';
import type { Direction } from '@allium/router/tunnel/tunnel-io.ts';
import { hashBytes, type RouterHash, routerHash } from '@allium/router/wire/hash.ts';
import { chacha20 } from '@noble/ciphers/chacha.js';
import test from 'ava';
import fc from 'fast-check';
import { onlyDecodeErrors } from '../../support/codec-macro.ts';
import { recordedEntropy } from '../../support/entropy.ts';

const NOW = Date.UTC(2026, 10, 24);
const random = recordedEntropy('build');
const local = routerHash(sha256(random(32)));
const routers = Array.from({ length: 7 }, () => ({
  hash: routerHash(sha256(random(32))),
  keys: x25519KeyPair(random),
}));

interface Router {
  readonly hash: RouterHash;
  readonly keys: KeyPair;
}

function begin(direction: Direction, count: number) {
  const hops = routers.slice(0, count).map(({ hash, keys }) => ({ hash, publicKey: keys.publicKey }));
  const end = { router: local, tunnelId: 4242 };
  const build = createBuild({ direction, hops, local, end, replyId: 99 }, NOW, random);
  if (!build) throw new Error('no build');
  return build;
}

/** One hop: finds its record, answers `code`. */
function pass(payload: Uint8Array, router: Router, code: number, available?: number) {
  const found = findRequest(payload, hashBytes(router.hash), router.keys);
  if (!found) throw new Error('no record');
  const options = available === undefined ? {} : { available };
  return { found, payload: answerRequest(found, { code, options }) };
}

for (const direction of ['inbound', 'outbound'] as const) {
  for (const count of [1, 2, 3, 4, 5, 7]) {
    test(`an ${direction} build passes ${count} hops, each sees only its own record`, (t) => {
      const { payload, pending } = begin(direction, count);
      const records = count + (direction === 'inbound' ? 1 : 0) <= 4 ? 4 : 8;
      t.is(payload.length, 1 + records * BUILD_RECORD_SIZE);
      let message = payload;
      for (const [at, router] of routers.slice(0, count).entries()) {
        const ours = pending.hops[at];
        const next = routers[at + 1];
        if (!ours) return t.fail();
        for (const other of routers) {
          const sees = findRequestOrNothing(message, other);
          t.is(sees, other === router, 'the next hop finds its record, nobody else does');
        }
        const { found, payload: passed } = pass(message, router, 0, at + 1);
        const { request } = found;
        t.is(request.receiveTunnelId, ours.receiveTunnelId);
        const last = at === count - 1;
        t.is(request.sendMessageId === 99, last);
        t.is(request.nextTunnelId, last ? 4242 : (pending.hops[at + 1]?.receiveTunnelId ?? 0));
        t.is(routerHash(request.nextRouter), last || !next ? local : next.hash);
        t.is(request.role, roleOf(direction, at, last));
        t.is(request.requestMinutes, NOW / 60_000);
        t.is(request.lifetime, 600);
        message = passed;
      }
      const answers = openReply(message, pending);
      t.deepEqual(
        answers.map(({ hop, reply }) => [hop.router, reply.code, reply.options.available]),
        routers.slice(0, count).map(({ hash }, at) => [hash, 0, at + 1]),
      );
    });
  }
}

function roleOf(direction: Direction, at: number, last: boolean): HopRole {
  if (direction === 'inbound') return at === 0 ? 'gateway' : 'participant';
  return last ? 'endpoint' : 'participant';
}

function findRequestOrNothing(payload: Uint8Array, router: Router): boolean {
  return findRequest(payload, hashBytes(router.hash), router.keys) !== undefined;
}

test('each hop has its own verdict', (t) => {
  const { payload, pending } = begin('outbound', 3);
  const codes = [0, 30, 10];
  const reply = routers.slice(0, 3).reduce<Uint8Array>((message, router, at) => {
    return pass(message, router, codes[at] ?? 0).payload;
  }, payload);
  t.deepEqual(
    openReply(reply, pending).map((answer) => answer.reply.code),
    codes,
  );
});

test('an inbound build carries a record for ourselves that any change betrays', (t) => {
  const { payload, pending } = begin('inbound', 3);
  const slot = pending.decoy?.slot ?? -1;
  const reply = routers.slice(0, 3).reduce((message, router) => pass(message, router, 0).payload, payload);
  const start = 1 + slot * BUILD_RECORD_SIZE;
  t.deepEqual(
    Buffer.from(reply.subarray(start, start + 16)),
    Buffer.from(hashBytes(local).subarray(0, 16)),
    'the closest hop sees a next hop like any other',
  );
  for (const at of [0, 16, 47, 48, 217]) {
    const changed = Buffer.from(reply);
    changed[start + at] = (changed[start + at] ?? 0) ^ 1;
    t.throws(() => openReply(changed, pending), { instanceOf: DecodeError });
  }
  t.is(openReply(reply, pending).length, 3);
});

test('a reply with any bit flipped in a real record, or of another size, is refused', (t) => {
  const { payload, pending } = begin('outbound', 2);
  const reply = routers.slice(0, 2).reduce((message, router) => pass(message, router, 0).payload, payload);
  const real = new Set(pending.hops.map(({ slot }) => slot));
  fc.assert(
    fc.property(fc.integer({ min: 8, max: reply.length * 8 - 1 }), (bit) => {
      const changed = Buffer.from(reply);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const slot = Math.floor(((bit >> 3) - 1) / BUILD_RECORD_SIZE);
      const attempt = () => openReply(changed, pending);
      if (real.has(slot)) t.throws(attempt, { instanceOf: DecodeError });
      else attempt();
    }),
  );
  onlyDecodeErrors(t, (bytes) => openReply(bytes, pending), reply);
  const other = begin('outbound', 5);
  t.throws(() => openReply(other.payload, pending), { instanceOf: DecodeError });
  t.throws(() => openReply(payload, pending), { instanceOf: DecodeError }, 'a request is no reply');
});

test('hops refuse whatever is not a build message', (t) => {
  const { payload } = begin('outbound', 2);
  const first = routers[0];
  if (!first) return t.fail();
  onlyDecodeErrors(t, (bytes) => findRequest(bytes, hashBytes(first.hash), first.keys), payload);
  t.throws(() => findRequest(Buffer.of(9), hashBytes(first.hash), first.keys), { instanceOf: DecodeError });
  t.throws(() => findRequest(Buffer.of(0), hashBytes(first.hash), first.keys), { instanceOf: DecodeError });
});

test('other records are masked with ChaCha20 from block 1, the slot in the nonce', (t) => {
  const key = random(32);
  const record = random(BUILD_RECORD_SIZE);
  for (const slot of [0, 3, 7]) {
    const nonce = new Uint8Array(12);
    nonce[4] = slot;
    const expected = chacha20(key, nonce, record, undefined, 1);
    t.deepEqual(Buffer.from(maskRecord(key, slot, record)), Buffer.from(expected));
  }
});

test('slots are in random order, and every build has keys and numbers of its own', (t) => {
  const orders = new Set<string>();
  const ids = new Set<number>();
  for (let i = 0; i < 30; i++) {
    const { hops } = begin('outbound', 3).pending;
    orders.add(hops.map(({ slot }) => slot).join());
    for (const { receiveTunnelId } of hops) ids.add(receiveTunnelId);
  }
  t.true(orders.size > 10);
  t.is(ids.size, 90);
});
