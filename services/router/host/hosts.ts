import { readFileSync } from 'node:fs';
import { parseHostsFile } from '../client/hosts-file.ts';
import type { StreamTarget } from '../client/target.ts';

/** The hosts file of the configuration. Throws `HostsFileError` with file and line. */
export function readHosts(file: string): Map<string, StreamTarget> {
  return parseHostsFile(readFileSync(file, 'utf8'), file);
}
