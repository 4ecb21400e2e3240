import { isAbsolute } from 'node:path';
import { loadConfig } from '@allium/common/config/load.ts';
import { type ListenAddress, parseListenAddress } from '@allium/common/lifecycle/listen.ts';
import { LOG_LEVELS } from '@allium/common/observe/log-levels.ts';
import { z } from 'zod';

/** The public I2P network; every test switch is refused there. */
const MAIN_NET_ID = 2;
const MAX_SERVICES = 16;

const absolutePath = z.string().refine(isAbsolute, 'an absolute path');
const address = z.string().transform((text, context): ListenAddress => {
  const parsed = parseListenAddress(text);
  if (parsed !== undefined) return parsed;
  context.addIssue({ code: 'custom', message: 'an absolute socket path or HOST:PORT' });
  return z.NEVER;
});

const hops = z.int().min(1).max(4);
const quantity = z.int().min(1).max(6);

const service = z.strictObject({
  /** what BIND asks for at `streams`; names the service in status and errors */
  name: z.string().regex(/^[a-z0-9-]{1,32}$/, 'lower case letters, digits and dashes, at most 32'),
  /** file with the Destination's keys; made with mode 0600 when it is not there */
  keys: absolutePath,
});

const schema = z
  .strictObject({
    /** folder of identity, NetDB and profiles; made with mode 0700 */
    dataDir: absolutePath,
    netId: z.int().min(2).max(254).default(MAIN_NET_ID),
    tor: z.strictObject({
      /** Tor's SocksPort: the only way out */
      socks: address,
    }),
    reseed: z
      .strictObject({
        /** SU3 files, or folders of RouterInfos and SU3 files, read before any server is asked */
        files: z.array(absolutePath).max(16).default([]),
        /** ask the built-in reseed servers through Tor when the NetDB is too small */
        servers: z.boolean().default(true),
      })
      .prefault({}),
    /** SOCKS 5 for streams (contracts/streams.ts) */
    streams: z.strictObject({ listen: address }).optional(),
    /** JSON for names (contracts/names.ts) */
    names: z.strictObject({ listen: address }).optional(),
    health: z.strictObject({ listen: address }).optional(),
    /** lines of `name=destination`: names that everybody has besides .b32.i2p; read again when it changes */
    hosts: absolutePath.optional(),
    /** Destinations that strangers may open streams to */
    services: z.array(service).max(MAX_SERVICES).default([]),
    tunnels: z.strictObject({ length: hops.default(3), quantity: quantity.default(3) }).prefault({}),
    logLevel: z.enum(LOG_LEVELS).default('info'),
    /** accept peers with private addresses: test networks only */
    allowPrivateAddresses: z.boolean().default(false),
    /** allow hops of one /16 in a tunnel: test networks only */
    skipIpDiversity: z.boolean().default(false),
  })
  .superRefine((config, context) => {
    const names = config.services.map((one) => one.name);
    if (new Set(names).size !== names.length) {
      context.addIssue({ code: 'custom', path: ['services'], message: 'two services of one name' });
    }
    if (config.netId !== MAIN_NET_ID) return;
    for (const key of ['allowPrivateAddresses', 'skipIpDiversity'] as const) {
      if (!config[key]) continue;
      context.addIssue({
        code: 'custom',
        path: [key],
        message: 'is for test networks: refused with netId 2',
      });
    }
  });

export type RouterConfig = z.output<typeof schema>;
export type ServiceConfig = RouterConfig['services'][number];

/** Throws `ConfigError` with file, line and what is allowed. */
export function loadRouterConfig(file: string): RouterConfig {
  return loadConfig(file, schema);
}

/** The schema itself, for tests of single keys. */
export const routerConfigSchema = schema;
