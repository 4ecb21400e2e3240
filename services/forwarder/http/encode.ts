/** Between the lines of a head, these would make one header two. */
const BREAK = /[\0\r\n]/;

const LAST_CHUNK = Buffer.from('0\r\n\r\n');
const CHUNK_END = Buffer.from('\r\n');

/** A whole head as Latin-1 text. Throws `RangeError` for anything that would end a line inside it. */
export function headText(firstLine: string, headers: readonly string[]): string {
  let text = checked(firstLine);
  for (let at = 0; at + 1 < headers.length; at += 2)
    text += `\r\n${checked(headers[at] ?? '')}: ${checked(headers[at + 1] ?? '')}`;
  return `${text}\r\n\r\n`;
}

function checked(part: string): string {
  if (BREAK.test(part)) throw new RangeError('a line end inside a header');
  return part;
}

/** How a body is written: as it is, or in chunks. */
export type BodyCoding = 'plain' | 'chunked';

/** Wraps the parts of a body into one chunk, uncopied. */
export function encodeBody(parts: Buffer[], coding: BodyCoding): Buffer[] {
  if (coding === 'plain') return parts;
  let length = 0;
  for (const part of parts) length += part.length;
  // A chunk without bytes would be the last one.
  if (length === 0) return [];
  return [Buffer.from(`${length.toString(16)}\r\n`, 'latin1'), ...parts, CHUNK_END];
}

/** What stands behind the last part. */
export function bodyEnd(coding: BodyCoding): Buffer | undefined {
  return coding === 'chunked' ? LAST_CHUNK : undefined;
}
