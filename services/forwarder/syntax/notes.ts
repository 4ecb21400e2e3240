import { GatewayError } from '@allium/common/bytes/errors.ts';

/** Where a line was written; `line` counts from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
}

export interface Note extends Place {
  readonly why: string;
  /** what the line could say instead; empty: it can go */
  readonly fix?: string;
}

/** What to do, in words, about a line that has a fix. */
export function remedy(fix: string): string {
  return fix === '' ? 'delete the line' : `write "${fix}"`;
}

/** More problems than this are not listed: the file is of another kind. */
const NOTES_MAX = 200;

/** What was found while the files were read. One error is enough to refuse the start. */
export class Notes {
  readonly errors: Note[] = [];
  readonly warnings: Note[] = [];
  readonly #said = new Set<string>();

  refuse({ file, line }: Place, why: string, fix?: string): void {
    if (this.errors.length < NOTES_MAX)
      this.errors.push({ file, line, why, ...(fix === undefined ? {} : { fix }) });
  }

  /** Says the same thing once, at the first place. */
  warn(place: Place, why: string): void {
    if (this.#said.has(why) || this.warnings.length >= NOTES_MAX) return;
    this.#said.add(why);
    this.warnings.push({ file: place.file, line: place.line, why });
  }

  /** Throws `ConfigurationError` when anything was refused. */
  check(): void {
    if (this.errors.length > 0) throw new ConfigurationError(this.errors);
  }
}

/** The configuration refuses the start; the message has one `file:line: why` per line. */
export class ConfigurationError extends GatewayError<{ code: 'config'; problems: readonly Note[] }> {
  constructor(problems: readonly Note[]) {
    super({ code: 'config', problems }, problems.map((p) => `${p.file}:${p.line}: ${p.why}`).join('\n'));
    this.name = 'ConfigurationError';
  }
}
