/** Decoded at most this often: URLs in URLs in URLs. */
const DECODE_MAX = 2;

/** The last `http(s)://` inside a URL, behind its own scheme; undefined when there is none or the action is off. */
export function fastRedirect(url: string, mode: string | undefined): string | undefined {
  if (mode === undefined) return undefined;
  const inside = lastUrl(url);
  if (inside !== undefined || mode !== 'check-decoded-url') return inside;
  let decoded = url;
  for (let round = 0; round < DECODE_MAX; round++) {
    const next = decode(decoded);
    if (next === decoded) return undefined;
    decoded = next;
    const found = lastUrl(decoded);
    if (found !== undefined) return found;
  }
  return undefined;
}

function lastUrl(url: string): string | undefined {
  const lower = url.toLowerCase();
  const at = Math.max(lower.lastIndexOf('http://'), lower.lastIndexOf('https://'));
  return at > 0 ? url.slice(at) : undefined;
}

function decode(text: string): string {
  return text.replaceAll(/%([2-7][0-9a-f])/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
