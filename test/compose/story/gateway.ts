/** The appliance as shipped in front of the test network, from `compose up` to `open`, said aloud. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { SupervisorStatus as Status } from '@allium/common/contracts/supervisor.ts';
import { docker } from '../../network/docker.ts';
import { netDirectory } from '../../network/layout.ts';
import { type Say, seconds } from '../../network/stages.ts';
import { type Compose, composeOf, container, PROJECT, status } from '../live/appliance.ts';
import { changes, progressLines } from './progress.ts';

const OVERLAY = 'test/compose/overlay.i2p.yaml';
/** ms between two looks at the supervisor. */
const LOOK_MS = 400;
/** ms from `up` to open: 12 to 20 on two free cores; CI shares its cores. */
const OPEN_DEADLINE_MS = 180_000;

/** `lanParent`: a bridge for workstations that use the gateway as default route, as with compose.lan.yaml. */
export function gatewayCompose(lanParent?: string): Compose {
  const env = { ALLIUM_NET_DIR: netDirectory() };
  if (lanParent === undefined) return composeOf([OVERLAY], env);
  return composeOf(['compose.lan.yaml', OVERLAY], { ...env, ALLIUM_LAN_PARENT: lanParent });
}

/** Ends what is up, state included. */
export async function takeDown(compose: Compose): Promise<void> {
  await compose('down', '--volumes', '--timeout', '2');
}

/** Looks at the supervisor from before `up` until `end`, and tells what changes with the time since then. */
export class Progress {
  readonly started = Date.now();
  readonly #say: Say;
  readonly #following: Promise<void>;
  readonly #opened = Promise.withResolvers<number>();
  #last: Status | undefined;
  #ended = false;

  constructor(say: Say) {
    this.#say = say;
    this.#following = this.#follow();
  }

  /** ms since the start */
  get elapsed(): number {
    return Date.now() - this.started;
  }

  tell(line: string): void {
    this.#say(`${seconds(this.elapsed).padStart(7)}  ${line}`);
  }

  /** ms until the first look that found it open. Throws with what is missing after the deadline. */
  async opened(): Promise<number> {
    const timer = new AbortController();
    const late = sleep(OPEN_DEADLINE_MS - this.elapsed, undefined, { signal: timer.signal }).then(() => {
      throw new Error(`not open after ${seconds(OPEN_DEADLINE_MS)}: ${whyOf(this.#last)}`);
    });
    try {
      return await Promise.race([this.#opened.promise, late]);
    } finally {
      timer.abort();
    }
  }

  async end(): Promise<void> {
    this.#ended = true;
    await this.#following;
  }

  async #follow(): Promise<void> {
    const fresh = changes();
    while (!this.#ended) {
      this.#last = await status();
      const lines =
        this.#last === undefined
          ? [`containers up: ${(await running()).join(', ') || 'none yet'}`]
          : progressLines(this.#last);
      for (const line of fresh(lines)) this.tell(line);
      if (this.#last?.stage === 'open') this.#opened.resolve(this.elapsed);
      await sleep(LOOK_MS);
    }
  }
}

function whyOf(last: Status | undefined): string {
  const logs = `docker logs ${container('supervisor')}`;
  if (last === undefined) return `the supervisor does not answer; see ${logs}`;
  const doubts = last.doubts.map((doubt) => Object.values(doubt).join(' '));
  return [...progressLines(last), ...doubts, `see ${logs}`].join('; ');
}

/** The containers of the appliance that run, by the names of their services; none if the engine does not answer. */
async function running(): Promise<string[]> {
  const list = ['ps', '--filter', `label=com.docker.compose.project=${PROJECT}`, '--format'];
  const found = await docker(...list, '{{.Label "com.docker.compose.service"}}').catch(() => '');
  return found
    .split('\n')
    .filter((role) => role !== '' && role !== 'workstation')
    .toSorted();
}

/** Memory of each container of the appliance in MiB, as Docker counts it: without the file cache. */
export async function memory(): Promise<Readonly<Record<string, number>>> {
  const roles = await running();
  const names = roles.map(container);
  const text = await docker('stats', '--no-stream', '--format', '{{.Name}} {{.MemUsage}}', ...names);
  const rows = text
    .trim()
    .split('\n')
    .map((row): [string, number] => {
      const [, name = '', amount, unit = ''] = /^(\S+) ([\d.]+)(\w*B) /.exec(row) ?? [];
      return [roles[names.indexOf(name)] ?? name, Number(amount) * (MEBIBYTES[unit] ?? Number.NaN)];
    });
  return Object.fromEntries(rows);
}
const MEBIBYTES: Readonly<Record<string, number>> = { B: 2 ** -20, KiB: 2 ** -10, MiB: 1, GiB: 2 ** 10 };
