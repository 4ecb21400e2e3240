/** What nobody could forge by chance: structures with valid signatures of ours, and with odd contents. */

import { toBase64 } from '@allium/common/bytes/text.ts';
import { ByteWriter } from '@allium/common/bytes/writer.ts';
import { ed25519Public, ed25519Sign } from '@allium/router/crypto/ed25519.ts';
import { createDestinationKeys } from '@allium/router/wire/destination.ts';
import { writeKeysAndCert } from '@allium/router/wire/keys-and-cert.ts';
import { mappingCodec } from '@allium/router/wire/mapping.ts';
import { routerAddressCodec } from '@allium/router/wire/router-address.ts';
import { createRouterKeys } from '@allium/router/wire/router-keys.ts';
import { Chance } from '../engine/chance.ts';

const fixed = new Chance('keys');
/** The time in the simulated world, ms. */
export const NOW = Date.UTC(2026, 10, 24, 12);
export const NET_ID = 99;
export const ROUTER = createRouterKeys(fixed.random);
export const DESTINATION = createDestinationKeys(fixed.random);
export const STRANGER = createDestinationKeys(fixed.random);

/** Points of low order on Curve25519, with which no secret can be shared, and other keys that are none. */
const ODD_KEYS: readonly Buffer[] = [
  Buffer.alloc(32),
  Buffer.concat([Buffer.of(1), Buffer.alloc(31)]),
  Buffer.from('e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800', 'hex'),
  Buffer.from('5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157', 'hex'),
  Buffer.from('ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f', 'hex'),
  Buffer.from('edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f', 'hex'),
  Buffer.from('eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f', 'hex'),
  Buffer.alloc(32, 0xff),
];
const HOSTS = [
  ...['203.0.113.7', '8.8.8.8', '10.0.0.1', '127.0.0.1', '0.0.0.0', '255.255.255.255', '::', '::1'],
  ...['2a00::1', 'fe80::1', '2001:db8::1', '200::1', '::ffff:8.8.8.8', 'a.example', '', '8.8.8.8 ', '8.8.8'],
];
const PORTS = ['4567', '0', '1', '65535', '65536', '99999', '-1', '', '80', '0x50', '1e3', '04567'];
const CAPS = ['XfR', 'LU', 'LUG', '', 'f', 'R', 'XE', 'XPOfRD', 'KH', 'é'];
const VERSIONS = ['0.9.68', '0.9.58', '0.9.59', '1', '', '0', '0.9.68.1', '99999.0', '0.9.x'];
const FAMILIES = ['i2p-dev', 'stormycloud', '', 'x', '\u202e'];
const TRANSPORTS = ['NTCP2', 'NTCP', 'SSU2', 'SSU', '', 'ntcp2'];

export function oddKey(chance: Chance): Buffer {
  return chance.pick(ODD_KEYS) ?? Buffer.alloc(32);
}

function pick(chance: Chance, list: readonly string[]): string {
  return list[chance.below(list.length)] ?? '';
}

function text64(chance: Chance): string {
  const kind = chance.below(4);
  if (kind === 0) return toBase64(ROUTER.ntcp2.publicKey);
  if (kind === 1) return toBase64(oddKey(chance));
  return kind === 2 ? toBase64(chance.bytes(chance.below(40))) : '='.repeat(44);
}

function addressOptions(chance: Chance): Map<string, string> {
  const options = new Map<string, string>();
  const maybe = (key: string, value: string): void => void (chance.oneIn(6) || options.set(key, value));
  maybe('host', pick(chance, HOSTS));
  maybe('port', pick(chance, PORTS));
  maybe('s', text64(chance));
  maybe('i', chance.oneIn(3) ? text64(chance) : toBase64(ROUTER.ntcp2Iv));
  maybe('v', pick(chance, ['2', '2,3,4', '1', '', '2 ']));
  if (chance.oneIn(6)) maybe('caps', pick(chance, ['4', '6', '46', 'BC']));
  return options;
}

function dateOf(chance: Chance): number {
  const minutes = pick(chance, ['0', '-1', '1', '-60', '3', '-4400', '4400', '-30000']);
  if (chance.oneIn(12)) return chance.pick([0, 1, 2 ** 53 - 1, 2 ** 41] as const);
  return NOW + Number(minutes) * 60_000;
}

/** Everything of a RouterInfo behind its identity and before its signature, more or less as it should be. */
function routerInfoBody(chance: Chance): Buffer {
  const count = chance.oneIn(6) ? chance.pick([15, 16, 17, 200] as const) : chance.below(4);
  const addresses = Array.from({ length: Math.min(count, 24) }, () => ({
    transport: pick(chance, TRANSPORTS),
    cost: chance.below(256),
    options: addressOptions(chance),
  }));
  const options = new Map([
    ['caps', pick(chance, CAPS)],
    ['netId', chance.oneIn(5) ? pick(chance, ['2', '', '999', '-1', 'x']) : String(NET_ID)],
    ['router.version', chance.oneIn(2) ? '0.9.68' : pick(chance, VERSIONS)],
  ]);
  if (chance.oneIn(3)) {
    options.set('family', pick(chance, FAMILIES));
    options.set('family.sig', text64(chance));
    options.set('family.key', pick(chance, ['', 'ED25519', `ED25519:${text64(chance)}`]));
  }
  for (let more = chance.oneIn(8) ? chance.below(300) : 0; more > 0; more--) options.set(`o${more}`, '');
  const size = addresses.reduce((sum, address) => sum + routerAddressCodec.size(address), 10);
  const out = new ByteWriter(size + mappingCodec.size(options));
  out.u64(dateOf(chance)).u8(count);
  for (const address of addresses) routerAddressCodec.write(out, address);
  out.u8(0);
  mappingCodec.write(out, options);
  return Buffer.from(out.finish());
}

/** Validly signed, with odd contents: addresses, dates, options, families, keys of low order. */
export function oddRouterInfo(chance: Chance): Buffer {
  const seed = chance.oneIn(3) ? chance.bytes(32) : Buffer.from(ROUTER.signingSeed);
  const key = chance.oneIn(3) ? oddKey(chance) : ROUTER.encryption.publicKey;
  const identity = chance.oneIn(2)
    ? writeKeysAndCert(4, key, ed25519Public(seed), chance.random)
    : ROUTER.identity.raw;
  const body = Buffer.concat([identity, routerInfoBody(chance)]);
  return Buffer.concat([
    body,
    ed25519Sign(identity === ROUTER.identity.raw ? ROUTER.signingSeed : seed, body),
  ]);
}

/** Our identity in front and our signature behind whatever is between them. */
export function signedRouterInfo(input: Uint8Array): Buffer {
  const { raw } = ROUTER.identity;
  const body = Buffer.concat([raw, input.subarray(raw.length, Math.max(raw.length, input.length - 64))]);
  return Buffer.concat([body, ed25519Sign(ROUTER.signingSeed, body)]);
}

/** The same for a LeaseSet2; its signature covers the type too. */
export function signedLeaseSet(input: Uint8Array): Buffer {
  const { raw } = DESTINATION.destination;
  const body = Buffer.concat([raw, input.subarray(raw.length, Math.max(raw.length, input.length - 64))]);
  return Buffer.concat([body, ed25519Sign(DESTINATION.signingSeed, Buffer.concat([Buffer.of(3), body]))]);
}

/** Validly signed, with odd leases, keys and dates; sometimes by a transient key. */
export function oddLeaseSet(chance: Chance): Buffer {
  const signer = chance.oneIn(4) ? STRANGER : DESTINATION;
  const parts: Uint8Array[] = [signer.destination.raw];
  const seconds = Math.floor(dateOf(chance) / 1000) >>> 0;
  const header = Buffer.alloc(8);
  header.writeUInt32BE(seconds, 0);
  header.writeUInt16BE(chance.pick([0, 1, 600, 660, 65_535] as const), 4);
  const offline = chance.oneIn(4);
  header.writeUInt16BE((chance.oneIn(4) ? chance.below(65_536) & 0xfffe : 0) | (offline ? 1 : 0), 6);
  parts.push(header);
  const transient = chance.bytes(32);
  if (offline) parts.push(offlineSection(chance, seconds, transient, signer.signingSeed));
  const options = new Map<string, string>();
  for (let more = chance.oneIn(6) ? chance.below(300) : 0; more > 0; more--) options.set(`o${more}`, 'v');
  const mapping = new ByteWriter(mappingCodec.size(options));
  mappingCodec.write(mapping, options);
  parts.push(mapping.finish(), keySection(chance), leaseSection(chance, seconds));
  const body = Buffer.concat(parts);
  const signed = Buffer.concat([Buffer.of(3), body]);
  return Buffer.concat([body, ed25519Sign(offline ? transient : signer.signingSeed, signed)]);
}

/** Common Structures, "OfflineSignature": a transient key with the Destination's signature. */
function offlineSection(chance: Chance, seconds: number, transient: Uint8Array, seed: Uint8Array): Buffer {
  const body = Buffer.alloc(38);
  body.writeUInt32BE(chance.oneIn(3) ? 0 : (seconds + 86_400) >>> 0, 0);
  body.writeUInt16BE(7, 4);
  body.set(ed25519Public(transient), 6);
  return Buffer.concat([body, ed25519Sign(seed, body)]);
}

function keySection(chance: Chance): Buffer {
  const count = chance.oneIn(5) ? chance.below(12) : 1;
  const keys = Array.from({ length: count }, () => {
    const type = chance.oneIn(3) ? chance.below(300) : 4;
    const key = chance.oneIn(3) ? oddKey(chance) : DESTINATION.encryption.publicKey;
    return Buffer.concat([Buffer.of(type >> 8, type & 255, 0, 32), key]);
  });
  return Buffer.concat([Buffer.of(count), ...keys]);
}

function leaseSection(chance: Chance, seconds: number): Buffer {
  const count = chance.oneIn(5) ? chance.below(19) : 1 + chance.below(3);
  const leases = Array.from({ length: count }, () => {
    const lease = Buffer.alloc(40);
    lease.set(chance.oneIn(3) ? Buffer.alloc(32) : chance.bytes(32));
    lease.writeUInt32BE(chance.oneIn(4) ? 0 : chance.u32(), 32);
    lease.writeUInt32BE(chance.oneIn(4) ? chance.u32() : (seconds + 600) >>> 0, 36);
    return lease;
  });
  return Buffer.concat([Buffer.of(count), ...leases]);
}
