import { readFileSync } from 'node:fs';
import { HostsFileError, parseHostsFile } from '../client/hosts-file.ts';
import type { StreamTarget } from '../client/target.ts';

/** The hosts file of the configuration. Throws `HostsFileError` with file and line. */
export function readHosts(file: string): Map<string, StreamTarget> {
  return parseHostsFile(readText(file), file);
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new HostsFileError(
      file,
      0,
      `cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`,
    );
  }
}
