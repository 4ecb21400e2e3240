/** Who lives where in the test network: the counterpart of compose.yaml, and the folder shared with the containers. */
import { createHash } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Endpoint } from './fetching.ts';

/** Addresses as in compose.yaml. */
export const ADDRESSES = {
  'tor-authority-1': '10.216.0.10',
  'tor-authority-2': '10.217.0.10',
  'tor-authority-3': '10.218.0.10',
  'tor-exit-1': '10.219.0.10',
  'tor-exit-2': '10.220.0.10',
  'tor-client': '10.224.0.3',
  'i2pd-peer-1': '10.193.0.10',
  'i2pd-peer-2': '10.194.0.10',
  'i2pd-peer-3': '10.195.0.10',
  'i2pd-peer-4': '10.196.0.10',
  'i2pd-peer-5': '10.197.0.10',
  'i2pd-peer-6': '10.198.0.10',
  'i2pd-peer-7': '10.199.0.10',
  'i2pd-peer-8': '10.200.0.10',
  'i2pd-peer-9': '10.201.0.10',
  'i2pd-peer-10': '10.202.0.10',
  'i2pd-peer-11': '10.203.0.10',
  'i2pd-peer-12': '10.204.0.10',
  'i2pd-peer-13': '10.205.0.10',
  'i2pd-peer-14': '10.206.0.10',
  'i2pd-peer-15': '10.207.0.10',
  'i2pd-peer-16': '10.208.0.10',
  'i2pd-peer-17': '10.209.0.10',
  'i2pd-peer-18': '10.212.0.10',
  'i2pd-peer-19': '10.213.0.10',
  'i2pd-peer-20': '10.214.0.10',
  'i2pd-peer-21': '10.215.0.10',
  'i2pd-peer-22': '10.221.0.10',
  'i2pd-peer-23': '10.222.0.10',
  'i2pd-peer-24': '10.223.0.10',
  'i2pd-eepsite': '10.210.0.10',
  'i2pd-reader': '10.211.0.10',
  'i2pd-client': '10.224.0.4',
  site: '10.192.0.2',
} as const;
export type Role = keyof typeof ADDRESSES;
export const ROLES = Object.keys(ADDRESSES) as Role[];
/** The routers that publish a RouterInfo with an address; i2pd-client hides behind Tor. */
export const ROUTERS = ROLES.filter((role) => role.startsWith('i2pd-') && role !== 'i2pd-client');

export const PORTS = {
  httpProxy: 4444,
  socksProxy: 4447,
  sam: 7656,
  console: 7070,
  ntcp2: 4567,
  torSocks: 9050,
} as const;
export const CLEARNET_URL = 'http://clearnet.test:8080/';
export const NET_ID = 99;

export function endpoint(role: Role, port: keyof typeof PORTS): Endpoint {
  return { host: ADDRESSES[role], port: PORTS[port] };
}

/** The folder shared with the containers; its path is short, for a Unix socket's path has at most 107 bytes. */
export function netDirectory(): string {
  return process.env.ALLIUM_NET_DIR ?? join(tmpdir(), 'allium-net');
}

/** What up() and the containers make in the folder. */
export const SHARED = {
  authorities: 'authorities',
  seed: 'seed',
  reseed: 'reseed',
  tor: 'tor',
  site: 'site',
  b32: 'eepsite.b32',
  description: 'network.json',
  demo: 'demo',
} as const;

/** Removes what the network made in its folder, and nothing else. */
export async function clearNetDirectory(): Promise<void> {
  for (const name of Object.values(SHARED))
    await rm(join(netDirectory(), name), { recursive: true, force: true });
}

const MADE_FROM = [
  'compose.yaml',
  'i2pd/Dockerfile',
  'i2pd/entrypoint.sh',
  'site/Dockerfile',
  'site/nginx.conf',
  'tor/Dockerfile',
  'tor/entrypoint.sh',
];

/** Names the network that this checkout would make: equal hashes, equal networks in the same folder. */
export async function configHash(): Promise<string> {
  const hash = createHash('sha256').update(`${netDirectory()}\0`);
  for (const file of MADE_FROM)
    hash.update(`${file}\0`).update(await readFile(join(import.meta.dirname, file)));
  return hash.digest('hex').slice(0, 16);
}
