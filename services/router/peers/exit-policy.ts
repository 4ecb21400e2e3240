/**
 * How likely a Tor exit lets us reach a port. Tor picks exits by port, so a rare port is slow and crowded rather than
 * impossible; what no default policy allows is as good as closed.
 */

/** Share of exit bandwidth that accepts the port, 0 to 1. The host may measure it over the control port. */
export type PortShare = (port: number) => number;

type Range = readonly [number, number];

/** ReducedExitPolicy of Tor 0.4.9: nearly every exit accepts these. */
const REDUCED: readonly Range[] = [
  [20, 23],
  [43, 43],
  [53, 53],
  [79, 81],
  [88, 88],
  [110, 110],
  [143, 143],
  [194, 194],
  [220, 220],
  [389, 389],
  [443, 443],
  [464, 465],
  [531, 531],
  [543, 544],
  [554, 554],
  [587, 587],
  [636, 636],
  [706, 706],
  [749, 749],
  [873, 873],
  [902, 904],
  [981, 981],
  [989, 995],
  [1194, 1194],
  [1220, 1220],
  [1293, 1293],
  [1500, 1500],
  [1533, 1533],
  [1677, 1677],
  [1723, 1723],
  [1755, 1755],
  [1863, 1863],
  [2082, 2083],
  [2086, 2087],
  [2095, 2096],
  [2102, 2104],
  [3128, 3128],
  [3389, 3389],
  [3690, 3690],
  [4321, 4321],
  [4643, 4643],
  [5050, 5050],
  [5190, 5190],
  [5222, 5223],
  [5228, 5228],
  [5900, 5900],
  [6660, 6669],
  [6679, 6679],
  [6697, 6697],
  [8000, 8000],
  [8008, 8008],
  [8074, 8074],
  [8080, 8080],
  [8082, 8082],
  [8087, 8088],
  [8232, 8233],
  [8332, 8333],
  [8443, 8443],
  [8888, 8888],
  [9418, 9418],
  [9999, 10000],
  [11371, 11371],
  [18080, 18081],
  [18089, 18089],
  [19294, 19294],
  [19638, 19638],
  [50002, 50002],
  [64738, 64738],
];
/** What even the default policy rejects. */
const REJECTED: readonly Range[] = [
  [25, 25],
  [119, 119],
  [135, 139],
  [445, 445],
  [563, 563],
  [1214, 1214],
  [4661, 4666],
  [6346, 6429],
  [6699, 6699],
  [6881, 6999],
];

const SHARE_REDUCED = 0.95;
const SHARE_DEFAULT = 0.4;
const SHARE_REJECTED = 0.02;

/** The share without measurement, from the policies that exits ship with. */
export function assumedPortShare(port: number): number {
  if (within(REJECTED, port)) return SHARE_REJECTED;
  return within(REDUCED, port) ? SHARE_REDUCED : SHARE_DEFAULT;
}

function within(ranges: readonly Range[], port: number): boolean {
  return ranges.some(([from, to]) => port >= from && port <= to);
}
