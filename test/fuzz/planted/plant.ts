import { registerHooks } from 'node:module';
import type { PlantedBug } from './bugs.ts';

/** Puts the bug into its module when that is loaded; the file stays as it is. Throws where the text is not there once. */
export function plant({ file, from, to, name }: PlantedBug): void {
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      if (!url.endsWith(`/services/${file}`)) return loaded;
      const source = Buffer.from(loaded.source as Uint8Array).toString();
      if (source.split(from).length !== 2) throw new Error(`${name}: ${file} does not have its text once`);
      return { ...loaded, source: source.replace(from, to) };
    },
  });
}
