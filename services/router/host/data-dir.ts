import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { GatewayError } from '@allium/common/bytes/errors.ts';

export type DataDirFacts = { readonly code: 'data-dir'; readonly folder: string };
/** The folder for what is kept cannot be made or entered. */
export class DataDirError extends GatewayError<DataDirFacts> {}

/** Makes the folder (0700) for what is kept across restarts. Throws `DataDirError`. */
export function makeDataDir(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    // What former versions kept: every neighbour ever met knew the router by it.
    rmSync(join(folder, 'router.keys'), { force: true });
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? (error as Error).message;
    throw new DataDirError({ code: 'data-dir', folder }, `${folder}: ${why}; dataDir cannot be made`);
  }
}
