import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { GatewayError } from '@allium/common/bytes/errors.ts';

export type KeyFileFacts = { readonly code: 'key-file'; readonly file: string };
/** A key file that cannot be read or written; the start is refused, a new identity is never made over an old one. */
export class KeyFileError extends GatewayError<KeyFileFacts> {}

/**
 * Reads keys from `file`, or makes them and writes the file first. The file appears whole or not at all (written
 * beside, synced, renamed), mode 0600.
 */
export function loadOrCreateKeys<T>(
  file: string,
  codec: { encode(keys: T): Uint8Array; decode(bytes: Uint8Array): T },
  create: () => T,
): T {
  const exists = existsSync(file);
  try {
    if (exists) return codec.decode(readFileSync(file));
    const keys = create();
    writeWhole(file, codec.encode(keys));
    return keys;
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? (error as Error).message;
    const advice = exists ? 'restore it from a backup or move it away' : 'it cannot be written';
    throw new KeyFileError({ code: 'key-file', file }, `${file}: ${why}; ${advice}`);
  }
}

function writeWhole(file: string, bytes: Uint8Array): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const beside = `${file}.new`;
  const handle = openSync(beside, 'w', 0o600);
  try {
    writeSync(handle, bytes);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  renameSync(beside, file);
  const folder = openSync(dirname(file), 'r');
  fsyncSync(folder);
  closeSync(folder);
}
