/** Which exported code takes text or bytes, as the TypeScript compiler sees it. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  API,
  type Checker,
  type Symbol as Named,
  type Signature,
  SignatureKind,
  SymbolFlags,
  type Type,
  TypeFlags,
} from 'typescript/unstable/sync';

const ROOT = join(import.meta.dirname, '../..');
/** Lists in objects in lists; what lies deeper in a parameter is no text of a message. */
const DEPTH_MAX = 6;
const BYTES = new Set(['Uint8Array', 'Buffer', 'ArrayBuffer', 'ByteReader']);

/**
 * Exported functions, constructors and public methods in folders below services/ that have a parameter with text or
 * bytes in it, however deep: `folder/file name` or `folder/file Class.method`, sorted.
 */
export function textTakers(folders: readonly string[]): string[] {
  const api = new API({ cwd: ROOT });
  try {
    const config = join(ROOT, 'tsconfig.json');
    const project = api.updateSnapshot({ openProjects: [config] }).getProject(config);
    if (project === undefined) throw new Error('no project');
    const { checker, program } = project;
    const takes = new Takes(checker);
    const found: string[] = [];
    for (const file of folders.flatMap(filesOf)) {
      const source = program.getSourceFile(join(ROOT, 'services', file));
      const module = source && checker.getSymbolAtLocation(source);
      if (module === undefined) throw new Error(`${file} is no module`);
      const names = checker.getExportsOfModule(module).flatMap((symbol) => takes.namesOf(symbol));
      found.push(...names.map((name) => `${file.slice(0, -'.ts'.length)} ${name}`));
    }
    return found.sort();
  } finally {
    api.close();
  }
}

function filesOf(folder: string): string[] {
  return readdirSync(join(ROOT, 'services', folder))
    .filter((file) => file.endsWith('.ts'))
    .map((file) => `${folder}/${file}`);
}

class Takes {
  readonly #checker: Checker;
  /** by type: what is known, or under way */
  readonly #known = new Map<number, boolean>();

  constructor(checker: Checker) {
    this.#checker = checker;
  }

  /** The callable things behind an exported name that take text. */
  namesOf(symbol: Named): string[] {
    const kinds = SymbolFlags.Function | SymbolFlags.Class | SymbolFlags.Variable;
    const type = (symbol.flags & kinds) === 0 ? undefined : this.#checker.getTypeOfSymbol(symbol);
    if (type === undefined) return [];
    const [made] = this.#signatures(type, SignatureKind.Construct);
    const instance = made && this.#checker.getReturnTypeOfSignature(made);
    const methods = instance === undefined ? [] : this.#checker.getPropertiesOfType(instance);
    return [
      ...(this.#any(type, SignatureKind.Call) ? [symbol.name] : []),
      ...(this.#any(type, SignatureKind.Construct) ? [`${symbol.name}.constructor`] : []),
      ...methods.filter((it) => this.#isTakingMethod(it)).map(({ name }) => `${symbol.name}.${name}`),
    ];
  }

  #isTakingMethod(symbol: Named): boolean {
    if ((symbol.flags & SymbolFlags.Method) === 0 || symbol.name.includes('#')) return false;
    const type = this.#checker.getTypeOfSymbol(symbol);
    return type !== undefined && this.#any(type, SignatureKind.Call);
  }

  #any(type: Type, kind: SignatureKind): boolean {
    return this.#signatures(type, kind).some((signature) =>
      signature.getParameters().some((parameter) => {
        const taken = this.#checker.getTypeOfSymbol(parameter);
        return taken !== undefined && this.#holdsText(taken, 0);
      }),
    );
  }

  #signatures(type: Type, kind: SignatureKind): readonly Signature[] {
    return this.#checker.getSignaturesOfType(type, kind);
  }

  #holdsText(type: Type, depth: number): boolean {
    const known = this.#known.get(type.id);
    if (known !== undefined) return known;
    if (depth > DEPTH_MAX) return false;
    this.#known.set(type.id, false);
    const holds = this.#looksLikeText(type, depth);
    this.#known.set(type.id, holds);
    return holds;
  }

  #looksLikeText(type: Type, depth: number): boolean {
    if ((type.flags & (TypeFlags.String | TypeFlags.TemplateLiteral)) !== 0) return true;
    const holds = (inner: Type | undefined): boolean =>
      inner !== undefined && this.#holdsText(inner, depth + 1);
    if (type.isUnionType() || type.isIntersectionType()) return (type.getTypes() ?? []).some(holds);
    if (type.isTypeParameter()) return holds(this.#checker.getConstraintOfTypeParameter(type));
    if (!type.isObjectType()) return false;
    if (BYTES.has(type.getSymbol()?.name ?? '')) return true;
    const inner = type.isTypeReference() ? this.#checker.getTypeArguments(type) : [];
    if (inner.some(holds)) return true;
    // A list or a map is what is in it; a function is called by us, not by the text.
    if (inner.length > 0 || this.#signatures(type, SignatureKind.Call).length > 0) return false;
    return this.#checker.getPropertiesOfType(type).some((it) => {
      return holds(this.#checker.getTypeOfSymbol(it));
    });
  }
}
