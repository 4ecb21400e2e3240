/** Inclusive ranges of byte values, ascending and apart from each other; never empty. */
export type ByteRanges = readonly (readonly [from: number, to: number])[];

/** A Perl expression, read. Subjects are bytes, one character for each. */
export type Node =
  | { readonly kind: 'set'; readonly ranges: ByteRanges }
  | { readonly kind: 'start' | 'end' | 'word' | 'not-word' }
  | { readonly kind: 'all'; readonly parts: readonly Node[] }
  | { readonly kind: 'any'; readonly branches: readonly Node[] }
  /** a group that captures; `index` counts from 1 */
  | { readonly kind: 'group'; readonly index: number; readonly body: Node }
  | Repeat
  | Look
  | { readonly kind: 'back'; readonly group: number; readonly caseless: boolean };

export interface Repeat {
  readonly kind: 'repeat';
  readonly body: Node;
  readonly min: number;
  /** `Infinity` for no bound */
  readonly max: number;
  readonly lazy: boolean;
}

export interface Look {
  readonly kind: 'look';
  readonly ahead: boolean;
  readonly negative: boolean;
  readonly body: Node;
}

export function childrenOf(node: Node): readonly Node[] {
  switch (node.kind) {
    case 'all':
      return node.parts;
    case 'any':
      return node.branches;
    case 'group':
    case 'repeat':
    case 'look':
      return [node.body];
    default:
      return [];
  }
}

/** The node with its children exchanged. */
export function withChildren(node: Node, change: (child: Node) => Node): Node {
  switch (node.kind) {
    case 'all':
      return { ...node, parts: node.parts.map(change) };
    case 'any':
      return { ...node, branches: node.branches.map(change) };
    case 'group':
    case 'repeat':
    case 'look':
      return { ...node, body: change(node.body) };
    default:
      return node;
  }
}

export function holds(node: Node, test: (node: Node) => boolean): boolean {
  return test(node) || childrenOf(node).some((child) => holds(child, test));
}
