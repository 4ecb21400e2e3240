/** The services' sources as a graph: who imports whom, and what each file takes from the machine. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

const SERVICES = join(import.meta.dirname, '../../services');

export interface Import {
  /** file below services/, `node:…`, or `npm:…` */
  readonly target: string;
  /** only types are taken: nothing of the target runs */
  readonly typesOnly: boolean;
  /** what stands between the braces */
  readonly names: readonly string[];
}

export interface Source {
  /** below services/ */
  readonly file: string;
  /** `service/folder`, or `service/file.ts` for what lies beside the folders; nftables-ts is one room */
  readonly room: string;
  readonly text: string;
  /** without comments */
  readonly code: string;
  readonly imports: readonly Import[];
}

const STATEMENT =
  /^(?:import|export)\s+(type\s)?([^'";]*?)\s*\bfrom\s*'([^']+)'|^import\s*'([^']+)'|\bimport\(\s*'([^']+)'/gm;

export function sources(): Source[] {
  return readdirSync(SERVICES, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.includes('node_modules'))
    .sort()
    .map((file) => {
      const text = readFileSync(join(SERVICES, file), 'utf8');
      const code = text.replaceAll(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm, '');
      return { file, room: roomOf(file), text, code, imports: importsOf(file, code) };
    });
}

export function roomOf(file: string): string {
  const [service = '', ...rest] = file.split('/');
  return service === 'nftables-ts' ? service : `${service}/${rest[0]}`;
}

function importsOf(file: string, code: string): Import[] {
  return [...code.matchAll(STATEMENT)].map(([, type, clause = '', from, bare, dynamic]) => {
    const braced = /\{([^}]*)\}/.exec(clause)?.[1]?.split(',') ?? [];
    const names = braced.map((name) => name.trim()).filter((name) => name !== '');
    const onlyTypes =
      names.length > 0 && clause.trim().startsWith('{') && names.every((name) => name.startsWith('type '));
    return {
      target: targetOf(file, from ?? bare ?? dynamic ?? ''),
      typesOnly: type !== undefined || onlyTypes,
      names: names.map((name) => name.replace(/^type /, '')),
    };
  });
}

function targetOf(file: string, name: string): string {
  if (name.startsWith('.')) return relative(SERVICES, join(SERVICES, dirname(file), name));
  if (name.startsWith('@allium/')) return name.slice('@allium/'.length);
  if (name.startsWith('nftables-ts/') || name.startsWith('node:')) return name;
  const parts = name.split('/');
  return `npm:${name.startsWith('@') ? parts.slice(0, 2).join('/') : parts[0]}`;
}
