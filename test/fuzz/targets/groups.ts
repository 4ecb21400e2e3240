import type { Targets } from '../engine/target.ts';

/** Each is loaded when somebody hunts in it: a thread that watches less code watches it faster. */
export const groups: Readonly<Record<string, () => Promise<{ readonly TARGETS: Targets }>>> = {
  wire: () => import('./wire.ts'),
  i2np: () => import('./i2np.ts'),
  tunnel: () => import('./tunnel.ts'),
  garlic: () => import('./garlic.ts'),
  streaming: () => import('./streaming.ts'),
  ntcp2: () => import('./ntcp2.ts'),
  netdb: () => import('./netdb.ts'),
  text: () => import('./text.ts'),
  node: () => import('./node.ts'),
  local: () => import('./local.ts'),
};

/** All targets with their groups, by name. */
export async function allTargets(): Promise<
  Map<string, { readonly group: string; readonly target: Targets[string] }>
> {
  const all = new Map<string, { readonly group: string; readonly target: Targets[string] }>();
  for (const [group, load] of Object.entries(groups)) {
    for (const [name, target] of Object.entries((await load()).TARGETS)) {
      if (all.has(name)) throw new Error(`two targets ${name}`);
      all.set(name, { group, target });
    }
  }
  return all;
}
