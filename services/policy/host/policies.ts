import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError } from '@allium/common/config/load.ts';
import { type Policy, parsePolicy } from '../model/policy.ts';

/** Throws `ConfigError`: the name is not that of a file, or the file has a mistake. */
export function readPolicy(folder: string, name: string): Policy {
  const file = join(folder, `${name}.yaml`);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const why = `cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`;
    throw new ConfigError(file, [{ line: 1, column: 1, key: '', why }]);
  }
  const policy = parsePolicy(file, text);
  if (policy.name === name) return policy;
  throw new ConfigError(file, [
    { line: 1, column: 1, key: 'name', why: `is '${policy.name}', the file says '${name}'` },
  ]);
}

/** Names of the files, whether or not they have mistakes: `readPolicy` tells. Empty when there is no such folder. */
export function policyNames(folder: string): string[] {
  try {
    const files = readdirSync(folder).filter((name) => name.endsWith('.yaml'));
    return files.map((file) => file.slice(0, -'.yaml'.length)).toSorted();
  } catch {
    return [];
  }
}

/** All policies of the folder, so that a mistake in any of them shows at the start and not when it is needed. */
export function readPolicies(folder: string): Policy[] {
  return policyNames(folder).map((name) => readPolicy(folder, name));
}
