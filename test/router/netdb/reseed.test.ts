import { execFileSync } from 'node:child_process';
import { createHash, createSign } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DecodeError } from '@allium/common/bytes/errors.ts';
import { randomBelow } from '@allium/common/core/random.ts';
import test from 'ava';
import { MAX_BUNDLE_ENTRIES, unpackBundle } from '../../../services/router/netdb/bundle.ts';
import {
  type Bundle,
  bundleUrl,
  combineBundles,
  MAX_PER_BUNDLE,
  orderServers,
  ReseedError,
  verifyBundle,
} from '../../../services/router/netdb/reseed.ts';
import { RESEED_SERVERS } from '../../../services/router/netdb/reseed-servers.ts';
import {
  decodeSu3,
  MAX_SU3_SIZE,
  readSignerCertificate,
  verifySu3,
} from '../../../services/router/netdb/su3.ts';
import { allowed } from '../../netns/support/machine.ts';
import { missing } from '../../support/debian.ts';
import { recordedEntropy } from '../../support/entropy.ts';
import { makeRouter, NET_ID, NOW } from './make.ts';
import { makeSu3, makeZip, rawSignature, rsaSigner, selfSigned, type ZipEntry } from './make-su3.ts';

const DAY = 86_400_000;
const SIGNER_ID = 'tester@mail.i2p';
const RULES = { netId: NET_ID, allowPrivateAddresses: false };
const SERVER = { url: 'https://reseed.example/', signerId: SIGNER_ID };
const VERSION = String(Math.floor(NOW / 1000) - 3600);

const signer = rsaSigner();
const pem = selfSigned(signer, SIGNER_ID, NOW - 100 * DAY, NOW + 100 * DAY);
const certificate = readSignerCertificate(pem);
const routers = Array.from({ length: 30 }, (_, i) => makeRouter(`reseed ${i}`));
const entries: ZipEntry[] = routers.map((info) => ({ name: `routerInfo-${info.hash}.dat`, bytes: info.raw }));
const good = makeSu3(signer, { signerId: SIGNER_ID, content: makeZip(entries), version: VERSION });

function signed(content: Uint8Array, more: object = {}): Buffer {
  return makeSu3(signer, { signerId: SIGNER_ID, content, version: VERSION, ...more });
}

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof ReseedError) return error.code;
    throw error;
  }
  return 'accepted';
}

const verify = (bytes: Uint8Array, now = NOW): Bundle =>
  verifyBundle(bytes, SERVER, [certificate], RULES, now);

test('a genuine bundle gives its RouterInfos', (t) => {
  const bundle = verify(good);
  t.deepEqual(
    bundle.routerInfos.map(({ hash }) => hash).toSorted(),
    routers.map(({ hash }) => hash).toSorted(),
  );
  t.deepEqual(bundle.refused, {});
  t.is(bundle.signerId, SIGNER_ID);
});

test('the header of a genuine file reads as written', (t) => {
  const su3 = decodeSu3(good);
  t.is(su3.version, VERSION);
  t.is(su3.signerId, SIGNER_ID);
  t.is(su3.contentType, 3);
  t.is(su3.fileType, 0);
  t.is(su3.signed.length + 512, good.length);
});

test('OpenSSL verifies the same bare-hash signature, and refuses it as ordinary RSA-SHA512', (t) => {
  if (!allowed(t, missing('openssl'))) return;
  const su3 = decodeSu3(good);
  const dir = mkdtempSync(join(tmpdir(), 'su3-'));
  try {
    writeFileSync(join(dir, 'hash'), createHash('sha512').update(su3.signed).digest());
    writeFileSync(join(dir, 'sig'), su3.signature);
    writeFileSync(join(dir, 'cert'), pem);
    const bare = ['pkeyutl', '-verify', '-certin', '-inkey', 'cert', '-in', 'hash', '-sigfile', 'sig'];
    t.regex(String(execFileSync('openssl', bare, { cwd: dir })), /Verified Successfully/);
    t.throws(() =>
      execFileSync('openssl', [...bare, '-pkeyopt', 'digest:sha512'], { cwd: dir, stdio: 'ignore' }),
    );
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test('an ordinary RSA-SHA512 signature (with DigestInfo) is not what SU3 wants', (t) => {
  const data = good.subarray(0, good.length - 512);
  const bytes = Buffer.concat([data, createSign('RSA-SHA512').update(data).sign(signer.privateKey)]);
  t.is(
    codeOf(() => verify(bytes)),
    'signature',
  );
});

test('a flipped bit anywhere is noticed', (t) => {
  const header = Array.from({ length: 40 + 16 + SIGNER_ID.length }, (_, i) => i);
  const rest = Array.from({ length: 60 }, (_, i) => 71 + Math.floor((i * (good.length - 72)) / 60));
  const signature = [good.length - 512, good.length - 200, good.length - 1];
  for (const at of [...header, ...rest, ...signature]) {
    const bytes = Buffer.from(good);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << (at % 8));
    t.not(
      codeOf(() => verify(bytes)),
      'accepted',
      `byte ${at}`,
    );
  }
});

test('every shorter or longer file is a format error', (t) => {
  for (const length of [0, 5, 6, 7, 39, 40, 55, 70, good.length - 512, good.length - 1]) {
    t.is(
      codeOf(() => verify(good.subarray(0, length))),
      'format',
      `${length} bytes`,
    );
  }
  t.is(
    codeOf(() => verify(Buffer.concat([good, Buffer.of(0)]))),
    'format',
  );
  t.throws(() => decodeSu3(Buffer.alloc(MAX_SU3_SIZE + 1)), { instanceOf: DecodeError });
});

test('a content length that lies about more than there is costs nothing', (t) => {
  const bytes = Buffer.from(good);
  bytes.writeBigUInt64BE((1n << 52n) - 1n, 16);
  t.is(
    codeOf(() => verify(bytes)),
    'format',
  );
  bytes.writeBigUInt64BE((1n << 64n) - 1n, 16);
  t.is(
    codeOf(() => verify(bytes)),
    'format',
  );
});

test('other content and file types are no reseed files', (t) => {
  t.is(
    codeOf(() => verify(signed(makeZip(entries), { contentType: 4 }))),
    'format',
  );
  t.is(
    codeOf(() => verify(signed(makeZip(entries), { fileType: 1 }))),
    'format',
  );
});

test('the certificate must be valid at the time, both ends included', (t) => {
  const at = (now: number): string => verifySu3(decodeSu3(good), certificate, now);
  t.is(at(NOW - 100 * DAY - 1000), 'certificate-date');
  t.is(at(NOW - 100 * DAY), 'valid');
  t.is(at(NOW + 100 * DAY), 'valid');
  t.is(at(NOW + 100 * DAY + 1000), 'certificate-date');
  t.is(
    codeOf(() => verify(good, NOW + 101 * DAY)),
    'certificate-date',
  );
});

test('another signer than the server has, or one without certificate, is refused', (t) => {
  const other = { ...SERVER, signerId: 'other@mail.i2p' };
  t.is(
    codeOf(() => verifyBundle(good, other, [certificate], RULES, NOW)),
    'signer',
  );
  t.is(
    codeOf(() => verifyBundle(good, SERVER, [], RULES, NOW)),
    'signer',
  );
});

test('a signer who renewed has two certificates, and one that fits is enough', (t) => {
  const expired = readSignerCertificate(selfSigned(signer, SIGNER_ID, NOW - 9 * DAY, NOW - DAY));
  t.is(verifyBundle(good, SERVER, [expired, certificate], RULES, NOW).routerInfos.length, 30);
  t.is(
    codeOf(() => verifyBundle(good, SERVER, [expired], RULES, NOW)),
    'certificate-date',
  );
});

test('a certificate of the same name with another key does not help', (t) => {
  const forged = readSignerCertificate(selfSigned(rsaSigner(), SIGNER_ID, NOW - DAY, NOW + DAY));
  t.is(
    codeOf(() => verifyBundle(good, SERVER, [forged], RULES, NOW)),
    'signature',
  );
});

test('a bundle is at most two weeks old', (t) => {
  const made = (ms: number): string =>
    codeOf(() => verify(signed(makeZip(entries), { version: String(Math.floor(ms / 1000)) })));
  t.is(made(NOW - 13 * DAY), 'accepted');
  t.is(made(NOW - 15 * DAY), 'bundle-date');
  t.is(made(NOW + 2 * DAY), 'bundle-date');
  t.is(
    codeOf(() => verify(signed(makeZip(entries), { version: '0.9.67' }))),
    'bundle-date',
  );
});

test('a certificate whose key is of no kind that anybody knows is refused', (t) => {
  const hex = Buffer.from(pem.replaceAll(/-----.*-----|\n/g, ''), 'base64').toString('hex');
  // rsaEncryption, and a number that nobody has given
  const der = Buffer.from(hex.replace('2a864886f70d010101', '2a864886f70d010163'), 'hex');
  const lines = (der.toString('base64').match(/.{1,64}/g) ?? []).join('\n');
  const odd = `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
  t.throws(() => readSignerCertificate(odd), { instanceOf: DecodeError });
});

test('certificates that are none, too short or nameless are refused', (t) => {
  t.throws(() => readSignerCertificate('garbage'), { instanceOf: DecodeError });
  const weak = selfSigned(rsaSigner(1024), SIGNER_ID, NOW, NOW + DAY);
  t.throws(() => readSignerCertificate(weak), { instanceOf: DecodeError });
});

test('bad RouterInfos are left out and counted, good ones stay', (t) => {
  const [first, second] = entries as [ZipEntry, ZipEntry];
  const flipped = Buffer.from(first.bytes);
  flipped[450] = (flipped[450] ?? 0) ^ 1;
  const foreign = makeRouter('foreign', { netId: '2' });
  const zip = makeZip([
    { name: first.name, bytes: flipped },
    second,
    { name: `routerInfo-${foreign.hash}.dat`, bytes: foreign.raw },
    { name: `routerInfo-${routers[3]?.hash}.dat`, bytes: routers[4]?.raw ?? Buffer.of() },
    { name: 'README.txt', bytes: Buffer.from('hello') },
    { name: '../routerInfo-x.dat', bytes: second.bytes },
  ]);
  const bundle = verify(signed(zip));
  t.deepEqual(
    bundle.routerInfos.map(({ hash }) => hash),
    [routers[1]?.hash],
  );
  const { 'net-id': network, name, ...others } = bundle.refused;
  t.deepEqual([network, name], [1, 1]);
  t.is(
    Object.values(others).reduce((sum, n) => sum + n, 0),
    1,
  );
});

test('a bundle without one usable RouterInfo is empty', (t) => {
  t.is(
    codeOf(() => verify(signed(makeZip([{ name: 'x', bytes: Buffer.of(1) }])))),
    'empty',
  );
  t.is(
    codeOf(() => verify(signed(makeZip([])))),
    'empty',
  );
});

test('content that is no ZIP is a format error', (t) => {
  t.is(
    codeOf(() => verify(signed(Buffer.alloc(500, 1)))),
    'format',
  );
  t.is(
    codeOf(() => verify(signed(Buffer.alloc(0)))),
    'format',
  );
});

const name = (i: number): string => `routerInfo-${String(i).padStart(43, 'A')}=.dat`;
const bombs: [string, Buffer][] = [
  ['an entry of 10 MB zeros', makeZip([{ name: name(1), bytes: Buffer.alloc(10_000_000) }])],
  ['an entry that unpacks to far more than it has', makeZip([{ name: name(1), bytes: Buffer.alloc(3000) }])],
  [
    'an entry of 3,073 bytes',
    makeZip([{ name: name(1), bytes: recordedEntropy('big')(3073), stored: true }]),
  ],
  [
    'too many entries',
    makeZip(
      Array.from({ length: MAX_BUNDLE_ENTRIES + 1 }, (_, i) => ({ name: name(i), bytes: Buffer.of(1) })),
    ),
  ],
  [
    'one name twice',
    makeZip([
      { name: name(1), bytes: Buffer.of(1) },
      { name: name(1), bytes: Buffer.of(2) },
    ]),
  ],
  ['65,535 entries claimed, one there', makeZip([{ name: name(1), bytes: Buffer.of(1) }], 65_535)],
  ['an unknown compression', makeZip([{ name: name(1), bytes: Buffer.of(1), method: 14 }])],
];
for (const [what, zip] of bombs) {
  test(`a ZIP with ${what} is refused whole`, (t) => {
    t.throws(() => [...unpackBundle(zip)], { instanceOf: DecodeError });
    t.is(
      codeOf(() => verify(signed(zip))),
      'format',
    );
  });
}

test('an entry that lies about its size is cut to it', (t) => {
  // 3 MB of zeros in 3 kB; the directory says 2,999 bytes
  const zip = makeZip([{ name: name(1), bytes: Buffer.alloc(2_900_000), claimedSize: 2_999 }]);
  t.deepEqual(
    [...unpackBundle(zip)].map(([, bytes]) => bytes.length),
    [2_999],
  );
});

test('the mutated ZIPs throw nothing but DecodeError', (t) => {
  const zip = makeZip(entries.slice(0, 3));
  const random = recordedEntropy('zip');
  for (let i = 0; i < 400; i++) {
    const bytes = Buffer.from(zip);
    for (let n = 0; n < 3; n++) bytes[randomBelow(random, zip.length)] = random(1)[0] ?? 0;
    try {
      for (const [, file] of unpackBundle(bytes)) t.true(file.length <= 3200);
    } catch (error) {
      t.true(error instanceof DecodeError);
    }
  }
  t.pass();
});

test('a bundle full of lying entries is given up after some', (t) => {
  const bytes = Buffer.alloc(2_900_000);
  const content = makeZip(
    Array.from({ length: 300 }, (_, i) => ({ name: name(i), bytes, claimedSize: 2_999 })),
  );
  const bundle = signed(content);
  const started = process.cpuUsage();
  t.is(
    codeOf(() => verify(bundle)),
    'format',
  );
  const { user, system } = process.cpuUsage(started);
  t.true(user + system < 3_000_000, 'all 300 would take longer');
});

test('two signers are the least, and the newest RouterInfo of each router wins', (t) => {
  const old = makeRouter('twice', { published: NOW - 9000 });
  const young = makeRouter('twice', { published: NOW - 1000 });
  const bundle = (signerId: string, routerInfos: typeof routers): Bundle => ({
    url: '',
    signerId,
    routerInfos,
    refused: {},
  });
  const random = recordedEntropy('combine');
  const all = combineBundles([bundle('a', [...routers, young]), bundle('b', [old])], random);
  t.is(all.length, 31);
  t.is(
    all.find(({ hash }) => hash === old.hash),
    young,
  );
  t.is(
    codeOf(() => combineBundles([bundle('a', routers), bundle('a', routers)], random)),
    'few-bundles',
  );
  t.is(
    codeOf(() =>
      combineBundles([bundle('a', routers.slice(5, 14)), bundle('b', routers.slice(5, 20))], random),
    ),
    'few-routers',
  );
  const limits = { minBundles: 1, minRouters: 1 };
  t.is(combineBundles([bundle('a', [old])], random, limits).length, 1);
});

test('no server decides for the others by sending more', (t) => {
  const many = Array.from({ length: MAX_PER_BUNDLE + 40 }, (_, i) => makeRouter(`many ${i}`));
  const bundles = [
    { url: '', signerId: 'a', routerInfos: many, refused: {} },
    { url: '', signerId: 'b', routerInfos: routers, refused: {} },
  ];
  t.is(combineBundles(bundles, recordedEntropy('x')).length, MAX_PER_BUNDLE + 30);
});

test('servers are asked in random order, different signers first', (t) => {
  const firsts = new Set<string>();
  for (let i = 0; i < 40; i++) {
    const order = orderServers(RESEED_SERVERS, recordedEntropy(`order ${i}`));
    t.deepEqual(order.map(({ url }) => url).toSorted(), RESEED_SERVERS.map(({ url }) => url).toSorted());
    const signers = new Set(RESEED_SERVERS.map(({ signerId }) => signerId)).size;
    t.is(new Set(order.slice(0, signers).map(({ signerId }) => signerId)).size, signers);
    firsts.add(order[0]?.url ?? '');
  }
  t.true(firsts.size > 4);
});

test('the address of a bundle names the network, and never goes without TLS', (t) => {
  t.is(bundleUrl(SERVER, 2), 'https://reseed.example/i2pseeds.su3?netid=2');
  t.throws(() => bundleUrl({ ...SERVER, url: 'http://reseed.example/' }, 2), { instanceOf: RangeError });
});

test('every default server has a pinned certificate of its signer, valid today', (t) => {
  const folder = new URL('../../../services/router/netdb/certificates/', import.meta.url);
  const pinned = readdirSync(folder)
    .filter((file) => file.endsWith('.crt'))
    .map((file) => ({ file, ...readSignerCertificate(readFileSync(new URL(file, folder), 'utf8')) }));
  for (const { file, signerId, key } of pinned) {
    t.is(file, `${signerId.replace('@', '_at_')}.crt`);
    t.is(key.type, 'public');
  }
  for (const { url, signerId } of RESEED_SERVERS) {
    t.regex(url, /^https:\/\/.+\/$/);
    t.true(
      pinned.some((one) => one.signerId === signerId && one.validFrom < NOW && one.validTo > NOW),
      url,
    );
  }
});

test('a signature made for other bytes does not fit', (t) => {
  const data = good.subarray(0, good.length - 512);
  const bytes = Buffer.concat([data, rawSignature(signer, Buffer.from('other'))]);
  t.is(
    codeOf(() => verify(bytes)),
    'signature',
  );
});
