import { absolutePath, listenAddress } from '@allium/common/config/fields.ts';
import { loadConfig } from '@allium/common/config/load.ts';
import { listenDoubt } from '@allium/common/net/listen-address.ts';
import { z } from 'zod';

const schema = z.strictObject({
  /** where workstations find it */
  listen: listenAddress,
  /** Tor's own control socket */
  tor: absolutePath,
  health: z.strictObject({ listen: listenAddress }).optional(),
});
export type TorFilterConfig = z.output<typeof schema>;

/** Throws `ConfigError` with file, line and what is allowed. */
export function loadTorFilterConfig(file: string): TorFilterConfig {
  return loadConfig(file, schema);
}

/** What is allowed and may well be a mistake. */
export function doubtsOf({ listen }: TorFilterConfig): string[] {
  const doubt = listenDoubt(listen);
  return doubt === undefined ? [] : [doubt];
}
