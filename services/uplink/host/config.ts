import { isAbsolute } from 'node:path';
import { loadConfig } from '@allium/common/config/load.ts';
import { type ListenAddress, parseListenAddress } from '@allium/common/lifecycle/listen.ts';
import { parseIp } from '@allium/common/net/ip-address.ts';
import { z } from 'zod';

const absolutePath = z.string().refine(isAbsolute, 'an absolute path');
const address = z.string().transform((text, context): ListenAddress => {
  const parsed = parseListenAddress(text);
  if (parsed !== undefined) return parsed;
  context.addIssue({ code: 'custom', message: 'an absolute socket path or HOST:PORT' });
  return z.NEVER;
});

const schema = z.strictObject({
  /** where Tor finds us */
  listen: address,
  /** the only address that may connect; any when we listen on a Unix socket */
  client: z
    .string()
    .refine((text) => parseIp(text) !== undefined, 'an IP address')
    .optional(),
  /** socket on which the supervisor tells which relays may be reached, and that it still watches */
  control: absolutePath,
  health: z.strictObject({ listen: address }).optional(),
  /** test networks only */
  allowPrivateAddresses: z.boolean().default(false),
});

export type UplinkConfig = z.output<typeof schema>;

/** Throws `ConfigError` with file, line and what is allowed. */
export function loadUplinkConfig(file: string): UplinkConfig {
  return loadConfig(file, schema);
}
