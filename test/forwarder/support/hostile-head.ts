/** A head as long as `text` whose long values are its beginning, each under a name that somebody looks at. */
export function headOf(text: string, ...names: readonly string[]): string[] {
  const part = text.slice(0, text.length / names.length);
  return ['Host', 'a.i2p', ...names.flatMap((name) => [name, part])];
}
