import { isIPv4 } from 'node:net';
import { absolutePath } from '@allium/common/config/fields.ts';
import { parseConfig } from '@allium/common/config/parse.ts';
import { LOG_LEVELS } from '@allium/common/observe/log-levels.ts';
import { z } from 'zod';
import { isHostOf, overlap, parseSubnet, type Subnet } from './addresses.ts';

const address = z.string().refine((text) => isIPv4(text), 'an IPv4 address; host names are never resolved');
const subnet = z.string().transform((text, context): Subnet => {
  const parsed = parseSubnet(text);
  if (parsed !== undefined) return parsed;
  context.addIssue({ code: 'custom', message: `'${text}' is not a network such as 10.152.128.0/18` });
  return z.NEVER;
});
const mac = z
  .string()
  .regex(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/, 'a MAC address in lower case such as 02:42:0a:98:98:0a');

const link = z.strictObject({
  /** the interface is the one that has this address … */
  address,
  subnet,
  /** … and this hardware address, when given */
  mac: mac.optional(),
});

/** The service's own configuration. Unknown keys refuse the start. */
export const settingsSchema = z
  .strictObject({
    /** folder of the policies, `*.yaml` */
    policies: absolutePath,
    /** name of the policy that is in force from the start (the state is `sealed` until somebody asks for another) */
    policy: z.string().default('leak-proof'),
    /** Unix socket of the control protocol */
    control: absolutePath,
    /** the side of the workstations */
    lan: link,
    /** the side of the uplink */
    up: link,
    /** where Tor dials: the CONNECT or SOCKS listener of the uplink */
    uplink: z.strictObject({ address, port: z.int().min(1).max(65_535) }),
    /** the only user that may dial it */
    tor: z.strictObject({ uid: z.int('a number; names are never resolved').min(1).max(0xffff_fffe) }),
    /** tables that others keep in this namespace: Docker's own for its DNS */
    foreignTables: z
      .array(z.string().regex(/^(ip|ip6|inet) [A-Za-z][A-Za-z0-9_-]*$/, 'a family and a name such as ip nat'))
      .default(['ip nat', 'ip6 nat', 'ip docker-dns', 'ip6 docker-dns']),
    /** a folder in memory for nft's input */
    scratch: absolutePath.default('/dev/shm'),
    nft: z.array(z.string().min(1)).min(1).default(['nft']),
    log: z.enum(LOG_LEVELS).default('info'),
  })
  .superRefine((settings, context) => {
    const refuse = (path: string[], message: string): void =>
      context.addIssue({ code: 'custom', path, message });
    for (const side of ['lan', 'up'] as const) {
      const { subnet: network, address: own } = settings[side];
      if (!isHostOf(network, own)) refuse([side, 'address'], 'not a host of the subnet');
    }
    if (overlap(settings.lan.subnet, settings.up.subnet)) refuse(['up', 'subnet'], 'overlaps the LAN');
    if (!isHostOf(settings.up.subnet, settings.uplink.address))
      refuse(['uplink', 'address'], 'not a host of up.subnet');
    if (settings.uplink.address === settings.up.address)
      refuse(['uplink', 'address'], 'the address of up itself');
  });

export type Settings = z.output<typeof settingsSchema>;
export type LinkSettings = Settings['lan'];

/** Throws `ConfigError` with line and column. */
export function parseSettings(file: string, text: string): Settings {
  return parseConfig(file, text, settingsSchema);
}
