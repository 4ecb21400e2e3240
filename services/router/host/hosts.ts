import { readFileSync, statSync } from 'node:fs';
import { GatewayError } from '@allium/common/bytes/errors.ts';
import type { Stop } from '@allium/common/lifecycle/lifecycle.ts';
import type { Logger } from '@allium/common/observe/logger.ts';
import { HOSTS_FILE_MAX, HOSTS_FILE_TOO_LARGE, type HostsFile, readHostsFile } from '../names/hosts-file.ts';

/** How often the file is looked at, in ms: a file in a container gives no other sign on every kind of disk. */
const LOOK_MS = 5_000;
/** Bad lines that the log names one by one. */
const LOGGED_MAX = 10;

/** The hosts file of the configuration can't be read at all: the start ends with it. */
export class HostsFileError extends GatewayError<{ readonly code: 'hosts-file'; readonly file: string }> {}

/** The hosts file of the configuration. Throws `HostsFileError`. */
export function readHosts(file: string): HostsFile {
  try {
    // A character has at most three bytes, two of them four.
    if (statSync(file).size > 3 * HOSTS_FILE_MAX) return HOSTS_FILE_TOO_LARGE;
    return readHostsFile(readFileSync(file, 'utf8'));
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? 'unknown';
    throw new HostsFileError({ code: 'hosts-file', file }, `${file}: cannot be read (${why})`);
  }
}

/** `file:line: why` for every bad line that was kept, with its name: for the person who asks, not for a log. */
export function hostsProblems(file: string, hosts: HostsFile): string[] {
  const lines = hosts.faults.map(({ line, why, name }) =>
    [`${file}${line > 0 ? `:${line}` : ''}`, ...(name === undefined ? [] : [name]), why].join(': '),
  );
  const rest = hosts.bad - hosts.faults.length;
  return rest > 0 ? [...lines, `${file}: ${rest} more`] : lines;
}

/** Keeps the names of a hosts file up to date: it is read again when it changes, and on SIGHUP. */
export class HostsWatch {
  readonly #file: string;
  readonly #log: Logger;
  readonly #use: (hosts: HostsFile) => void;
  readonly #lookMs: number;
  #counts = { names: 0, badLines: 0 };
  /** of the file as it was just before it was read last */
  #mark = '';

  constructor(file: string, log: Logger, use: (hosts: HostsFile) => void, lookMs = LOOK_MS) {
    this.#lookMs = lookMs;
    this.#file = file;
    this.#log = log;
    this.#use = use;
  }

  /** Counts only. */
  get status(): { readonly names: number; readonly badLines: number } {
    return this.#counts;
  }

  /** Throws `HostsFileError`. */
  start(): { readonly stop: Stop } {
    this.#mark = markOf(this.#file);
    this.#take(readHosts(this.#file));
    // Not `watchFile`: its first look comes late, and what changed before it is never seen.
    const looks = setInterval(() => {
      if (markOf(this.#file) !== this.#mark) this.#again();
    }, this.#lookMs).unref();
    process.on('SIGHUP', this.#again);
    return {
      stop: () => {
        clearInterval(looks);
        process.off('SIGHUP', this.#again);
      },
    };
  }

  /** A file that can't be read now leaves the names as they were. */
  readonly #again = (): void => {
    this.#mark = markOf(this.#file);
    try {
      this.#take(readHosts(this.#file));
      this.#log.info({ count: this.#counts.names }, 'hosts file read again');
    } catch (error) {
      if (!(error instanceof HostsFileError)) throw error;
      this.#log.warn({ why: error.message }, 'the hosts file stays as it was');
    }
  };

  #take(hosts: HostsFile): void {
    this.#use(hosts);
    this.#counts = { names: hosts.names.size, badLines: hosts.bad };
    if (hosts.bad === 0) return;
    const lines = hosts.faults.slice(0, LOGGED_MAX).map(({ line, why }) => `${this.#file}:${line}: ${why}`);
    this.#log.warn({ bad: hosts.bad, lines }, 'lines of the hosts file were passed over');
  }
}

/** Changes with the file; empty while there is none. */
function markOf(file: string): string {
  try {
    const { ino, size, mtimeMs } = statSync(file);
    return `${ino} ${size} ${mtimeMs}`;
  } catch {
    return '';
  }
}
