import test from 'ava';
import { roomOf, type Source, sources } from './support/sources.ts';

/**
 * Room → what it imports, all of it: rooms of its own service, rooms of others, then packages. A row that names more or
 * less than is imported fails. `main.ts` and its like are rooms of one file.
 */
const ROOMS: Readonly<Record<string, string>> = {
  'common/bytes': '',
  'common/config': 'bytes net npm:yaml npm:zod',
  'common/contracts': 'npm:zod',
  'common/core': '',
  'common/lifecycle': 'bytes core net unix-json',
  'common/net': 'bytes',
  'common/observe': 'npm:pino',
  'common/socks': 'bytes contracts npm:socks',
  'common/text': 'net',
  'common/tor': 'bytes',
  'common/unix-json': 'bytes core net npm:zod',
  'forwarder/expressions': 'common/bytes npm:re2js',
  'forwarder/host':
    'common/bytes common/contracts common/core common/lifecycle common/net common/observe common/socks common/text common/unix-json expressions http i2p pages rewrite route rules socks syntax npm:socks',
  'forwarder/http': '',
  'forwarder/i2p': 'common/contracts common/core common/text http pages rewrite rules',
  'forwarder/main.ts': 'common/lifecycle common/observe host syntax',
  'forwarder/pages': 'common/text',
  'forwarder/rewrite': 'http rules syntax',
  'forwarder/route': 'rules syntax',
  'forwarder/rules': 'expressions syntax',
  'forwarder/socks': 'common/contracts common/socks common/text',
  'forwarder/syntax': 'common/bytes common/net expressions',
  'nftables-ts': 'npm:zod',
  'policy/host':
    'common/config common/contracts common/core common/lifecycle common/observe common/unix-json model nftables-ts ruleset state verify',
  'policy/main.ts': 'common/lifecycle host nftables-ts',
  'policy/model': 'common/config common/contracts common/observe npm:zod',
  'policy/ruleset': 'model nftables-ts',
  'policy/state': 'common/contracts common/unix-json model',
  'policy/verify': 'model nftables-ts ruleset',
  'router/client': 'common/bytes common/contracts common/net common/socks common/text',
  'router/crypto': 'common/bytes common/core npm:@noble/curves',
  'router/destination': 'common/bytes common/core garlic i2np wire',
  'router/garlic': 'common/bytes common/core crypto i2np wire',
  'router/host':
    'common/bytes common/config common/contracts common/core common/lifecycle common/net common/observe common/socks common/unix-json client names netdb node streaming wire npm:socks npm:zod',
  'router/i2np': 'common/bytes common/core crypto wire',
  'router/main.ts': 'common/lifecycle host',
  'router/names': 'common/bytes common/contracts common/text wire',
  'router/netdb': 'common/bytes common/core common/net common/observe crypto i2np tunnel wire npm:fflate',
  'router/node':
    'common/bytes common/core common/observe destination garlic i2np netdb ntcp2 peers streaming tunnel wire',
  'router/ntcp2': 'common/bytes common/core crypto i2np wire',
  'router/peers': 'common/bytes common/core common/net common/observe crypto wire',
  'router/streaming': 'common/bytes common/core crypto wire',
  'router/tunnel': 'common/bytes common/core crypto i2np wire',
  'router/wire': 'common/bytes common/core common/net crypto',
  'supervisor/cli.ts': 'common/contracts common/unix-json host',
  'supervisor/execute': 'common/bytes observe plan npm:zod',
  'supervisor/host':
    'common/bytes common/config common/contracts common/lifecycle common/observe common/tor common/unix-json execute leaktest observe plan npm:dockerode npm:zod',
  'supervisor/leaktest': 'common/contracts',
  'supervisor/main.ts': 'common/lifecycle host',
  'supervisor/observe': 'common/contracts npm:zod',
  'supervisor/plan': 'common/contracts observe',
  'tor-filter/filter': 'common/bytes',
  'tor-filter/host': 'common/config common/lifecycle common/net common/observe common/tor filter npm:zod',
  'tor-filter/main.ts': 'common/lifecycle host',
  'uplink/connect': 'common/bytes common/contracts common/net',
  'uplink/host':
    'common/bytes common/config common/contracts common/lifecycle common/net common/observe common/unix-json connect npm:zod',
  'uplink/main.ts': 'common/lifecycle host',
};

/** Rooms that may have sockets, files, the clock, entropy, timers and a log. */
const HAS_IO = /\/(?:host|main\.ts|cli\.ts)$/;
/** Files elsewhere that have some of it, or run code that has: what all services share. No core may run it. */
const SHARED_IO: readonly string[] = [
  'common/config/load.ts',
  'common/lifecycle/health.ts',
  'common/lifecycle/lifecycle.ts',
  'common/lifecycle/listen.ts',
  'common/lifecycle/run-service.ts',
  'common/net/abort.ts',
  'common/net/early-bytes.ts',
  'common/net/end-soon.ts',
  'common/net/framed.ts',
  'common/net/listen.ts',
  'common/net/splice.ts',
  'common/observe/logger.ts',
  'common/socks/client.ts',
  'common/socks/early-client.ts',
  'common/tor/control-socket.ts',
  'common/unix-json/ask.ts',
  'common/unix-json/serve.ts',
  'nftables-ts/exec.ts',
  'nftables-ts/nft.ts',
];

/** Modules and packages that only calculate, as long as nothing of `AMBIENT` is called. */
const PURE = /^(?:node:(?:crypto|zlib|util|buffer)|npm:(?:zod|yaml|fflate|re2js|@noble\/\w+))$/;
/** What node:net has for reading addresses. */
const PURE_NET: ReadonlySet<string> = new Set(['isIP', 'isIPv4', 'isIPv6', 'BlockList']);
/** The clock, entropy, timers, the process, a log. */
const AMBIENT =
  /\b(?:Date\.now|new Date\(\)|Math\.random|set(?:Timeout|Interval|Immediate)|performance\.|random(?:Bytes|FillSync|UUID|Int)\(|generateKeyPair(?:Sync)?\(|process\.|console\.(?:log|error|warn|info|debug)\b)/;

const all = sources();
const byFile = new Map(all.map((source) => [source.file, source]));

/** What a row of `ROOMS` has to say. */
function arrowsOf(room: string): string[] {
  const service = `${room.split('/')[0]}/`;
  const targets = all
    .filter((source) => source.room === room)
    .flatMap(({ imports }) => imports.map(({ target }) => target))
    .filter((target) => !target.startsWith('node:'))
    .map((target) => (target.startsWith('npm:') ? target : roomOf(target)))
    .filter((target) => target !== room);
  return [...new Set(targets)].map((target) =>
    target.startsWith(service) ? target.slice(service.length) : target,
  );
}

/** What a file takes from the machine by itself; empty when it only calculates. */
function takesOf({ imports, code }: Source): string[] {
  const outside = imports.filter(({ target, names }) => {
    if (target === 'node:net') return !names.every((name) => PURE_NET.has(name));
    return /^(?:node|npm):/.test(target) && !PURE.test(target);
  });
  return [...outside.map(({ target }) => target), ...(AMBIENT.exec(code) ?? [])];
}

test('every room imports what its row says, all of it and nothing else', (t) => {
  const rooms = [...new Set(all.map(({ room }) => room))];
  t.deepEqual(Object.keys(ROOMS).toSorted(), rooms.toSorted());
  for (const room of rooms) {
    t.deepEqual((ROOMS[room] ?? '').split(' ').filter(Boolean).toSorted(), arrowsOf(room).toSorted(), room);
  }
});

test('arrows go one way: no room is reached from itself', (t) => {
  const next = (room: string): string[] =>
    arrowsOf(room)
      .map((name) => (name in ROOMS ? name : `${room.split('/')[0]}/${name}`))
      .filter((name) => name in ROOMS);
  for (const room of Object.keys(ROOMS)) {
    const seen = new Set<string>();
    const open = next(room);
    for (let name = open.pop(); name !== undefined; name = open.pop()) {
      if (seen.has(name)) continue;
      seen.add(name);
      open.push(...next(name));
    }
    t.false(seen.has(room), room);
  }
});

test('services know common and nftables-ts, and no other service', (t) => {
  for (const { file, room, imports } of all) {
    const service = room.split('/')[0] ?? '';
    for (const { target } of imports.filter((it) => !/^(?:node|npm):/.test(it.target))) {
      const other = target.split('/')[0] ?? '';
      const allowed =
        other === service || other === 'common' || (other === 'nftables-ts' && service === 'policy');
      t.true(allowed && (service !== 'common' || other === 'common'), `${file} imports ${target}`);
    }
  }
});

/** Has I/O of its own, or runs code that has. */
function hasIo(source: Source): boolean {
  if (HAS_IO.test(source.room) || takesOf(source).length > 0) return true;
  return source.imports.some(({ target, typesOnly }) => {
    const other = typesOnly ? undefined : byFile.get(target);
    return other !== undefined && hasIo(other);
  });
}

test('only host has or runs I/O, clock, timers, entropy and a log, and the files that are named', (t) => {
  const found = all.filter((source) => !HAS_IO.test(source.room) && hasIo(source));
  t.deepEqual(
    found.map(({ file }) => file),
    SHARED_IO.toSorted(),
  );
});

test('the router reads no HTTP, and asks for none but reseed files', (t) => {
  const found = all.filter(
    ({ file, imports }) =>
      file.startsWith('router/') && imports.some(({ target }) => /\bhttps?\b|http2|undici/.test(target)),
  );
  t.deepEqual(
    found.map(({ file }) => file),
    ['router/host/reseed-fetch.ts'],
  );
  for (const { file, text } of all.filter(({ room }) => room.startsWith('router/'))) {
    if (file !== 'router/host/reseed-fetch.ts') t.notRegex(text, /HTTP\/1\.|HTTPParser/, file);
  }
});

test('the forwarder reads HTTP by its own codec, and by nothing else', (t) => {
  const forwarder = all.filter(({ file }) => file.startsWith('forwarder/'));
  t.true(forwarder.length > 100);
  for (const { file, imports } of forwarder) {
    for (const { target } of imports)
      t.notRegex(target, /^(?:node:(?:https?|http2|_http_\w+)|npm:(?:llhttp|http-parser-js|undici))$/, file);
  }
});

test('nftables-ts knows nothing of this project', (t) => {
  for (const { file, text } of all.filter(({ room }) => room === 'nftables-ts'))
    t.notRegex(text, /allium/i, file);
});

/** What parses HTTP, or serves it. The reseed asks one fixed path of servers by TLS, which node:https does for it. */
const HTTP = /^(?:node:(?:http|http2|_http_\w+)|npm:(?:llhttp|http-parser-js|undici)|forwarder\/.*)$/;

test('the router reads no HTTP, under any name', (t) => {
  const router = all.filter(({ file }) => file.startsWith('router/'));
  t.true(router.length > 100);
  for (const { file, code, imports } of router) {
    t.notRegex(file, /http|html|page/i);
    for (const { target } of imports) t.notRegex(target, HTTP, file);
    if (file !== 'router/host/reseed-fetch.ts') {
      for (const { target } of imports) t.not(target, 'node:https', file);
      t.notRegex(code, /HTTP\/\d|Content-Length|Transfer-Encoding/i, file);
    }
  }
});
