import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateRawSync, inflateRawSync } from 'node:zlib';

const FOLDER = join(import.meta.dirname, '../corpus');

/** A name that a file may have. */
export function fileNameOf(target: string): string {
  return target.replaceAll(/[^A-Za-z0-9.]+/g, '-').replace(/-$/, '');
}

/** The inputs that are kept for a target: one a line, compressed, in Base64. */
export function readCorpus(target: string): Buffer[] {
  const file = join(FOLDER, `${fileNameOf(target)}.txt`);
  if (!existsSync(file)) return [];
  return readFileSync(file, 'latin1')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => inflateRawSync(Buffer.from(line, 'base64')));
}

/** Replaces the inputs of a target. */
export function writeCorpus(target: string, inputs: readonly Uint8Array[]): void {
  mkdirSync(FOLDER, { recursive: true });
  const file = join(FOLDER, `${fileNameOf(target)}.txt`);
  if (inputs.length === 0) return rmSync(file, { force: true });
  const lines = inputs.map((input) => deflateRawSync(input, { level: 9 }).toString('base64'));
  writeFileSync(file, `${lines.join('\n')}\n`);
}

/** Files of targets that do not exist any more go. */
export function forgetOthers(targets: readonly string[]): void {
  const known = new Set(targets.map((target) => `${fileNameOf(target)}.txt`));
  if (!existsSync(FOLDER)) return;
  for (const file of readdirSync(FOLDER)) if (!known.has(file)) rmSync(join(FOLDER, file));
}
