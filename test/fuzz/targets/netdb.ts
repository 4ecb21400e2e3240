import { generateKeyPairSync } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decode, encode } from '@allium/common/bytes/codec.ts';
import { databaseLookupCodec } from '@allium/router/i2np/database-lookup.ts';
import { databaseSearchReplyCodec } from '@allium/router/i2np/database-search-reply.ts';
import { databaseStoreCodec } from '@allium/router/i2np/database-store.ts';
import { unpackBundle } from '@allium/router/netdb/bundle.ts';
import { NetDbCore } from '@allium/router/netdb/netdb-core.ts';
import type { NetDbInput, NetDbOutput } from '@allium/router/netdb/netdb-events.ts';
import { ReseedError, verifyBundle } from '@allium/router/netdb/reseed.ts';
import { decodeSu3, readSignerCertificate, verifySu3 } from '@allium/router/netdb/su3.ts';
import { firstHopCodec } from '@allium/router/peers/first-hop-row.ts';
import { profileCodec } from '@allium/router/peers/profile.ts';
import { destHash, hashBytes, routerHash } from '@allium/router/wire/hash.ts';
import { decodeRouterInfo } from '@allium/router/wire/router-info.ts';
import { createRouterKeys } from '@allium/router/wire/router-keys.ts';
import { makeSu3, makeZip, type Signer, type ZipEntry } from '../../router/netdb/make-su3.ts';
import { Chance } from '../engine/chance.ts';
import { pieces, Script } from '../engine/script.ts';
import { promise, type Targets, unlessRefused } from '../engine/target.ts';
import { NET_ID, NOW, oddLeaseSet, oddRouterInfo, ROUTER } from './forge.ts';
import { oddBody, storeMessage } from './forge-messages.ts';
import { codecTarget } from './wire.ts';

const fixed = new Chance('netdb');
const CERTIFICATES = join(import.meta.dirname, '../../../services/router/netdb/certificates');
const RULES = { netId: NET_ID, allowPrivateAddresses: true };
const SELF = createRouterKeys(fixed.random).identity.hash;
const SIGNER_ID = 'nobody@example';
const SERVER = { url: 'https://reseed.example/', signerId: SIGNER_ID };

/** Made when it is first needed, for it takes a second: no input that is kept depends on it. */
let signer: Signer | undefined;
const ownSigner = (): Signer => {
  signer ??= generateKeyPairSync('rsa', { modulusLength: 4_096 });
  return signer;
};
const certificate = () => ({
  signerId: SIGNER_ID,
  validFrom: NOW - 1,
  validTo: NOW + 1e10,
  key: ownSigner().publicKey,
});

function oddZip(chance: Chance): Buffer {
  const entries = Array.from({ length: chance.oneIn(60) ? 510 : chance.below(5) }, (_, at): ZipEntry => {
    const bytes = chance.oneIn(6) ? Buffer.alloc(chance.below(100_000)) : oddRouterInfo(chance);
    const name = chance.oneIn(5) ? `odd${at}` : `routerInfo-${nameOf(bytes)}.dat`;
    const lie = chance.oneIn(6) ? { claimedSize: chance.below(4_000) } : {};
    return { name, bytes, stored: chance.oneIn(3), ...lie, ...(chance.oneIn(12) ? { method: 14 } : {}) };
  });
  return makeZip(entries, chance.oneIn(8) ? chance.below(70_000) : entries.length);
}

function nameOf(bytes: Uint8Array): string {
  return unlessRefused(() => decodeRouterInfo(bytes))?.hash ?? `${'A'.repeat(43)}=`;
}

/** The header of an SU3 file with lengths that fit. */
function su3Of(content: Uint8Array): Buffer {
  const header = Buffer.alloc(40);
  header.write('I2Psu3', 0, 'latin1');
  header.set([6, 2, 0], 9);
  header[13] = 16;
  header[15] = SIGNER_ID.length;
  header.writeUInt32BE(content.length, 20);
  header[27] = 3;
  return Buffer.concat([
    header,
    Buffer.from('1795521600\0\0\0\0\0\0'),
    Buffer.from(SIGNER_ID),
    content,
    Buffer.alloc(512),
  ]);
}

/** A core that has asked somebody, and then gets whatever there is. */
function playNetDb(input: Buffer): unknown {
  const script = new Script(input);
  const floodfill = script.below(2) === 0;
  const core = new NetDbCore({
    ...RULES,
    self: SELF,
    random: new Chance('core').random,
    floodfill,
    publishRouterInfo: false,
    ownRouterInfo: () => undefined,
  });
  const queries: number[] = [];
  let now = NOW;
  const step = (what: NetDbInput): void => {
    const outputs = core.step(what, now);
    promise(outputs.length <= 1_000, 'so much comes of one input');
    for (const output of outputs) noteQuery(output, queries);
  };
  for (const info of FLOODFILLS) step({ kind: 'add', routerInfo: info });
  step({ kind: 'lookup', hash: WANTED, pool: 1, refresh: false });
  for (let steps = 0; !script.ended && steps < 24; steps++) {
    const kind = script.below(7);
    const query = script.below(3) === 0 ? script.u8() : queries[script.below(queries.length)];
    const asked = query === undefined ? {} : { query };
    const bytes = script.piece();
    if (kind < 3)
      unlessRefused(() => step({ kind: 'store', body: decode(databaseStoreCodec, bytes), ...asked }));
    else if (kind === 3)
      unlessRefused(() =>
        step({ kind: 'searchReply', body: decode(databaseSearchReplyCodec, bytes), ...asked }),
      );
    else if (kind === 4)
      unlessRefused(() => step({ kind: 'databaseLookup', body: decode(databaseLookupCodec, bytes) }));
    else if (kind === 5) step({ kind: 'unsent', id: query ?? 1 });
    else {
      now += script.pick([100, 3_000, 11_000, 700_000]);
      step({ kind: 'tick' });
    }
    promise(core.routers.size <= 10_000, 'so many routers');
  }
  return queries.length;
}

function noteQuery(output: NetDbOutput, queries: number[]): void {
  if (output.kind === 'query' && queries.length < 16) queries.push(output.id);
}

const WANTED = destHash(Buffer.alloc(32, 4));
const FLOODFILLS = Array.from({ length: 60 }, () => oddRouterInfo(fixed))
  .map((raw) => unlessRefused(() => decodeRouterInfo(raw)))
  .filter((info) => info !== undefined);

const PEMS = readdirSync(CERTIFICATES)
  .slice(0, 3)
  .map((file) => readFileSync(join(CERTIFICATES, file)));

export const TARGETS: Targets = {
  'router/netdb/bundle unpackBundle': {
    slow: true,
    run(input) {
      let bytes = 0;
      for (const [, file] of unpackBundle(input)) {
        promise(file.length <= 3_072, 'at most 3072 bytes each');
        bytes += file.length;
      }
      promise(bytes <= 500 * 3_072, 'so many bytes of one bundle');
      return bytes;
    },
    make: oddZip,
    longest: 40_000,
  },
  'router/netdb/lookups Lookups.open': 'questions of ours',
  'router/netdb/netdb-core NetDbCore.step': {
    run: playNetDb,
    slow: true,
    make: (chance) => {
      const steps = Array.from({ length: 1 + chance.below(6) }, () => {
        const body = chance.oneIn(3)
          ? oddBody(chance).payload
          : storeMessage(
              chance,
              chance.oneIn(2) ? oddRouterInfo(chance) : oddLeaseSet(chance),
              chance.oneIn(2) ? 0 : 3,
            );
        return Buffer.concat([chance.bytes(3), pieces(body.subarray(0, 4_000))]);
      });
      return Buffer.concat([chance.bytes(1), ...steps]);
    },
    longest: 20_000,
  },
  'router/netdb/reseed verifyBundle': {
    run: (input) => verifyBundle(input, SERVER, [certificate()], RULES, NOW),
    refuses: (error) => error instanceof ReseedError,
    seeds: () => [su3Of(oddZip(fixed))],
    make: (chance) => su3Of(oddZip(chance)),
    longest: 40_000,
  },
  'router/netdb/reseed verifyBundle (signed)': {
    // A signature of RSA-4096 takes milliseconds: few, of what only comes behind it.
    slow: true,
    run(input) {
      const file = makeSu3(ownSigner(), { signerId: SIGNER_ID, content: input, version: '1795521600' });
      const { routerInfos, refused } = verifyBundle(file, SERVER, [certificate()], RULES, NOW);
      promise(routerInfos.length <= 500, 'at most 500 routers');
      return [routerInfos.map(({ hash }) => hash), refused];
    },
    refuses: (error) => error instanceof ReseedError,
    make: oddZip,
    longest: 40_000,
  },
  'router/netdb/su3 decodeSu3': {
    run: decodeSu3,
    seeds: () => [su3Of(Buffer.from('content'))],
    words: ['I2Psu3', Buffer.of(6, 2, 0), SIGNER_ID],
  },
  'router/netdb/su3 readSignerCertificate': {
    run: (input) => readSignerCertificate(input.toString('latin1')),
    seeds: () => PEMS,
  },
  'router/netdb/su3 verifySu3': {
    run: (input) => verifySu3(decodeSu3(input), certificate(), NOW),
    seeds: () => [su3Of(Buffer.from('content'))],
  },
  'router/peers/first-hop-row firstHopCodec': codecTarget(firstHopCodec, {
    seeds: () => [
      encode(firstHopCodec, { rank: 7, drawnAt: NOW, until: NOW, provenAt: 0, unlistedSince: 0 }),
    ],
  }),
  'router/peers/profile profileCodec': codecTarget(profileCodec, {
    seeds: () => [
      Buffer.concat([Buffer.of(1), Buffer.alloc(8), Buffer.alloc(8), Buffer.of(255), Buffer.alloc(24)]),
    ],
    longest: 64,
  }),
  'router/wire/hash routerHash': {
    // Other lengths are our own mistake.
    run: (input) => promise(Buffer.from(hashBytes(routerHash(input))).equals(input), 'a hash and its text'),
    refuses: (error) => error instanceof RangeError,
    seeds: () => [hashBytes(ROUTER.identity.hash)],
    longest: 48,
  },
};
