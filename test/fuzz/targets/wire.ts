import { verify } from 'node:crypto';
import { type Codec, decode, encode } from '@allium/common/bytes/codec.ts';
import { ByteReader } from '@allium/common/bytes/reader.ts';
import { verifySignature } from '@allium/router/crypto/signature.ts';
import { certificateCodec } from '@allium/router/wire/certificate.ts';
import { destinationCodec, destinationKeysCodec } from '@allium/router/wire/destination.ts';
import { readKeysAndCert } from '@allium/router/wire/keys-and-cert.ts';
import { leaseCodec } from '@allium/router/wire/lease.ts';
import { decodeLeaseSet2 } from '@allium/router/wire/lease-set2.ts';
import { mappingCodec } from '@allium/router/wire/mapping.ts';
import { readOfflineSignature } from '@allium/router/wire/offline-signature.ts';
import { routerAddressCodec } from '@allium/router/wire/router-address.ts';
import { familyName, ntcp2Address, ntcp2StaticKeys, routerCaps } from '@allium/router/wire/router-caps.ts';
import { routerIdentityCodec } from '@allium/router/wire/router-identity.ts';
import { decodeRouterInfo, type RouterInfo, routerInfoCodec } from '@allium/router/wire/router-info.ts';
import { stringCodec } from '@allium/router/wire/string.ts';
import { Chance } from '../engine/chance.ts';
import { promise, type Target, type Targets } from '../engine/target.ts';
import {
  DESTINATION,
  oddLeaseSet,
  oddRouterInfo,
  ROUTER,
  signedLeaseSet,
  signedRouterInfo,
} from './forge.ts';

const chance = new Chance('seeds');
const ROUTER_INFOS = Array.from({ length: 6 }, () => oddRouterInfo(chance));
const LEASE_SETS = Array.from({ length: 6 }, () => oddLeaseSet(chance));
const MAPPING = Buffer.from('0015016b3d01763b046e616d653d0576616c75653b', 'hex');
const WORDS = ['caps=', '=', ';', 'NTCP2', 'host', Buffer.of(5, 0, 4, 0, 7, 0, 4), Buffer.of(0, 0, 0)];

/**
 * A codec alone: what it reads it writes again, into the same bytes where there is one way to write it, and bytes behind the
 * structure are refused.
 */
export function codecTarget<T>(
  codec: Codec<T>,
  rest: Omit<Target, 'run'> & { exact?: boolean } = {},
): Target {
  const { exact = true, ...target } = rest;
  return {
    ...target,
    run(input) {
      const value = decode(codec, input);
      if (exact) promise(Buffer.from(encode(codec, value)).equals(input), 'it is written as it was read');
      return value;
    },
  };
}

/** What every RouterInfo promises, by whatever way it came. */
export function checkRouterInfo(info: RouterInfo): RouterInfo {
  promise(info.addresses.length <= 16, 'at most 16 addresses');
  promise(info.raw.length <= 3_072, 'at most 3072 bytes');
  const { signatureType, signingKey } = info.identity;
  const length = signatureType === 7 ? 64 : 0;
  if (length > 0) {
    const key = {
      format: 'jwk',
      key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(signingKey).toString('base64url') },
    } as const;
    const signed = info.raw.subarray(0, info.raw.length - length);
    promise(verify(null, signed, key, info.raw.subarray(-length)), 'the signature is valid');
  }
  for (const { port, staticKey, iv } of ntcp2Address(info)) {
    promise(port >= 1 && port <= 65_535, 'a port');
    promise(staticKey.length === 32 && iv.length === 16, 'a key and an IV');
  }
  ntcp2StaticKeys(info);
  familyName(info);
  routerCaps(info);
  return info;
}

function reading<T>(name: string, read: (input: ByteReader) => T): (input: Buffer) => T {
  return (input) => read(new ByteReader(input, name));
}

const signature: Target['run'] = (input) => {
  const type = input[0] ?? 0;
  const length = input[1] ?? 0;
  const rest = input.subarray(2);
  return verifySignature(
    type & 15,
    rest.subarray(0, length),
    rest.subarray(length, length + 40),
    rest.subarray(-64),
  );
};

export const TARGETS: Targets = {
  'router/crypto/signature verifySignature': {
    run: signature,
    // A key or signature of another length is our own mistake.
    refuses: (error) => error instanceof RangeError,
    make: (it) =>
      Buffer.concat([
        Buffer.of(it.pick([0, 1, 2, 7, 11] as const), it.pick([32, 64, 96, 128] as const)),
        it.bytes(240),
      ]),
  },
  'router/wire/certificate certificateCodec': codecTarget(certificateCodec, {
    seeds: () => [Buffer.of(0, 0, 0), Buffer.of(5, 0, 4, 0, 7, 0, 4)],
    longest: 64,
  }),
  'router/wire/destination destinationCodec': codecTarget(destinationCodec, {
    seeds: () => [DESTINATION.destination.raw],
    words: WORDS,
  }),
  'router/wire/destination destinationKeysCodec': codecTarget(destinationKeysCodec, {
    seeds: () => [encode(destinationKeysCodec, DESTINATION)],
  }),
  'router/wire/keys-and-cert readKeysAndCert': {
    run: reading('keys', readKeysAndCert),
    seeds: () => [ROUTER.identity.raw, DESTINATION.destination.raw],
    words: WORDS,
  },
  'router/wire/lease leaseCodec': codecTarget(leaseCodec, {
    seeds: () => [Buffer.alloc(40, 7)],
    longest: 64,
  }),
  'router/wire/lease-set2 decodeLeaseSet2': {
    run(input) {
      const set = decodeLeaseSet2(input);
      promise(set.leases.length >= 1 && set.leases.length <= 16, '1 to 16 leases');
      promise(set.encryptionKeys.length >= 1 && set.encryptionKeys.length <= 8, '1 to 8 keys');
      promise(set.raw.length <= 4_096, 'at most 4096 bytes');
      return set;
    },
    seeds: () => LEASE_SETS,
    make: oddLeaseSet,
    mend: signedLeaseSet,
    words: WORDS,
  },
  'router/wire/mapping mappingCodec': codecTarget(mappingCodec, {
    // any order is read, one is written
    exact: false,
    seeds: () => [MAPPING, Buffer.alloc(2)],
    words: WORDS,
    mend: (input) =>
      Buffer.concat([Buffer.of((input.length - 2) >> 8, (input.length - 2) & 255), input.subarray(2)]),
  }),
  'router/wire/offline-signature readOfflineSignature': {
    run: reading('offline', (input) => readOfflineSignature(input, DESTINATION.destination)),
    seeds: () => [Buffer.concat([Buffer.of(0, 0, 0, 1, 0, 7), Buffer.alloc(96)])],
    longest: 512,
  },
  'router/wire/router-address routerAddressCodec': codecTarget(routerAddressCodec, {
    exact: false,
    seeds: () => [Buffer.concat([Buffer.of(3), Buffer.alloc(8), Buffer.from('\x05NTCP2'), MAPPING])],
    words: WORDS,
  }),
  'router/wire/router-identity routerIdentityCodec': codecTarget(routerIdentityCodec, {
    seeds: () => [ROUTER.identity.raw],
    words: WORDS,
  }),
  'router/wire/router-info decodeRouterInfo': {
    run: (input) => checkRouterInfo(decodeRouterInfo(input)),
    seeds: () => ROUTER_INFOS,
    make: oddRouterInfo,
    mend: signedRouterInfo,
    words: WORDS,
  },
  'router/wire/router-info routerInfoCodec': codecTarget(routerInfoCodec, {
    seeds: () => ROUTER_INFOS,
    make: oddRouterInfo,
    mend: signedRouterInfo,
    words: WORDS,
  }),
  'router/wire/string stringCodec': codecTarget(stringCodec, {
    seeds: () => [Buffer.from('\x03abc')],
    mend: (input) => Buffer.concat([Buffer.of(Math.min(255, input.length - 1)), input.subarray(1, 256)]),
    longest: 300,
  }),
};
