/** What a user on the workstation types; overlay.i2p.yaml makes the workstation. */
import { docker } from '../../network/docker.ts';
import { container } from '../live/appliance.ts';

export interface Read {
  readonly status: number;
  readonly bytes: number;
  /** of the body, lower-case hex */
  readonly sha256: string;
  /** the body's first 4 kB */
  readonly text: string;
  /** to the first byte and to the end */
  readonly seconds: { readonly firstByte: number; readonly total: number };
}

/** Runs a program there and returns its output. Throws DockerError with what it said when it fails. */
export function onWorkstation(...command: string[]): Promise<string> {
  return docker('exec', container('workstation'), ...command);
}

const FETCH = `set -e
body=$(mktemp)
trap 'rm -f "$body"' EXIT
curl -q --silent --show-error --output "$body" \
  --write-out '%{http_code} %{size_download} %{time_starttransfer} %{time_total}\n' "$@"
sha256sum "$body" | cut -c1-64
head -c 4096 "$body"`;

/** curl with these arguments. Throws when it has no answer at all; any HTTP status is an answer. */
export async function curl(...args: string[]): Promise<Read> {
  const output = await onWorkstation('sh', '-c', FETCH, 'sh', ...args);
  const [figures = '', sha256 = '', ...text] = output.split('\n');
  const [status = Number.NaN, bytes = Number.NaN, firstByte = Number.NaN, total = Number.NaN] = figures
    .split(' ')
    .map(Number);
  return { status, bytes, sha256, text: text.join('\n'), seconds: { firstByte, total } };
}
