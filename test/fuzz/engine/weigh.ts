/** Rough cost of an object, a number or a key, in bytes. */
const EACH = 16;

/** What a value holds, roughly, in bytes: its objects, texts and bytes. Views of `input` weigh nothing. Stops above `limit`. */
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
    else for (const part of partsOf(next)) open.push(part);
  }
  return weight;
}

function partsOf(value: object): Iterable<unknown> {
  if (value instanceof Map) return [...value].flat();
  return Array.isArray(value) || value instanceof Set ? value : Object.values(value);
}
