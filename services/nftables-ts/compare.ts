import type { Canonical } from './canonical.ts';

export type Difference =
  | { readonly kind: 'missing'; readonly name: string; readonly meant: string }
  | { readonly kind: 'unexpected'; readonly name: string; readonly found: string }
  | { readonly kind: 'changed'; readonly name: string; readonly meant: string; readonly found: string };

/** Everything in which the kernel's ruleset is not the one that was meant; empty when they are the same. */
export function compare(meant: Canonical, found: Canonical): Difference[] {
  const differences: Difference[] = [];
  for (const [name, value] of meant) {
    const other = found.get(name);
    if (other === undefined) differences.push({ kind: 'missing', name, meant: value });
    else if (other !== value) differences.push({ kind: 'changed', name, meant: value, found: other });
  }
  for (const [name, value] of found) {
    if (!meant.has(name)) differences.push({ kind: 'unexpected', name, found: value });
  }
  return differences;
}
