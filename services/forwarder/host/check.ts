import { corrected } from '../syntax/corrected.ts';
import { ConfigurationError } from '../syntax/notes.ts';
import { loadMain, type MainFile, readMain } from './load.ts';

/** Corrections of one file; a line may have a second fault that hid behind the first. */
const CORRECTIONS_MAX = 3;

export interface Checked {
  readonly out: string;
  readonly err: string;
  readonly code: 0 | 1;
}

/**
 * What a configuration would do: with nothing wrong, what would be ignored or looks doubtful; else all that is refused,
 * and in `out` the file as it would be taken. Throws `ConfigurationError` when the file cannot be read.
 */
export function checkConfiguration(name: string, gateway: string | undefined): Checked {
  const main = readMain(name);
  const first = refusalOf(main, gateway);
  if (first === undefined) {
    const { warnings } = loadMain(main, gateway);
    return {
      out: warnings.map((note) => `${note.file}:${note.line}: ${note.why}\n`).join(''),
      err: '',
      code: 0,
    };
  }
  let { text } = main;
  let left: ConfigurationError | undefined = first;
  for (let round = 0; round < CORRECTIONS_MAX && left !== undefined; round++) {
    text = corrected(
      text,
      left.detail.problems.filter(({ file }) => file === main.file),
    );
    left = refusalOf({ ...main, text }, gateway);
  }
  const rest = left === undefined ? '' : `left to you in the corrected file:\n${left.message}\n`;
  return { out: text, err: `${first.message}\n${rest}`, code: 1 };
}

function refusalOf(main: MainFile, gateway: string | undefined): ConfigurationError | undefined {
  try {
    loadMain(main, gateway);
    return undefined;
  } catch (error) {
    if (error instanceof ConfigurationError) return error;
    throw error;
  }
}
