/** Rough cost of an object, a number or a key, in bytes. */
const EACH = 16;

/**
 * What a value holds, roughly, in bytes: its objects, texts and bytes. Views of `input` weigh nothing. Stops above `limit`.
 */
export function weigh(value: unknown, input: Uint8Array, limit: number): number {
  let weight = 0;
  const met = new Set<object>();
  const open: unknown[] = [value];
  while (open.length > 0 && weight <= limit) {
    const next = open.pop();
    weight += EACH;
    if (typeof next === 'string') weight += next.length;
    if (typeof next !== 'object' || next === null || met.has(next)) continue;
    met.add(next);
    if (ArrayBuffer.isView(next)) weight += next.buffer === input.buffer ? 0 : next.byteLength;
    else if (next instanceof Map) open.push(...flat(next));
    else if (Array.isArray(next) || next instanceof Set) for (const part of next) open.push(part);
    else open.push(...Object.values(next));
  }
  return weight;
}

function* flat(map: ReadonlyMap<unknown, unknown>): Generator<unknown> {
  for (const [key, value] of map) yield* [key, value];
}
