import { absolutePath, listenAddress } from '@allium/common/config/fields.ts';
import { loadConfig } from '@allium/common/config/load.ts';
import { parseIp } from '@allium/common/net/ip-address.ts';
import { listenDoubt } from '@allium/common/net/listen-address.ts';
import { z } from 'zod';

const schema = z.strictObject({
  /** where Tor finds us */
  listen: listenAddress,
  /** the only address that may connect; any when we listen on a Unix socket */
  client: z
    .string()
    .refine((text) => parseIp(text) !== undefined, 'an IP address')
    .optional(),
  /** socket on which the supervisor tells which relays may be reached, and that it still watches */
  control: absolutePath,
  health: z.strictObject({ listen: listenAddress }).optional(),
  /** test networks only */
  allowPrivateAddresses: z.boolean().default(false),
});

export type UplinkConfig = z.output<typeof schema>;

/** Throws `ConfigError` with file, line and what is allowed. */
export function loadUplinkConfig(file: string): UplinkConfig {
  return loadConfig(file, schema);
}

/** What is allowed and may well be a mistake. */
export function doubtsOf({ listen, client, allowPrivateAddresses }: UplinkConfig): string[] {
  return [
    listenDoubt(listen),
    'host' in listen && client === undefined ? 'no client: whoever reaches it may connect' : undefined,
    allowPrivateAddresses ? 'allowPrivateAddresses is for test networks only' : undefined,
  ].filter((doubt) => doubt !== undefined);
}
