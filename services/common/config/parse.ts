import { LineCounter, parseDocument, visit } from 'yaml';
import type { z } from 'zod';
import { GatewayError } from '../bytes/errors.ts';

/** A configuration file larger than this is not one. */
const MAX_BYTES = 1 << 20;

export interface ConfigProblem {
  readonly line: number;
  readonly column: number;
  /** dotted path of the key, empty for the whole file */
  readonly key: string;
  readonly why: string;
}

/** The configuration refuses the start: every problem with its place and what is allowed there. */
export class ConfigError extends GatewayError<{
  code: 'config';
  file: string;
  problems: readonly ConfigProblem[];
}> {
  constructor(file: string, problems: readonly ConfigProblem[]) {
    const lines = problems.map((p) => `${file}:${p.line}:${p.column}: ${p.key ? `${p.key}: ` : ''}${p.why}`);
    super({ code: 'config', file, problems }, lines.join('\n'));
    this.name = 'ConfigError';
  }
}

/**
 * Reads YAML text through a strict schema; `file` appears in the errors. Throws `ConfigError` for anything that the schema
 * does not name.
 */
export function parseConfig<S extends z.ZodType>(file: string, text: string, schema: S): z.output<S> {
  if (Buffer.byteLength(text) > MAX_BYTES) {
    throw new ConfigError(file, [{ line: 1, column: 1, key: '', why: `larger than ${MAX_BYTES} bytes` }]);
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, strict: true });
  const place = (offset: number): { line: number; column: number } => {
    const at = lines.linePos(offset);
    return { line: at.line, column: at.col };
  };
  if (document.errors.length > 0) {
    throw new ConfigError(
      file,
      document.errors.map((e) => ({ ...place(e.pos[0]), key: '', why: e.message.split('\n')[0] ?? e.code })),
    );
  }
  const alias = aliasIn(document);
  if (alias !== undefined) {
    throw new ConfigError(file, [{ ...place(alias), key: '', why: 'aliases are not supported' }]);
  }
  const result = schema.safeParse(document.toJS({ maxAliasCount: 0 }) ?? {});
  if (result.success) return result.data;
  throw new ConfigError(
    file,
    result.error.issues.flatMap((issue) =>
      expandIssue(issue).map((found) => ({
        ...place(offsetOf(document, found.path)),
        key: found.path.join('.'),
        why: found.why,
      })),
    ),
  );
}

interface Found {
  readonly path: readonly PropertyKey[];
  readonly why: string;
}

/** One entry per unknown key, so that each is shown at its own line. */
function expandIssue(issue: z.core.$ZodIssue): Found[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: [...issue.path, key], why: 'unknown key' }));
  }
  return [{ path: issue.path, why: issue.message }];
}

interface Ranged {
  readonly range?: readonly [number, number, number] | null;
}

/** Offset of the first `*name`: a few of them are a file of any size. */
function aliasIn(document: ReturnType<typeof parseDocument>): number | undefined {
  let offset: number | undefined;
  visit(document, {
    Alias(_, { range }) {
      offset = range?.[0] ?? 0;
      return visit.BREAK;
    },
  });
  return offset;
}

/** Offset of the key (for a pair) or of the nearest parent that is in the file. */
function offsetOf(document: ReturnType<typeof parseDocument>, path: readonly PropertyKey[]): number {
  for (let depth = path.length; depth > 0; depth--) {
    const parent = depth === 1 ? document.contents : document.getIn(path.slice(0, depth - 1), true);
    const items = (parent as { items?: { key?: { value?: unknown } & Ranged }[] } | null | undefined)?.items;
    const pair = items?.find((item) => item.key?.value === path[depth - 1]);
    if (pair?.key?.range) return pair.key.range[0];
    const node = document.getIn(path.slice(0, depth), true) as Ranged | undefined;
    if (node?.range) return node.range[0];
  }
  return (document.contents as Ranged | null)?.range?.[0] ?? 0;
}
