import { STREAM_REFUSALS, VISITOR_MAX } from '@allium/common/contracts/streams.ts';
import {
  type SocksAsk,
  SocksAsking,
  type SocksAskOutput,
  socks5Request,
} from '@allium/common/socks/asking.ts';
import { socks5Reply } from '@allium/common/socks/replies.ts';
import { SocksServer, type SocksServerOutput } from '@allium/common/socks/server.ts';
import test from 'ava';
import fc from 'fast-check';

const request = socks5Request(1, 'foo.i2p', 80);
const login = { user: Buffer.from('key'), password: Buffer.from('') };
const GRANTED = socks5Reply(0);

function feed(asking: SocksAsking, bytes: Uint8Array, size: number): SocksAskOutput[] {
  const out: SocksAskOutput[] = [];
  for (let at = 0; at < bytes.length; at += size) out.push(...asking.take(bytes.subarray(at, at + size)));
  return out;
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const kinds = (out: SocksAskOutput[]): string[] => out.map(({ kind }) => kind);

test('everything is said at once where the server is known', (t) => {
  const asking = new SocksAsking({ request, login, early: Buffer.from('GET'), atOnce: true, replies: 1 });
  t.is(hex(asking.start()), `05010201036b657900${hex(request)}474554`);
  for (const size of [1, 3, 99]) {
    const again = new SocksAsking({ request, login, atOnce: true, replies: 1 });
    const out = feed(again, Buffer.concat([Buffer.of(5, 2, 1, 0), GRANTED, Buffer.from('hi')]), size);
    t.is(out[0]?.kind === 'reply' ? hex(out[0].raw) : '', hex(GRANTED));
    t.deepEqual(kinds(out), ['reply', 'done']);
  }
});

test('elsewhere every message waits for the answer to the one before', (t) => {
  const asking = new SocksAsking({ request, login, early: Buffer.from('GET'), atOnce: false, replies: 1 });
  t.is(hex(asking.start()), '050102');
  t.deepEqual(asking.take(Buffer.of(5)), []);
  t.deepEqual(asking.take(Buffer.of(2)).map(sentBy), ['01036b657900']);
  t.deepEqual(asking.take(Buffer.of(1, 0)).map(sentBy), [`${hex(request)}474554`]);
  t.deepEqual(kinds(asking.take(GRANTED)), ['reply', 'done']);
  const plain = new SocksAsking({ request, atOnce: false, replies: 1 });
  t.is(hex(plain.start()), '050100');
  t.deepEqual(plain.take(Buffer.of(5, 0)).map(sentBy), [hex(request)]);
});

function sentBy(output: SocksAskOutput): string {
  return output.kind === 'send' ? hex(output.bytes) : output.kind;
}

test('what follows the last reply is data, however much', (t) => {
  const asking = new SocksAsking({ request, atOnce: true, replies: 1 });
  const rest = Buffer.alloc(64 * 1024, 1);
  const out = asking.take(Buffer.concat([Buffer.of(5, 0), GRANTED, rest]));
  const last = out.at(-1);
  t.true(last?.kind === 'done' && rest.equals(last.rest));
  t.deepEqual(asking.take(rest), []);
});

test('BIND has two replies, the second with a visitor', (t) => {
  const ask: SocksAsk = { request: socks5Request(2, 'shop', 0), login, atOnce: true, replies: 2 };
  const destination = new Uint8Array(VISITOR_MAX).fill(7);
  const answer = Buffer.concat([
    Buffer.of(5, 2, 1, 0),
    socks5Reply(0, { kind: 'name', name: 'abc.b32.i2p' }),
    socks5Reply(0, { kind: 'visitor', destination }, 443),
    Buffer.from('GET /'),
  ]);
  for (const size of [1, 1_000, answer.length]) {
    const out = feed(new SocksAsking(ask), answer, size);
    const replies = out.flatMap((output) => (output.kind === 'reply' ? [output.reply] : []));
    t.deepEqual(replies, [
      { code: 0, address: { kind: 'name', name: 'abc.b32.i2p' }, port: 0 },
      { code: 0, address: { kind: 'visitor', destination }, port: 443 },
    ]);
  }
  const refused = feed(
    new SocksAsking(ask),
    Buffer.concat([Buffer.of(5, 2, 1, 0), socks5Reply(STREAM_REFUSALS['unknown-destination'])]),
    1,
  );
  t.deepEqual(kinds(refused), ['reply', 'done']);
});

for (const [title, bytes] of [
  ['another version', Buffer.of(4, 0)],
  ['a method that was not offered', Buffer.of(5, 0)],
  ['no method', Buffer.of(5, 0xff)],
  ['a refused login', Buffer.of(5, 2, 1, 1)],
  ['an unknown address type', Buffer.of(5, 2, 1, 0, 5, 0, 0, 9, 0, 0)],
  ['a visitor of too many bytes', Buffer.of(5, 2, 1, 0, 5, 0, 0, 0xe0, 0xff, 0xff)],
] as const) {
  test(`${title} is a fault, once`, (t) => {
    const asking = new SocksAsking({ request, login, atOnce: true, replies: 1 });
    t.deepEqual(kinds(feed(asking, bytes, 1)), ['fault']);
    t.deepEqual(asking.take(GRANTED), []);
  });
}

test('noise from a server never throws', (t) => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 600 }), { maxLength: 12 }), (parts) => {
      const asking = new SocksAsking({ request, atOnce: true, replies: 2 });
      const out = parts.flatMap((part) => asking.take(part));
      t.true(out.filter(({ kind }) => kind === 'fault' || kind === 'done').length <= 1);
    }),
  );
});

test('our client and our server understand each other in any pieces', (t) => {
  const cut = fc.integer({ min: 1, max: 40 });
  const user = fc.uint8Array({ maxLength: 255 });
  fc.assert(
    fc.property(cut, user, fc.boolean(), fc.uint8Array({ maxLength: 200 }), (size, name, atOnce, early) => {
      const asking = new SocksAsking({
        request,
        login: { user: name, password: new Uint8Array(0) },
        early,
        atOnce,
        replies: 1,
      });
      const got = talk(asking, new SocksServer({ versions: [5] }), size);
      t.deepEqual(Buffer.from(got.key), Buffer.from(name));
      t.deepEqual(Buffer.from(got.early), Buffer.from(early));
      t.true(got.done);
    }),
  );
});

/** Carries bytes both ways until nobody has more to say; the request is granted when nothing is under way. */
function talk(asking: SocksAsking, server: SocksServer, size: number) {
  let [toServer, toClient] = [Buffer.from(asking.start()), Buffer.alloc(0)];
  const got = { key: new Uint8Array(0), early: new Uint8Array(0), done: false, asked: false };
  const serve = (outputs: readonly SocksServerOutput[]): void => {
    for (const output of outputs) {
      if (output.kind === 'send') toClient = Buffer.concat([toClient, output.bytes]);
      if (output.kind === 'relay') got.early = new Uint8Array(output.early);
      if (output.kind !== 'request') continue;
      got.asked = true;
      got.key = new Uint8Array(output.login?.user ?? []);
    }
  };
  const answer = (outputs: readonly SocksAskOutput[]): void => {
    for (const output of outputs) {
      if (output.kind === 'send') toServer = Buffer.concat([toServer, output.bytes]);
      got.done ||= output.kind === 'done';
    }
  };
  while (!got.done) {
    const [forServer, forClient] = [toServer.subarray(0, size), toClient.subarray(0, size)];
    [toServer, toClient] = [toServer.subarray(size), toClient.subarray(size)];
    serve(server.step({ kind: 'bytes', bytes: forServer }, 0));
    answer(asking.take(forClient));
    if (toServer.length + toClient.length > 0) continue;
    if (!got.asked) break;
    serve(server.step({ kind: 'granted' }, 0));
  }
  return got;
}
