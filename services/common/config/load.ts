import { readFileSync } from 'node:fs';
import type { z } from 'zod';
import { ConfigError, parseConfig } from './parse.ts';

export { ConfigError, parseConfig } from './parse.ts';

/** As `parseConfig`, from a file. Throws `ConfigError` for one that cannot be read, too. */
export function loadConfig<S extends z.ZodType>(file: string, schema: S): z.output<S> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const why = `cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`;
    throw new ConfigError(file, [{ line: 1, column: 1, key: '', why }]);
  }
  return parseConfig(file, text, schema);
}
