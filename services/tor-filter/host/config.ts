import { absolutePath, listenAddress } from '@allium/common/config/fields.ts';
import { loadConfig } from '@allium/common/config/load.ts';
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
