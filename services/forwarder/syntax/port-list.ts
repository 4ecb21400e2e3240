export interface PortRange {
  readonly from: number;
  readonly to: number;
}

const PORT_MAX = 65_535;

/**
 * Privoxy's port lists: `80,443`, `20-100`, `500-`, `-3`, `-`; blanks are allowed. A part with other text matches
 * nothing and is reported in `wrong`; an empty part is Privoxy's way to say "none".
 */
export function parsePortList(text: string): {
  readonly ranges: readonly PortRange[];
  readonly wrong: readonly string[];
} {
  const ranges: PortRange[] = [];
  const wrong: string[] = [];
  for (const part of text.split(',').map((piece) => piece.trim())) {
    if (part === '') continue;
    const match = /^(\d{0,5})\s*(-?)\s*(\d{0,5})$/.exec(part);
    const [, low = '', dash = '', high = ''] = match ?? [];
    const from = low === '' ? 0 : Number(low);
    const to = dash === '' ? from : high === '' ? PORT_MAX : Number(high);
    if (match === null || (dash === '' && (low === '' || high !== '')) || to > PORT_MAX || from > to)
      wrong.push(part);
    else ranges.push({ from, to });
  }
  return { ranges, wrong };
}

export function portInList(ranges: readonly PortRange[], port: number): boolean {
  return ranges.some((range) => port >= range.from && port <= range.to);
}
