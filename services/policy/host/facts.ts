import { readFile } from 'node:fs/promises';
import type { Facts } from '../model/facts.ts';
import { parseDevices, parseRoutes } from '../model/proc.ts';

/** Reads the structure of our network namespace. Throws when the kernel doesn't show it: that is a doubt too. */
export async function readFacts(): Promise<Facts> {
  const [dev, route, ipv4, ipv6] = await Promise.all([
    readFile('/proc/net/dev', 'utf8'),
    readFile('/proc/net/route', 'utf8'),
    readFile('/proc/sys/net/ipv4/ip_forward', 'utf8'),
    readFile('/proc/sys/net/ipv6/conf/all/forwarding', 'utf8').catch(withoutIpv6),
  ]);
  const devices = parseDevices(dev);
  const macs = new Map<string, string>();
  for (const device of devices) {
    // Only a check besides the network; a device that went away meanwhile has none.
    const mac = await readFile(`/sys/class/net/${device}/address`, 'utf8').catch(() => '');
    macs.set(device, mac.trim());
  }
  return {
    devices,
    macs,
    routes: parseRoutes(route),
    forwarding: ipv4.trim() !== '0' || ipv6.trim() !== '0',
  };
}

/** A kernel without IPv6 has no such file. */
function withoutIpv6(error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOENT') return '0';
  throw error;
}
